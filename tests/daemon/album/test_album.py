"""`cloakroom protect DIR -r`: whole folders through the real front, with a stand-in for what cloaks."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.album.album import PhotoOutcome
from daemon.album.journal import Journal
from daemon.album.report import AlbumReport
from daemon.album.tree import Left
from daemon.commands.album_showing import Lines, in_words
from daemon.front.server import Server
from daemon.wire.plain_text import shown
from daemon.wire.protocol import LIMITS, PolicyRequest
from tests.daemon.album.albums import JPEG, PNG, files, photo, run, told
from tests.daemon.conftest import ELSEWHERE


async def test_the_tree_is_kept_and_what_is_no_image_is_passed_over(
    counting: Server, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo(album / "named like a text.txt", head=JPEG)
    (album / "named like a photo.jpg").write_text("no photo")
    (album / "empty.jpg").touch()
    output = tmp_path / "out"
    assert await run(counting, album, output) == 0
    expected = ["1.png", "summer/2.jpg", "summer/beach/3.webp.PNG", "winter/2.jpg", "named like a text.txt"]
    assert files(output) == {name: (album / name).read_bytes() + b"~" for name in expected}
    said = capsys.readouterr()
    assert "5 protected" in said.out
    assert "3 passed over" in said.out
    for name in ("named like a photo.jpg", "empty.jpg", "summer/notes.txt"):
        assert f"  {name}: The file is" in said.out
    assert "5 of 5, about 0 s left" in said.err


async def test_what_was_done_is_not_done_again_and_what_changed_is(
    counting: Server, album: Path, tmp_path: Path, works: Callable[[], int]
) -> None:
    output = tmp_path / "out"
    assert await run(counting, album, output) == 0
    assert works() == 4
    report = await told(counting, album, output)
    assert works() == 4
    assert report["earlier"] == 4
    assert report["counts"]["protected"] == 4
    photo(album / "1.png", "another picture")
    photo(album / "new.png")
    (output / "winter" / "2.jpg").unlink()
    report = await told(counting, album, output)
    assert works() == 4 + 3
    assert report["earlier"] == 2
    assert files(output)["1.png"] == (album / "1.png").read_bytes() + b"~"
    assert sorted(files(output)) == ["1.png", "new.png", "summer/2.jpg", "summer/beach/3.webp.PNG", "winter/2.jpg"]


async def test_a_photo_of_the_same_length_and_another_time_has_changed(
    counting: Server, album: Path, tmp_path: Path, works: Callable[[], int]
) -> None:
    await run(counting, album, tmp_path / "out")
    before = (album / "1.png").stat()
    os.utime(album / "1.png", ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    await run(counting, album, tmp_path / "out")
    assert works() == 5


async def test_another_policy_is_another_album(counting: Server, album: Path, tmp_path: Path, works: Callable[[], int]) -> None:
    await run(counting, album, tmp_path / "out")
    strong = PolicyRequest(protectors=("scene",), strength="strong", sensitive=())
    await run(counting, album, tmp_path / "out", policy=strong)
    assert works() == 8
    await run(counting, album, tmp_path / "out", policy=strong)
    assert works() == 8
    await run(counting, album, tmp_path / "out", "--force", policy=strong)
    assert works() == 12


async def test_what_is_held_or_fails_is_told_by_reason_and_only_tried_again_where_that_may_help(
    counting: Server, album: Path, tmp_path: Path, works: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    photo(album / "recognised.png")
    photo(album / "damaged.png")
    (album / "drawing.gif").write_bytes(b"GIF89a and so on")
    (album / "huge.png").write_bytes(PNG)
    os.truncate(album / "huge.png", LIMITS.bytes + 1)
    output = tmp_path / "out"
    assert await run(counting, album, output, "--report", str(tmp_path / "report.json")) == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["counts"] == {"protected": 4, "kept": 0, "held": 1, "failed": 3, "to_do": 0}
    assert report["reasons"] == {"unprotected": 1, "truncated": 1, "unsupported-format": 1, "too-large": 1}
    assert "Save it as JPEG, PNG or WebP" in capsys.readouterr().out
    page = (tmp_path / "report.html").read_text()
    assert {one["file"] for one in report["passed_over"]} >= {"summer/notes.txt"}
    assert "summer/notes.txt" in page
    assert "<th scope=row>damaged.png<td>The image is damaged" in page
    assert "summer/2.jpg" not in page, "what is protected is only counted"
    assert "recognised.png" not in files(output)
    assert works() == 6
    assert await run(counting, album, output) == 1
    assert works() == 6
    assert await run(counting, album, output, "--keep-unprotected") == 1
    assert works() == 7, "that one alone"
    assert files(output)["recognised.png"].endswith(b"~")


async def test_links(counting: Server, album: Path, tmp_path: Path) -> None:
    """To files, to folders, in circles, to nothing, and to a file that cannot be read."""
    outside = photo(tmp_path / "outside" / "linked.png")
    (album / "link.png").symlink_to(outside)
    (album / "elsewhere").symlink_to(outside.parent)
    (album / "summer" / "up").symlink_to(album)
    (album / "itself").symlink_to("itself")
    (album / "nothing.png").symlink_to("gone.png")
    (album / "unreadable.png").symlink_to("/proc/self/mem")
    os.mkfifo(album / "pipe.png")
    report = await told(counting, album, tmp_path / "out")
    assert report["counts"]["protected"] == 5
    assert {photo["photo"] for photo in report["photos"] if photo["code"] == "unreadable"} == {
        "itself", "nothing.png", "unreadable.png",
    }  # fmt: skip
    assert report["skipped"] == {"not-an-image": 1, "linked-folder": 2, "special": 1}
    assert not (tmp_path / "out" / "link.png").is_symlink()
    assert outside.read_bytes() == PNG + b"linked.png "


async def test_names_that_are_no_text_and_names_that_drive_terminals(
    counting: Server, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [b"caf\xe9 \xff.png", "naïve 写真.png".encode(), b"two\nlines.png", b"\x1b[2Jgone damaged.png", b"<script>.png"]
    for name in names:
        photo(album / os.fsdecode(name))
    photo(album / os.fsdecode(b"damaged \xff\x1b[2J<b>.png"))
    output = tmp_path / "out"
    report = await told(counting, album, output)
    assert {name.decode("latin-1") for name in names if b"damaged" not in name} <= set(files(output))
    assert report["reasons"] == {"truncated": 2}
    photos = {os.fsencode(photo["photo"]) for photo in report["photos"]}
    assert set(names) <= photos, "programs are told the name as it is"
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;.png" in page
    assert "\x1b" not in page
    assert (await told(counting, album, output))["earlier"] == len(names) + 1 + 4


async def test_an_output_folder_within_the_folder_is_no_part_of_it(
    counting: Server, album: Path, works: Callable[[], int]
) -> None:
    output = album / "cloaked"
    assert await run(counting, album, output) == 0
    assert await run(counting, album, output) == 0
    assert works() == 4
    assert sorted(files(output)) == ["1.png", "summer/2.jpg", "summer/beach/3.webp.PNG", "winter/2.jpg"]


async def test_a_folder_within_the_output_folder_keeps_its_originals_even_by_force(counting: Server, tmp_path: Path) -> None:
    """summer/summer/x.png would come to lie where the original of x.png is."""
    summer = tmp_path / "summer"
    first, second = photo(summer / "x.png", "first"), photo(summer / "summer" / "x.png", "second")
    before = first.read_bytes(), second.read_bytes()
    report = await told(counting, summer, tmp_path, "--force")
    assert (first.read_bytes(), second.read_bytes()) == before
    assert report["reasons"] == {"original": 1}
    assert (tmp_path / "x.png").read_bytes() == before[0] + b"~"


async def test_the_folder_itself_is_no_output_folder(
    counting: Server, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "alias").symlink_to(album)
    for output in (album, tmp_path / "alias", album / "summer" / ".."):
        assert await run(counting, album, output) == 2
        assert "overwrite the originals" in capsys.readouterr().err
    assert await run(counting, album / "1.png", tmp_path / "out") == 2
    assert "-r takes one folder" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert await run(counting, album, tmp_path / "file") == 2
    assert "-o" in capsys.readouterr().err


async def test_what_is_not_ours_is_not_overwritten(counting: Server, album: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    photo(output / "1.png", "precious")
    (output / "winter").mkdir()
    (output / "winter" / "2.jpg").symlink_to(output / "1.png")
    photo(output / "summer", "a file where a folder has to be")
    precious = (output / "1.png").read_bytes()
    report = await told(counting, album, output)
    assert report["reasons"] == {"exists": 2, "unwritable": 2}
    assert (output / "1.png").read_bytes() == precious
    # Nor is what was ours, and somebody has worked on since.
    (output / "1.png").unlink()
    (output / "winter" / "2.jpg").unlink()
    (output / "summer").unlink()
    assert (await told(counting, album, output))["counts"]["protected"] == 4
    photo(output / "summer" / "2.jpg", "retouched")
    photo(album / "summer" / "2.jpg", "changed")
    assert (await told(counting, album, output))["reasons"] == {"exists": 1}
    assert files(output)["summer/2.jpg"].endswith(b"retouched")
    assert (await told(counting, album, output, "--force"))["reasons"] == {}
    assert files(output)["summer/2.jpg"] == (album / "summer" / "2.jpg").read_bytes() + b"~"


async def test_two_photos_with_one_place_are_two_problems_and_not_one_photo(
    counting: Server, album: Path, tmp_path: Path
) -> None:
    """As where the output folder lies on a disk that does not tell IMG.JPG from img.jpg; here by a link."""
    output = tmp_path / "out"
    (output / "summer").mkdir(parents=True)
    (output / "winter").symlink_to(output / "summer")
    report = await told(counting, album, output, "--force")
    assert report["reasons"] == {"clash": 1}
    assert report["counts"]["protected"] == 3


async def test_two_runs_do_not_share_an_output_folder(counting: Server, album: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    with Journal(output):
        finished = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "daemon.cli", "protect", str(album), "-r", "-o", str(output),
             "--state", str(counting.settings.state)],
            capture_output=True, text=True, cwd=ELSEWHERE, check=False,
        )  # fmt: skip
    assert finished.returncode == 3
    assert "Another run" in finished.stderr


# What is shown.


def test_the_time_left_comes_from_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    lines = Lines(100, lambda: now[0])
    for _ in range(20):
        now[0] += 3.0
        lines.ended(PhotoOutcome(Path("a.png"), "protected"))
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "4 of 100, about 5 min left"
    assert len(said) == 5, "one every ten seconds at most"
    lines.ended(PhotoOutcome(Path("b.png"), "failed", "truncated"))
    assert "b.png: The image is damaged" in capsys.readouterr().err
    assert [in_words(seconds) for seconds in (5, 600, 9000)] == ["5 s", "10 min", "2.5 h"]


def test_the_report_of_nothing_says_so() -> None:
    report = AlbumReport([], [Left(Path("a.txt"), "not-an-image")], 1.0, True)
    assert "No photos" in report.as_text()
    assert report.good


def test_a_name_for_people_has_nothing_in_it_that_does_something() -> None:
    assert shown(Path(os.fsdecode(b"a\xff\x07\x1b[31mb\r\n\xe2\x80\xae.png"))) == "a���[31mb���.png"
