"""The wheel by itself, in an environment of its own and outside of the repository: it is whole, and it cloaks."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.end_to_end.photos import cat, jpeg
from tests.installed import ROOT, Installed, clean_environment, installed

DATA = (
    "daemon/wire/protocol.json",
    "daemon/dashboard/page.html",
    "protectors/channel/sites.json",
    "protectors/models/manifest.json",
    "protectors/models/calibration.json",
    "protectors/models/scenes.safetensors",
)
"""Files beside the code without which it fails."""


@pytest.fixture(scope="module")
def there() -> Installed:
    return installed()


def test_it_holds_the_packages_with_their_data_and_nothing_else(there: Installed) -> None:
    with zipfile.ZipFile(there.wheel) as wheel:
        names = set(wheel.namelist())
    assert set(DATA) <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"daemon", "protectors"}
    modules = {
        path.relative_to(ROOT).as_posix() for package in ("daemon", "protectors") for path in (ROOT / package).rglob("*.py")
    }
    assert modules <= names


def test_nothing_of_the_repository_is_on_its_path(there: Installed) -> None:
    asked = "import daemon, protectors, sys; print(daemon.__file__, protectors.__file__, *sys.path, sep='\\n')"
    told = subprocess.run(
        [there.python, "-c", asked], cwd=there.elsewhere, env=clean_environment(), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert str(ROOT) not in told
    assert all(str(there.python.parents[1]) in path for path in told[:2])


def test_it_cloaks_a_photo_for_a_known_site(there: Installed, tmp_path: Path) -> None:
    photo = jpeg(cat(120), tmp_path / "cat.jpg")
    command: list[str | Path] = [
        there.program, "protect", photo.path, "-o", tmp_path / "out", "--channel", "bluesky", "--protectors", "scene",
        "--private", "--seed", "1", "--json",
    ]  # fmt: skip
    environment = {**clean_environment(), "CLOAKROOM_STATE": str(tmp_path / "state")}
    done = subprocess.run(
        command, cwd=there.elsewhere, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)["files"]
    assert told["report"]["protected"] is True
    assert told["report"]["site"]["channel"] == "bluesky"
    assert (tmp_path / "out" / "cat.jpg").read_bytes() != photo.data
