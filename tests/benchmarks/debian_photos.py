"""Fetches real photos at their native size, of 2 to 20 megapixels, from Debian's packages of wallpapers.

``python -m tests.benchmarks.debian_photos FOLDER`` writes 43 photos there, for ``cloakroom evaluate survival --real --photos
FOLDER``. The packages are those of Debian 12; their drawings and patterns are left out. Nothing is installed.
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

PHOTOS = {
    "lomiri-wallpapers-16.04": (
        "seeding_by_Clements_Engelhardt.jpg", "Dragonfly_by_Bolly.jpg", "sunset_by_Aitzol_Berasategi.jpg",
        "Bridge_by_Sander_Klootwijk.jpg", "Wine_by_Jakkub_Mede.jpg", "picosdeeuropa_by_Aitzol_Berasategi.jpg",
        "aitzgorri_by_Aitzol_Berasategi.jpg", "friends_by_Aitzol_Berasategi.jpg", "life_by_Aitzol_Berasategi.jpg",
        "free_by_Peter_Nerlich.jpg", "greentock_by_Peter_Nerlich.jpg", "Picture_0B_by_freespace.jpg",
    ),
    "lomiri-wallpapers-20.04": ("Kleiber_by_Lukas_Baubkus.jpg", "Infinite-Sea_by_Aury88.jpg"),
    "lxqt-themes": (
        "butterfly.png", "after-the-rain.jpg", "appleflower.png", "flowers.png", "beam.png", "cloud.png",
        "this-is-not-windows.jpg", "drop.png", "Butterfly-Kenneth-Wimer.jpg", "Valendas.png",
    ),
    "mate-backgrounds": (
        "Aqua.jpg", "Garden.jpg", "LadyBird.jpg", "TwoWings.jpg", "YellowFlower.jpg", "Storm.jpg", "Blinds.jpg",
        "RainDrops.jpg", "FreshFlower.jpg", "Dune.jpg",
    ),
    "plasma-workspace-wallpapers": (
        "Volna/contents/images/5120x2880.jpg", "BytheWater/contents/images/2560x1600.jpg",
        "ColdRipple/contents/images/2560x1600.jpg", "DarkestHour/contents/images/2560x1600.jpg",
        "EveningGlow/contents/images/2560x1600.jpg", "FallenLeaf/contents/images/2560x1600.jpg",
        "OneStandsOut/contents/images/2560x1600.jpg", "Path/contents/images/2560x1600.jpg",
        "summer_1am/contents/images/2560x1600.jpg",
    ),
}  # fmt: skip
"""Ends of the files' paths, by package."""


def fetch(folder: Path) -> int:
    """Write all photos to a folder, and return their number.

    Raises:
        subprocess.CalledProcessError: apt or dpkg failed, and said why.
        FileNotFoundError: this is no Debian, or a package no longer has a photo.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package, ends in PHOTOS.items():
        with tempfile.TemporaryDirectory() as work:
            # As root, apt fetches as a user of its own, who has to be let in.
            Path(work).chmod(0o755)
            subprocess.run(["apt-get", "download", "-q", package], cwd=work, check=True)
            (archive,) = Path(work).glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", str(archive), f"{work}/files"], check=True)
            files = [path for path in Path(work, "files").rglob("*") if path.is_file() and not path.is_symlink()]
            for end in ends:
                found = [path for path in files if path.as_posix().endswith(f"/{end}")]
                if not found:
                    raise FileNotFoundError(f"{package} has no {end}")
                shutil.copy(found[0], folder / f"{package}.{end.replace('/', '.')}")
    return sum(map(len, PHOTOS.values()))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.debian_photos", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="where the photos are to be written")
    print(f"{fetch(parser.parse_args().folder)} photos")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
