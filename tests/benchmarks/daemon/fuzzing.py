"""One run of the fuzzer: libFuzzer mutates files or messages, guided by what of our own code and Pillow's each of them
reaches, and every one of them goes through a running daemon and its shut-in worker.

python -m tests.benchmarks.daemon.fuzzing photos|messages --state DIR --counts FILE --corpus DIR --runs N --seed S --every N
"""

import argparse
import json
import secrets
import sys
import time
from collections import Counter
from pathlib import Path

import atheris
import msgspec
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

with atheris.instrument_imports(include=["daemon", "PIL"]):
    from daemon.formats import containers
    from daemon.state.folder import read_local
    from daemon.wire.errors import CloakroomError
    from daemon.wire.frames import MAX_FRAME, decode_frame, encode_frames
    from daemon.wire.handshake import ClientHandshake, Credential
    from daemon.wire.protocol import (
        LIMITS,
        LOCAL_ORIGIN,
        VERSION,
        Protect,
        ProtocolError,
        decode_from_client,
        decode_from_daemon,
        encode,
    )
    from daemon.worker import photo
import contextlib

from tests.benchmarks.daemon.untouched import FUZZED_PIXELS, POLICY

PATIENCE_SECONDS = 60.0
MAX_BYTES = 65_536


class Fuzzed:
    """A connection of the command line's to the daemon, opened again whenever it is closed; and what came of everything."""

    def __init__(self, state: Path, counts: Path, every: int) -> None:
        self._state = state
        self._file = counts
        self._every = every
        self.counts: Counter[str] = Counter()
        self._connection: ClientConnection | None = None

    def connection(self) -> ClientConnection:
        """One that is open, or was a moment ago."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self._connection is None:
            try:
                self._connection = self._open()
            except (OSError, WebSocketException, ProtocolError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        return self._connection

    def _open(self) -> ClientConnection:
        access = read_local(self._state)
        if access is None:
            raise ConnectionError
        host = f"127.0.0.1:{access.port}"
        opened = connect(
            f"ws://{host}/v1",
            origin=Origin(LOCAL_ORIGIN),
            subprotocols=[Subprotocol(VERSION)],
            compression=None,
            max_size=MAX_FRAME,
            proxy=None,
        )
        handshake = ClientHandshake(host, Credential(access.client, bytes.fromhex(access.key)))
        opened.send(encode(handshake.hello()))
        while handshake.welcome is None:
            answer = handshake.receive(decode_from_daemon(opened.recv(PATIENCE_SECONDS)))
            if answer is not None:
                opened.send(encode(answer))
        return opened

    def drop(self) -> None:
        """The daemon closed it."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self.counts["closed"] += 1

    def count(self, outcome: str) -> None:
        self.counts["tried"] += 1
        self.counts[outcome] += 1
        if self.counts["tried"] % self._every == 0:
            written = self._file.with_suffix(".new")
            written.write_text(json.dumps(self.counts))
            written.replace(self._file)

    # What is mutated.

    def photo(self, data: bytes) -> None:
        """Through the decoder here, for its coverage, and through the worker, which is what counts."""
        if not data:
            return
        self._look(data)
        job = secrets.token_hex(16)
        for _ in range(2):
            try:
                self.count(self._send(job, data))
                return
            except (ConnectionClosed, TimeoutError):
                self.drop()
        self.count("lost")

    def _look(self, data: bytes) -> None:
        try:
            kind = containers.kind_of(data)
            if kind is not None:
                photo.decode(data)
        except CloakroomError as problem:
            self.counts[f"here {problem.code}"] += 1

    def _send(self, job: str, data: bytes) -> str:
        connection = self.connection()
        message = Protect(job=job, name="", mime="", size=len(data), channel=None, policy=POLICY)
        connection.send(encode(message))
        for frame in encode_frames(job, data):
            connection.send(frame)
        while True:
            told = connection.recv(PATIENCE_SECONDS)
            if isinstance(told, bytes):
                continue
            answer = json.loads(told)
            if answer["job"] != job:
                continue
            if answer["type"] == "result":
                left = answer["size"]
                while left > 0:
                    chunk = connection.recv(PATIENCE_SECONDS)
                    left -= len(chunk) - 16 if isinstance(chunk, bytes) else 0
                return "protected"
            if answer["type"] == "error":
                return str(answer["code"])

    def message(self, data: bytes) -> None:
        """A text where it is one, else a binary frame; a question that always has an answer shows that the front lives."""
        try:
            text: str | None = data.decode()
        except UnicodeDecodeError:
            text = None
        with contextlib.suppress(ProtocolError):
            decode_from_client(text) if text is not None else decode_frame(data)
        try:
            connection = self.connection()
            connection.send(data if text is None else text)
            connection.send('{"type":"status"}')
            while True:
                told = connection.recv(PATIENCE_SECONDS)
                if isinstance(told, str) and json.loads(told)["type"] == "state":
                    break
            self.count("answered")
        except ConnectionClosed:
            # Whoever talks nonsense for long is closed: that is an answer, too.
            self.drop()
            self.count("answered")
        except TimeoutError:
            self.drop()
            self.count("lost")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("photos", "messages"))
    for name in ("state", "counts", "corpus"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--every", type=int, required=True, help="after so many runs the counts are written")
    options = parser.parse_args()
    vars(photo)["LIMITS"] = msgspec.structs.replace(LIMITS, pixels=FUZZED_PIXELS)
    fuzzed = Fuzzed(options.state, options.counts, options.every)
    # libFuzzer takes no seed of 0: it would draw one.
    given = [f"-runs={options.runs}", f"-seed={options.seed + 1}", f"-max_len={MAX_BYTES}", "-timeout=120", "-rss_limit_mb=0"]
    # What it finds noteworthy lies with what it mutates, not where it was started.
    given.append(f"-artifact_prefix={options.corpus.parent}/")
    atheris.Setup(
        [sys.argv[0], *given, "-print_final_stats=0", "-verbosity=0", str(options.corpus)],
        fuzzed.photo if options.what == "photos" else fuzzed.message,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
