"""Text of others reaches no terminal raw: no escape sequence, no forged line, no letters turned round."""

import ast
import io
import multiprocessing
import os
import sys
from pathlib import Path

import pytest

import daemon
from daemon.client import DaemonClient
from daemon.commands.console import echo
from daemon.commands.showing import summary
from daemon.front import worker_process
from daemon.front.pairing import CHROMIUM_ORIGIN
from daemon.front.server import Server
from daemon.wire.handshake import Credential
from daemon.wire.plain_text import plain, plain_lines, shown
from tests.daemon import odd_workers
from tests.daemon.conftest import StartServer, local_client

HOSTILE = "a\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\u202e\u2028\ud800b"


def test_one_line_that_can_be_seen() -> None:
    assert plain("Chromium, Ärger – 写真 🙂") == "Chromium, Ärger – 写真 🙂"
    assert plain(HOSTILE).isprintable()
    assert plain(HOSTILE).startswith("a�[2J")
    assert plain_lines("two\n\tlines\x1b[1m") == "two\n\tlines�[1m"
    assert shown(None) == ""


def test_echo_says_nothing_to_the_terminal() -> None:
    stream = io.StringIO()
    echo(f"said: {HOSTILE}", file=stream)
    assert not set(stream.getvalue()) & set("\x1b\x07\r\x9b\u202e\u2028")
    stream.getvalue().encode("utf-8")


def _calls() -> list[tuple[Path, ast.Call, str]]:
    found = []
    for path in Path(daemon.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found.append((path, node, node.func.id))
    return found


def test_every_line_for_people_goes_that_way() -> None:
    """Besides echo itself, progress of measurements, and JSON, whose writer escapes."""
    printing = {path.name for path, _, name in _calls() if name == "print"}
    assert printing == {"console.py", "figures.py", "running.py"}


def test_names_in_brackets_are_no_styles() -> None:
    """rich would take [red] or [link=...] in a name for its own."""
    for path, call, name in _calls():
        if name in ("Console", "TextColumn"):
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            is_silent = name == "Console" and "stderr" in given
            markup = given.get("markup")
            is_literal = name == "TextColumn" and isinstance(call.args[0], ast.Constant) and "{" not in str(call.args[0].value)
            assert is_silent or is_literal or (isinstance(markup, ast.Constant) and markup.value is False), path


@pytest.mark.parametrize("sentence", [HOSTILE, None])
def test_what_became_of_a_photo_is_one_line(sentence: str | None) -> None:
    assert summary(Path(f"{HOSTILE[:-2]}.png"), None, None, sentence).isprintable()


async def test_a_browser_that_calls_itself_by_an_escape(start_server: StartServer) -> None:
    server: Server = await start_server(odd_workers.echo)
    label = HOSTILE.replace("\ud800", "")
    async with await local_client(server) as person:
        code = (await person.open_pairing()).code
        browser = await DaemonClient.open(server.port, None, origin=CHROMIUM_ORIGIN, code=code, label=label)
        await browser.close()
        assert [entry.label for entry in await person.clients()] == [plain(label)]
    assert isinstance(browser.credential, Credential)


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe is no file descriptor there")
def test_what_a_worker_writes_moves_no_cursor(capfd: pytest.CaptureFixture[str]) -> None:
    heard, written = multiprocessing.Pipe(duplex=False)
    os.write(written.fileno(), "Traceback:\n\tÄ \x1b]0;owned\x07\n".encode() + b"\xff\n")
    written.close()
    worker_process.pass_on_errors(heard)
    assert capfd.readouterr().err == "Traceback:\n\tÄ �]0;owned�\n�\n"
