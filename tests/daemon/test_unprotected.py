"""A photo that an adversary still recognises is not passed off as protected."""

import argparse
import json
from pathlib import Path

import pytest

from daemon.commands import protect
from daemon.commands.showing import Showing, summary
from tests.daemon.conftest import POLICY, StartServer, local_client
from tests.daemon.odd_workers import recognised


@pytest.mark.parametrize("keep", [False, True])
async def test_it_is_written_only_when_asked_for(start_server: StartServer, tmp_path: Path, keep: bool) -> None:
    server = await start_server(recognised)
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"any")
    out = tmp_path / "out"
    out.mkdir()
    args = argparse.Namespace(output=out, force=False, keep_unprotected=keep)
    async with await local_client(server) as client:
        outcome = await protect._one(client, photo, POLICY, args, Showing())
    assert outcome.good is keep
    assert (out / "photo.png").exists() is keep
    told = json.dumps(outcome.as_json())
    if keep:
        line = summary(photo, outcome.output, outcome.report, outcome.sentence)
        assert "NOT protected" in line
    else:
        assert outcome.code == "unprotected"
        assert "--keep-unprotected" in told
