"""The browsers that may speak to the daemon: a key and a file each, and the code that admits a new one."""

import contextlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from daemon.state.folder import prepare, write_private
from daemon.wire.handshake import Credential, Refused, code_key, new_code
from daemon.wire.plain_text import plain
from daemon.wire.protocol import LOCAL_ORIGIN, ClientEntry, Label

CHROMIUM_ORIGIN: Final = "chrome-extension://dimefedcpapjaedghdnffhadabnldoen"
LOCAL_CLIENT: Final = "local"
CODE_SECONDS: Final = 120
CODE_TRIES: Final = 5
MAX_CLIENTS: Final = 64

_FIREFOX = re.compile(r"moz-extension://[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CLIENT_FILE = re.compile(r"c-[0-9a-f]{16}\.json")


class DamagedPairingError(Exception):
    """A file in the place of a pairing is none; the text says what is wrong with it, and goes on from its name."""


LATEST: Final = 253_402_300_799.0
"""The last second that a calendar has."""


class PairedClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A browser as its file keeps it."""

    client: str
    label: Label
    origin: str
    key: str
    created: Annotated[float, Meta(ge=0, le=LATEST)]

    @property
    def origin_kind(self) -> Literal["chromium", "firefox"]:
        return "chromium" if self.origin == CHROMIUM_ORIGIN else "firefox"


def client_files(folder: Path) -> list[Path]:
    """The files of paired browsers."""
    return [path for path in sorted(folder.iterdir()) if _CLIENT_FILE.fullmatch(path.name)] if folder.is_dir() else []


def read_client(path: Path) -> PairedClient:
    """A paired browser.

    Raises:
        DamagedPairingError: the file is not what a pairing left.
        OSError: it cannot be read.
    """
    try:
        entry = msgspec.json.decode(path.read_bytes(), type=PairedClient)
        key_bytes = len(bytes.fromhex(entry.key))
    except msgspec.ValidationError:
        raise DamagedPairingError("lacks a field, has one too many, or one that is not what it should be") from None
    except msgspec.DecodeError:
        raise DamagedPairingError("is cut off, or not JSON") from None
    except ValueError:
        raise DamagedPairingError("holds no key") from None
    if key_bytes != 32:
        raise DamagedPairingError("holds no key")
    if path.name != f"{entry.client}.json":
        raise DamagedPairingError("is the copy of another")
    if entry.origin != CHROMIUM_ORIGIN and not _FIREFOX.fullmatch(entry.origin):
        raise DamagedPairingError("is of no browser's extension")
    return entry


@dataclass
class _Code:
    key: bytes
    until: float
    tries: int


class Pairing:
    """Keys and codes of one state folder.

    Args:
        folder: the state folder; keys are kept in its `clients`.
        clock: seconds that only go forward.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = prepare(folder / "clients")
        self._clock = clock
        self._code: _Code | None = None
        self._clients = {entry.client: entry for entry in self._read()}
        self.local = Credential(LOCAL_CLIENT, secrets.token_bytes(32))

    def _read(self) -> list[PairedClient]:
        found = []
        for path in client_files(self._folder):
            # A damaged file admits nobody; that browser pairs again.
            with contextlib.suppress(OSError, DamagedPairingError):
                found.append(read_client(path))
        return found

    # Origins, before the upgrade.

    def admits(self, origin: str | None) -> bool:
        """Whether a socket from this origin may be opened at all."""
        if origin is None:
            return False
        if origin in (CHROMIUM_ORIGIN, LOCAL_ORIGIN):
            return True
        if not _FIREFOX.fullmatch(origin):
            return False
        return self.open or any(entry.origin == origin for entry in self._clients.values())

    # Keys.

    def key_for(self, client: str, origin: str) -> bytes | None:
        """The client's key; None for unknown clients and for another origin than it was paired from."""
        if client == LOCAL_CLIENT:
            return self.local.key if origin == LOCAL_ORIGIN else None
        entry = self._clients.get(client)
        if entry is None or entry.origin != origin:
            return None
        return bytes.fromhex(entry.key)

    def knows(self, client: str) -> bool:
        return client == LOCAL_CLIENT or client in self._clients

    def entries(self) -> tuple[ClientEntry, ...]:
        """Every paired browser, the oldest first, without keys."""
        return tuple(
            ClientEntry(client=e.client, label=e.label, origin_kind=e.origin_kind, created=e.created)
            for e in sorted(self._clients.values(), key=lambda e: e.created)
        )

    def revoke(self, client: str) -> bool:
        """Forget a browser; False if it was not known. The caller closes its sockets."""
        entry = self._clients.pop(client, None)
        if entry is None:
            return False
        (self._folder / f"{entry.client}.json").unlink(missing_ok=True)
        return True

    # The code.

    @property
    def open(self) -> bool:
        return self.current_code() is not None

    def open_pairing(self) -> str:
        """A new code, shown to the person; an earlier one stops working."""
        code = new_code()
        self._code = _Code(code_key(code), self._clock() + CODE_SECONDS, CODE_TRIES)
        return code

    def current_code(self) -> bytes | None:
        """The HMAC key of the waiting code, None after two minutes, five tries or its use."""
        if self._code is not None and (self._clock() >= self._code.until or self._code.tries <= 0):
            self._code = None
        return self._code.key if self._code else None

    def spend_try(self) -> None:
        if self._code is not None:
            self._code.tries -= 1

    def pair(self, label: str, origin: str) -> Credential:
        """Use the code up and keep a new browser with a key of its own.

        Raises:
            Refused: no code is waiting, the origin is not a browser's extension, or too many are paired.
        """
        extension = origin == CHROMIUM_ORIGIN or _FIREFOX.fullmatch(origin) is not None
        if not self.open or not extension or len(self._clients) >= MAX_CLIENTS:
            raise Refused
        self._code = None
        client = f"c-{secrets.token_hex(8)}"
        entry = PairedClient(client, plain(label), origin, secrets.token_hex(32), time.time())
        write_private(self._folder / f"{client}.json", msgspec.json.encode(entry))
        self._clients[client] = entry
        return Credential(client, bytes.fromhex(entry.key))
