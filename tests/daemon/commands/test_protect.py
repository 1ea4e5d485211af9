"""`cloakroom protect` as a person runs it: real processes, the real worker, real protectors, real files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.daemon import samples
from tests.daemon.conftest import RunningDaemon, cloakroom
from tests.daemon.samples import SECRET, alpha_plane, astronaut, opened, saved


def decibels(original: Any, delivered: Any) -> float:
    error = np.mean((np.asarray(original, dtype=float) - np.asarray(delivered, dtype=float)) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def told(finished: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(finished.stdout)
    return value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture of every type, with metadata, and a file that is none."""
    rgba = astronaut().convert("RGBA")
    rgba.putalpha(alpha_plane())
    photo = saved(astronaut(), "JPEG", quality=95, subsampling=0)
    (tmp_path / "her portrait.jpg").write_bytes(samples.with_jpeg_metadata(photo))
    (tmp_path / "logo.png").write_bytes(samples.with_png_metadata(saved(rgba, "PNG")))
    (tmp_path / "shot.webp").write_bytes(samples.with_webp_metadata(astronaut(), quality=95))
    (tmp_path / "notes.txt").write_text("Dear diary")
    (tmp_path / "empty.jpg").touch()
    return tmp_path


def test_several_files_and_bad_ones_among_them(running_daemon: RunningDaemon, folder: Path) -> None:
    names = ["her portrait.jpg", "notes.txt", "logo.png", "empty.jpg", "shot.webp", "missing.jpg"]
    out = folder / "out"
    finished = cloakroom(
        "protect", *(folder / name for name in names), "-o", out, "--protectors", "scene", "--keep-unprotected", "--json",
        state=running_daemon.state,
    )  # fmt: skip
    assert finished.returncode == 1, finished.stderr
    files = {Path(file["file"]).name: file for file in told(finished)["files"]}
    assert {name: file["error"]["code"] for name, file in files.items() if "error" in file} == {
        "notes.txt": "not-an-image",
        "empty.jpg": "empty",
        "missing.jpg": "unreadable",
    }
    good = {"her portrait.jpg", "logo.png", "shot.webp"}
    assert {path.name for path in out.iterdir()} == good
    for name in good:
        data, original = (out / name).read_bytes(), opened((folder / name).read_bytes())
        picture = opened(data)
        assert (picture.format, picture.size) == (original.format, original.size)
        assert SECRET.encode() not in data
        report = files[name]["report"]
        assert report["bytes_out"] == len(data)
        has_grown = report["bytes_out"] > 1.5 * report["bytes_in"]
        assert has_grown == any("The file grew" in note for note in report["notes"])
        assert (report["width"], report["height"]) == picture.size
        assert set(report["seconds"]) == {"decode", "protect", "encode", "judge", "total"}
        assert [verdict["protector"] for verdict in report["verdicts"]] == ["scene"]
        quality = decibels(original.convert("RGB"), picture.convert("RGB"))
        assert 25 < quality < 60, "it was changed, and not beyond recognition"
        assert quality == pytest.approx(report["psnr"], abs=0.1)
    alpha = np.asarray(opened((out / "logo.png").read_bytes()))[..., 3]
    assert (alpha == np.asarray(alpha_plane())).all()


def test_objects_in_plain_lines(running_daemon: RunningDaemon, folder: Path) -> None:
    out = folder / "out"
    photo = folder / "logo.png"
    finished = cloakroom(
        "protect", photo, "-o", out, "--protectors", "objects", "--keep-unprotected", "--channel", "instagram",
        state=running_daemon.state,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    stages = [line.rpartition(": ")[2] for line in finished.stderr.splitlines() if line.startswith("logo.png: ")]
    assert stages[-2:] == ["encode", "judge"]
    assert {"decode", "objects", "quality"} <= set(stages)
    assert str(out / "logo.png") in finished.stdout
    assert "as instagram keeps it" in finished.stdout
    picture = np.asarray(opened((out / "logo.png").read_bytes()))[..., :3].astype(int)
    difference = np.abs(picture - np.asarray(opened(photo.read_bytes()))[..., :3])
    # Balanced is 8 of 255, and a PNG arrives as it was computed.
    assert 0 < difference.max() <= 8


def test_a_private_daemon_where_none_runs(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(saved(astronaut(), "PNG"))
    state = tmp_path / "state"
    finished = cloakroom(
        "protect", photo, "-o", tmp_path / "out", "--protectors", "scene", "--keep-unprotected", "--json", state=state
    )
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "out" / "a.png").is_file()
    assert not (state / "local.json").exists(), "it leaves no word of itself"


def test_nothing_is_overwritten_silently(running_daemon: RunningDaemon, folder: Path) -> None:
    out = folder / "out"
    out.mkdir()
    (out / "logo.png").write_bytes(b"precious")
    arguments = ["protect", str(folder / "logo.png"), "-o", str(out), "--protectors", "scene", "--keep-unprotected"]
    refused = cloakroom(*arguments, state=running_daemon.state)
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert (out / "logo.png").read_bytes() == b"precious"
    forced = cloakroom(*arguments, "--force", state=running_daemon.state)
    assert forced.returncode == 0, forced.stderr
    assert opened((out / "logo.png").read_bytes()).size == (96, 64)


def test_without_an_output_folder_each_goes_beside_its_own(running_daemon: RunningDaemon, folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    (other / "logo.png").write_bytes((folder / "logo.png").read_bytes())
    arguments: list[str | Path] = [
        "protect",
        folder / "logo.png",
        other / "logo.png",
        "--protectors",
        "scene",
        "--keep-unprotected",
    ]
    finished = cloakroom(*arguments, state=running_daemon.state)
    assert finished.returncode == 0, finished.stderr
    assert "1 of 2, about" in finished.stderr
    targets = [folder / "logo.cloaked.png", other / "logo.cloaked.png"]
    assert [opened(target.read_bytes()).size for target in targets] == [(96, 64)] * 2
    targets[0].write_bytes(b"precious")
    refused = cloakroom(*arguments, state=running_daemon.state)
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert targets[0].read_bytes() == b"precious"


def test_a_folder_needs_another_one_to_go_to(tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    finished = cloakroom("protect", "-r", tmp_path / "album", state=tmp_path / "state")
    assert finished.returncode == 2
    assert "-o" in finished.stderr


def test_the_original_is_not_overwritten_even_by_force(running_daemon: RunningDaemon, folder: Path) -> None:
    before = (folder / "logo.png").read_bytes()
    refused = cloakroom("protect", folder / "logo.png", "-o", folder, "--force", state=running_daemon.state)
    assert refused.returncode == 1
    assert "original" in refused.stderr
    assert (folder / "logo.png").read_bytes() == before


def test_an_unknown_protector_or_class_is_said(running_daemon: RunningDaemon, folder: Path) -> None:
    for option in (("--protectors", "invisibility"), ("--sensitive", "unicorn")):
        finished = cloakroom(
            "protect", folder / "logo.png", "-o", folder / "out", *option, "--json", state=running_daemon.state
        )
        assert finished.returncode == 1
        assert told(finished)["files"][0]["error"]["code"] == "bad-request"


@pytest.mark.parametrize(
    "option",
    [("--protector", "Objects"), ("--protector", ""), ("--sensitive", "x" * 65)],
    ids=["capital", "none", "long label"],
)
def test_what_the_protocol_cannot_say_is_refused_before_anything_is_done(tmp_path: Path, option: tuple[str, str]) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(saved(astronaut(), "PNG"))
    finished = cloakroom("protect", photo, "-o", tmp_path / "out", *option, "--json", state=tmp_path / "state", timeout=60)
    assert finished.returncode == 2
    assert option[0] in told(finished)["error"]
    assert not (tmp_path / "out").exists()


def test_two_files_of_one_name_are_refused_before_anything_is_done(tmp_path: Path) -> None:
    finished = cloakroom("protect", "a/x.jpg", "b/x.jpg", "-o", tmp_path / "out", state=tmp_path / "state")
    assert finished.returncode == 2
    assert "x.jpg" in finished.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [("--seconds", "5"), ("--seed", "1"), ("--threads", "1")])
def test_what_only_a_private_worker_can_do_is_refused_without_one(folder: Path, options: tuple[str, ...]) -> None:
    finished = cloakroom("protect", folder / "her portrait.jpg", *options, "--json", state=folder / "state")
    assert finished.returncode == 2
    assert "--private" in told(finished)["error"]
    assert not (folder / "her portrait.cloaked.jpg").exists()


def test_a_limit_below_a_second_is_refused(folder: Path) -> None:
    finished = cloakroom(
        "protect", folder / "her portrait.jpg", "--private", "--seconds", "0.5", "--json", state=folder / "state"
    )
    assert finished.returncode == 2
    assert "from 1 on" in told(finished)["error"]
    assert not (folder / "her portrait.cloaked.jpg").exists()
