"""Files that Cloakroom writes and finds again. Whatever else stands in them is passed over, and nothing falls over it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.album.album import sentence_of
from daemon.album.journal import Journal, Line
from daemon.album.tree import Signature
from daemon.front.pairing import CHROMIUM_ORIGIN, DamagedPairingError, PairedClient, read_client
from daemon.state.folder import LocalAccess, read_local, write_local
from daemon.wire.pipe import FromWorker, Ready

LINE = asdict(Line("a\udcff.png", Signature(1, 2), "0" * 16, "protected", None, Signature(3, 4)))
CLIENT = PairedClient("c-0123456789abcdef", "Chromium", CHROMIUM_ORIGIN, "0" * 64, 1.0)
ACCESS = LocalAccess(38917, "local", "0" * 64, 7)


def journal(folder: Path, *lines: str) -> Journal:
    (folder / ".cloakroom").mkdir()
    (folder / ".cloakroom" / "journal.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return Journal(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"ending": ["protected"]},
        {"ending": "owned"},
        {"code": ["empty"]},
        {"code": {"a": 1}},
        {"photo": 3},
        {"asked": None},
        {"source": {"size": [1], "changed": 2}},
        {"source": [1, 2]},
        {"output": {"size": {}, "changed": 2}},
        {"output": "there"},
    ],
    ids=str,
)
def test_a_line_of_an_album_that_is_none_is_passed_over(tmp_path: Path, changes: dict[str, Any]) -> None:
    with journal(tmp_path, json.dumps(LINE | changes)) as found:
        assert found.last(Path("a\udcff.png")) is None


def test_the_control_and_what_is_no_line_at_all(tmp_path: Path) -> None:
    with journal(tmp_path, "[" * 100_000, "[]", "3", "null", "{", "\x1b[2J", json.dumps(LINE)) as found:
        kept = found.last(Path("a\udcff.png"))
        assert kept is not None
        assert kept.output == Signature(3, 4)
        assert found.wrote(Path("a\udcff.png"), Signature(3, 4))


def test_a_reason_that_is_not_known_has_a_sentence() -> None:
    assert sentence_of("\x1b[2J") == sentence_of("internal")


@pytest.mark.parametrize(
    "changes",
    [{"port": 0}, {"port": 70_000}, {"port": "1"}, {"client": "\x1b"}, {"key": "zz"}, {"key": "0" * 63}, {"pid": -1}],
    ids=str,
)
def test_word_of_a_daemon_that_cannot_be_one(tmp_path: Path, changes: dict[str, Any]) -> None:
    write_local(tmp_path, ACCESS)
    assert read_local(tmp_path) == ACCESS
    told = json.loads((tmp_path / "local.json").read_text())
    (tmp_path / "local.json").write_text(json.dumps(told | changes))
    assert read_local(tmp_path) is None


@pytest.mark.parametrize(
    "changes", [{"created": 1e300}, {"created": -1.0}, {"label": ""}, {"label": "x" * 65}, {"label": 3}], ids=str
)
def test_a_pairing_that_cannot_be_one(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / f"{CLIENT.client}.json"
    path.write_bytes(msgspec.json.encode(CLIENT))
    assert read_client(path) == CLIENT
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(DamagedPairingError):
        read_client(path)


@pytest.mark.parametrize(
    "changes", [{"protectors": ["\x1b[2J"]}, {"protectors": "a"}, {"classes": ["x" * 65]}, {"device": ""}], ids=str
)
def test_a_worker_says_what_a_client_may_be_told(changes: dict[str, Any]) -> None:
    ready = json.loads(msgspec.json.encode(Ready("cpu", "embedded", ("objects", "visual-their"), ("person",))))
    assert isinstance(msgspec.json.decode(json.dumps(ready), type=FromWorker), Ready)
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(json.dumps(ready | changes), type=FromWorker)
