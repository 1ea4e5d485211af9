"""Makes the virtual environment and installs the package into it; does nothing where that is done already."""

import hashlib
import http.client
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import sizes
import system_packages
from report import Report, StopInstallingError

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "cloakroom-installed.json"
MARK = ENVIRONMENT / "made-by-cloakroom"
"""Says that the folder is ours to make anew and to delete."""

DOWNLOADS = ENVIRONMENT / "downloads"
"""The folder in which pip keeps downloads until they are unpacked."""

BINARIES = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PROGRAM = BINARIES / ("cloakroom.exe" if os.name == "nt" else "cloakroom")
PYTHON = BINARIES / ("python.exe" if os.name == "nt" else "python")

CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
"""PyTorch's own builds without CUDA: a tenth of the size."""

REACHABLE_WITHIN = 5.0
"""Seconds after which the CPU wheels count as out of reach."""


def has_nvidia_gpu() -> bool:
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU" in listed.stdout


def cpu_wheels_reachable(address: str = CPU_WHEELS) -> bool:
    """Whether the index of CPU wheels answers, found out within seconds."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(f"{address}/torch/", timeout=REACHABLE_WITHIN) as answer:
                answers.append(int(answer.status) == 200)
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
            answers.append(False)

    # In a thread, because no timeout of a socket bounds how long a name server may take.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(REACHABLE_WITHIN)
    return answers == [True]


def fingerprint(extras: tuple[str, ...]) -> dict[str, object]:
    """Return a digest of what the environment is made from; with the same digest there is nothing to do."""
    content = (ROOT / "pyproject.toml").read_bytes()
    return {
        "pyproject": hashlib.sha256(content).hexdigest(),
        "extras": sorted(extras),
        "python": list(sys.version_info[:3]),
        "folder": str(ROOT),
    }


def installed(extras: tuple[str, ...]) -> bool:
    """Whether the environment is there and holds at least these extras."""
    if not (STAMP.is_file() and PYTHON.exists()):
        return False
    try:
        found = json.loads(STAMP.read_text(encoding="utf-8"))
    except ValueError:  # cut short as it was written
        return False
    wanted = fingerprint(extras)
    return {**found, "extras": None} == {**wanted, "extras": None} and set(extras) <= set(found["extras"])


def pip(report: Report, *arguments: str) -> None:
    """Install, by the environment's own pip. It keeps no cache: that would take the download's size a second time."""
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir", *arguments]
    # On the disk that has been looked at: /tmp is small on many machines.
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "TMPDIR": str(DOWNLOADS)}, capture_output=True, text=True, check=False
        )
    finally:
        shutil.rmtree(DOWNLOADS, ignore_errors=True)
    if done.returncode != 0:
        report.say("packages", done.stderr.strip()[-2000:])
        raise StopInstallingError("pip could not install the packages (its words are above); check the network, then try again")


def has_pip() -> bool:
    """Whether the environment was made to its end: its Python is there first, its pip last."""
    if not PYTHON.exists():
        return False
    return subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def is_broken() -> bool:
    """Whether the environment's Python is gone or has become another one, as when the system was upgraded."""
    if not MARK.exists():
        return False
    if not PYTHON.exists():
        return True
    command = [str(PYTHON), "-c", "import sys; print(sys.prefix != sys.base_prefix, *sys.version_info[:2])"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    folders = {path.name for path in (ENVIRONMENT / "lib").glob("python3.*")}
    if done.returncode != 0:
        return True
    return bool(folders) and f"python{'.'.join(done.stdout.split()[1:])}" not in folders


def make(report: Report) -> None:
    """An empty environment of this Python's version, in the place of one that was left half made."""
    if ENVIRONMENT.exists() and not MARK.exists() and any(ENVIRONMENT.iterdir()):
        raise StopInstallingError(f"{ENVIRONMENT} does not work and is not ours: move it away, then try again")
    report.say("environment", f"making {ENVIRONMENT}")
    if ENVIRONMENT.exists():
        shutil.rmtree(ENVIRONMENT)
    ENVIRONMENT.mkdir()
    # First, so that an interrupted run's remains are known as ours.
    MARK.touch()
    command = [sys.executable, "-m", "venv", str(ENVIRONMENT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 and system_packages.may_use_apt():
        # Debian keeps what venv needs in a package of its own.
        system_packages.apt_install(report, "python3-venv")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StopInstallingError(
            f"Python's venv does not work here ({done.stderr.strip()[-300:]}); on Debian run: apt-get install python3-venv"
        )


def prepare(report: Report, extras: tuple[str, ...]) -> None:
    """Environment and package, with progress. Raises StopInstallingError with advice."""
    if installed(extras):
        report.say("environment", "already there")
        return
    if is_broken():
        report.say("environment", f"the Python of {ENVIRONMENT} is gone or another version now: making the environment anew")
    if is_broken() or not has_pip():
        make(report)
    torch: list[str] = []
    # The registry's builds for other systems are for the processor.
    size = sizes.CUDA if platform.system() == "Linux" else sizes.CPU
    has_torch = any(ENVIRONMENT.glob("[Ll]ib*/**/site-packages/torch"))
    if not has_nvidia_gpu():
        if cpu_wheels_reachable():
            report.say("packages", "no NVIDIA GPU found: taking PyTorch's CPU wheels")
            if not has_torch:
                sizes.need_room(report, sizes.CPU, ENVIRONMENT)
            try:
                with sizes.Progress(report, sizes.CPU, ENVIRONMENT, DOWNLOADS):
                    pip(report, "torch>=2.11,!=2.13.0", "torchvision>=0.26", "--index-url", CPU_WHEELS)
                torch, has_torch = ["--extra-index-url", CPU_WHEELS], True
            except StopInstallingError:
                report.say("packages", "they could not be fetched: taking the registry's build")
        else:
            report.say("packages", "PyTorch's CPU wheels are out of reach: taking the registry's build")
    if not has_torch:
        sizes.need_room(report, size, ENVIRONMENT)
    wanted = f".[{','.join(extras)}]" if extras else "."
    report.say("packages", "installing (2 to 20 minutes the first time, by your connection)")
    with sizes.Progress(report, size, ENVIRONMENT, DOWNLOADS):
        pip(report, "--editable", wanted, *torch)
    STAMP.write_text(json.dumps(fingerprint(extras)), encoding="utf-8")
    report.say("packages", "installed")


def remove(report: Report) -> None:
    if MARK.exists() or STAMP.exists():
        shutil.rmtree(ENVIRONMENT)
        report.say("environment", f"removed {ENVIRONMENT}")
