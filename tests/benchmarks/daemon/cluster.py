"""An album on a local Ray cluster of two actors beside the same album on this machine alone: are the bytes the same, and
does it lose anything when an actor is killed?

Needs the extra: pip install 'cloakroom[cluster]'
python -m tests.benchmarks.daemon.cluster
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.daemon.album.albums import files
from tests.daemon.samples import astronaut, saved

WORKERS = 2
PHOTOS = 6
SEED = 4711
SECONDS = 900.0


def measure() -> dict[str, float]:
    """`ray.identical` is a fraction of the photos; `ray.survived_death` 1 if an actor was killed and all came out the same.

    Raises:
        subprocess.CalledProcessError: a run failed.
    """
    with tempfile.TemporaryDirectory(prefix="cloakroom-bench-") as place:
        folder = Path(place) / "album"
        folder.mkdir()
        for index in range(PHOTOS):
            kind, name = ("JPEG", "jpg") if index % 3 == 0 else ("PNG", "png")
            (folder / f"{index}.{name}").write_bytes(saved(astronaut(96 + 8 * index, 64 + 8 * index), kind))
        alone = _cloaked(folder, Path(place) / "alone", "--private")
        cluster = ("--cluster", "local", "--workers", str(WORKERS))
        together = _cloaked(folder, Path(place) / "together", *cluster)
        survivors = _cloaked(folder, Path(place) / "survivors", *cluster, death=True)
    assert len(alone) == PHOTOS
    return {
        "ray.workers": float(WORKERS),
        "ray.photos": float(PHOTOS),
        "ray.identical": sum(together.get(name) == data for name, data in alone.items()) / PHOTOS,
        "ray.survived_death": float(survivors == alone),
    }


def _cloaked(folder: Path, output: Path, *where: str, death: bool = False) -> dict[str, bytes]:
    """Run the command on the album; with a death, an actor is killed once the first photo is there."""
    command = [sys.executable, "-m", "daemon.cli", "protect", str(folder), "-r", "-o", str(output), "--keep-unprotected"]
    command += ["--seed", str(SEED), "--threads", "1", "--state", str(output) + "-state", *where]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if death:
        _kill_an_actor(process.pid, output)
    said, _ = process.communicate(timeout=SECONDS)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command, said)
    return files(output)


def _kill_an_actor(pid: int, output: Path) -> None:
    end = time.monotonic() + SECONDS
    while not (output.is_dir() and files(output)):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert len(files(output)) < PHOTOS
    # Ray's actors name themselves so.
    actors = [child for child in psutil.Process(pid).children(recursive=True) if "TableOfPhotos" in " ".join(child.cmdline())]
    assert len(actors) == WORKERS
    actors[0].kill()


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
