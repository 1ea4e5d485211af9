"""Cloakroom as a person has it: the built wheel in an environment of its own, with nothing of this repository on its path.

Only the libraries that it depends on are shared with the environment that runs the tests: installing PyTorch anew would take
gigabytes for each run.
"""

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import weakref
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGED = ("daemon", "protectors", "pyproject.toml", "README.md", "LICENSE")
"""The files that the wheel is built from."""


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it.

    Attributes:
        wheel: the file that was installed.
        python: the environment's interpreter.
        program: the environment's `cloakroom` command.
        elsewhere: an empty folder outside of the repository, to start programs in.
    """

    wheel: Path
    python: Path
    program: Path
    elsewhere: Path


def clean_environment() -> dict[str, str]:
    """The variables of a process that shall find nothing of the repository."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")}


@functools.cache
def installed() -> Installed:
    """Build the wheel and install it, once for each process of the test run; removed when that ends."""
    folder = Path(tempfile.mkdtemp(prefix="cloakroom-installed-"))
    weakref.finalize(installed, shutil.rmtree, folder, ignore_errors=True)
    wheel = build_wheel(folder)
    environment = folder / "environment"
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    python = binaries / Path(sys.executable).name
    if not python.exists():
        python = binaries / "python"
    ours = sysconfig.get_path("purelib")
    theirs = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True, cwd=folder, env=clean_environment(),
    ).stdout.strip()  # fmt: skip
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, cwd=folder, env=clean_environment())
    # Last, and as a plain path: what is installed there in editable form is not found this way.
    (Path(theirs) / "libraries-of-the-tests.pth").write_text(ours + "\n", encoding="utf-8")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(wheel, python, binaries / "cloakroom", elsewhere)


def build_wheel(folder: Path) -> Path:
    """Build the wheel from a copy of the sources, so that the build leaves nothing in the repository."""
    sources = folder / "sources"
    sources.mkdir()
    for name in PACKAGED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, sources / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy2(source, sources / name)
    wheels = folder / "wheels"
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
    ]
    subprocess.run([*command, "--wheel-dir", str(wheels), str(sources)], check=True, cwd=folder, env=clean_environment())
    shutil.rmtree(sources)
    return next(wheels.glob("cloakroom-*.whl"))
