"""A photo that an adversary still recognises is not passed off as protected."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.commands import protect
from daemon.commands.showing import Showing, summary
from protectors.judging.estimate import Estimate
from protectors.judging.judgement import SiteJudgement
from tests.daemon.conftest import POLICY, StartServer, local_client
from tests.daemon.judgements import judgement
from tests.daemon.odd_workers import recognised


@pytest.mark.parametrize("keep", [False, True])
async def test_it_is_written_only_when_asked_for(start_server: StartServer, tmp_path: Path, keep: bool) -> None:
    server = await start_server(recognised)
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"any")
    out = tmp_path / "out"
    out.mkdir()
    args = argparse.Namespace(output=out, force=False, keep_unprotected=keep, channel=None)
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


def test_the_line_says_what_is_expected_of_models_that_nobody_tried(tmp_path: Path) -> None:
    judged = replace(
        judgement(),
        site=SiteJudgement("instagram", True, ()),
        unseen={"scene": Estimate(probability=0.62, low=0.55, high=0.69)},
    )
    told = judged.as_json() | {"seconds": {"total": 2.0}}
    line = summary(tmp_path / "a.jpg", tmp_path / "out" / "a.jpg", told, None)
    assert "a scene classifier that nobody tried is fooled by 62% of photos like it (55% to 69%)" in line
    assert "as instagram keeps it: protected" in line
