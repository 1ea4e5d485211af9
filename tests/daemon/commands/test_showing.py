"""How far `cloakroom protect` says that it is."""

import io
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from daemon.commands.showing import Bars, Lines, share_of, summary
from daemon.wire.protocol import Progress as ProgressMessage
from daemon.wire.protocol import Queued
from protectors.judging.verdict import Verdict
from tests.daemon.judgements import judgement, report

JOB = "0" * 32
REPORT = report()


def at(stage: str, done: int, total: int = 1000) -> ProgressMessage:
    return ProgressMessage(job=JOB, stage=stage, done=done, total=total)


WAY = [at("decode", 0), at("objects", 140), at("scene", 700), at("quality", 780), at("encode", 880), at("judge", 900)]


def test_a_photo_is_as_far_as_the_daemon_says() -> None:
    assert [share_of(event) for event in WAY] == [0, 0.14, 0.7, 0.78, 0.88, 0.9]
    assert share_of(at("objects", 3, 0)) == 0
    assert share_of(at("objects", 9, 6)) == 1


def test_a_bar_waits_where_a_photo_is_gone_through_once_more() -> None:
    path = Path("a.jpg")
    with Progress(console=Console(file=io.StringIO())) as progress:
        bars = Bars(progress, 2)
        bars.began(path)
        whole, bar = progress.tasks
        bars.moved(path, Queued(job=JOB, position=3))
        assert bar.fields["stage"] == "3 before it"
        seen = []
        for event in (*WAY[:4], *WAY):
            bars.moved(path, event)
            seen.append(bar.completed)
            time.sleep(0.002)
        assert seen == sorted(seen)
        assert bar.time_remaining is not None
        bars.ended(path, Path("b.jpg"), REPORT, None)
        assert (whole.completed, whole.total) == (1, 2)
        assert [task.id for task in progress.tasks] == [whole.id]


def test_a_network_that_read_nothing_before_is_not_counted_as_misled() -> None:
    def said(*verdicts: Verdict) -> str:
        told = replace(judgement(), verdicts=verdicts).as_json() | {"seconds": {"total": 1.0}, "models": "pretrained"}
        return summary(Path("a.jpg"), Path("b.jpg"), told, None)

    hidden = Verdict("objects", "detector", True, ("person",), ())
    found = Verdict("objects", "other", False, ("person", "dog"), ("person",))
    blind = Verdict("objects", "faces", True, (), ())
    assert "1 of 2 machines that were tried no longer read it, the others still read: person" in said(hidden, found, blind)
    assert "machines" not in said(blind)
    mistaken = Verdict("objects", "other", False, (), ("person",))
    assert "1 of 2 machines that were tried no longer read it" in said(hidden, mistaken)


def test_one_photo_has_one_bar() -> None:
    with Progress(console=Console(file=io.StringIO())) as progress:
        Bars(progress, 1).began(Path("a.jpg"))
        assert len(progress.tasks) == 1


def test_lines_say_how_long_the_others_take(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    lines = Lines(3, lambda: now[0])
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        now[0] += 20
        lines.ended(Path(name), Path("out"), REPORT, None)
    said = capsys.readouterr().err
    assert "1 of 3, about 40 s left" in said
    assert "2 of 3, about 20 s left" in said
    assert "3 of 3" not in said
