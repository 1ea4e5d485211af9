"""Faults that the doctor shall name, each with how it comes about on a machine of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from daemon.models.partial import Part
from daemon.models.store import model_folder
from daemon.service.units import files as service_files
from daemon.state.folder import LocalAccess, prepare, write_local
from protectors.generators import store
from protectors.manifest import entries
from tests.daemon.doctor.faulty_machine import CLIENT, FaultyMachine, faulty_machine

NOBODY_RUNS = frozenset({"daemon-absent"})
DAY = 24 * 3600


@dataclass(frozen=True)
class Fault:
    """Attributes:
    code: what the doctor has to call it.
    inject: brings it about, and nothing else.
    beside: what is to be said as well; on most of these machines no daemon runs.
    cured: `--fix` mends it.
    slow: only a worker shows it.
    possible: whether it can be brought about here.
    """

    code: str
    inject: Callable[[FaultyMachine], object]
    beside: frozenset[str] = NOBODY_RUNS
    cured: bool = False
    slow: bool = False
    possible: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Judged:
    """The doctor's findings, whether they were right, and whether a fault that can be mended was."""

    said: frozenset[str]
    right: bool


def judge(fault: Fault) -> Judged:
    """Inject it alone, and hold what the doctor says against what it has to."""
    options = [] if fault.slow else ["--quick"]
    with faulty_machine() as machine:
        fault.inject(machine)
        wrong = [finding for finding in machine.doctor(*options)["findings"] if not finding["good"]]
        said = frozenset(finding["code"] for finding in wrong)
        entry = [finding for finding in wrong if finding["code"] == fault.code]
        right = said == {fault.code} | fault.beside and all(
            finding["found"] and finding["advice"] and finding["fixable"] == fault.cured for finding in entry
        )
        if fault.cured:
            mended = machine.doctor(*options, "--fix")["mended"]
            again = machine.doctor(*options)["findings"]
            left = frozenset(finding["code"] for finding in again if not finding["good"])
            right = right and [(one["code"], one["done"]) for one in mended] == [(fault.code, True)] and left == fault.beside
        return Judged(said, right)


def _is_root() -> bool:
    return os.name == "posix" and os.getuid() == 0


@cache
def _may_unshare() -> bool:
    unshare = shutil.which("unshare")
    return (
        unshare is not None and subprocess.run([unshare, "-n", "-m", "true"], capture_output=True, check=False).returncode == 0
    )


def _client(machine: FaultyMachine) -> Path:
    return machine.state / "clients" / f"{CLIENT}.json"


# The state folder.


def _file_in_place(machine: FaultyMachine) -> None:
    shutil.rmtree(machine.state)
    machine.state.write_text("x")


def _under_a_file(machine: FaultyMachine) -> None:
    machine.state = Path(os.devnull) / "state"


def _full(machine: FaultyMachine) -> None:
    script = (
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin; cp -a "$1" "$1.copy" && mount -t tmpfs -o size=256k,mode=700 none "$1" && '
        'cp -a "$1.copy/." "$1" && PATH="$2" && shift 2 && exec "$@"'
    )
    unshare = str(shutil.which("unshare"))
    machine.before = [unshare, "-m", "/bin/sh", "-c", script, "sh", str(machine.state), machine.environment["PATH"]]


# Pairings.


def _cut_off(machine: FaultyMachine) -> None:
    path = machine.pair("c-fedcba9876543210")
    path.write_bytes(path.read_bytes()[:40])


# The daemon.


def _killed(machine: FaultyMachine) -> None:
    process = machine.serve()
    process.kill()
    process.wait()


def _damaged_word(machine: FaultyMachine) -> None:
    write_local(machine.state, LocalAccess(machine.port, "local", "00" * 32, 1))
    (machine.state / "local.json").write_bytes(b"{")


def _lost_word(machine: FaultyMachine) -> None:
    machine.serve()
    (machine.state / "local.json").unlink()


def _hung(machine: FaultyMachine) -> None:
    machine.serve().send_signal(signal.SIGSTOP)


def _older(machine: FaultyMachine) -> None:
    code = "import daemon, sys; daemon.VERSION = '0.0.1'; from daemon.cli import main; sys.exit(main())"
    machine.serve(sys.executable, "-c", code)


# The service.


def _install(machine: FaultyMachine) -> list[Path]:
    """As `cloakroom service install` does it for this person."""
    units = Path(machine.environment["XDG_CONFIG_HOME"]) / "systemd" / "user"
    units.mkdir(parents=True)
    written = []
    for file, text in service_files(machine.port).items():
        (units / file.name).write_bytes(text)
        written.append(units / file.name)
    return written


def _outdated(machine: FaultyMachine) -> None:
    machine.manager("echo active")
    unit = _install(machine)[0]
    unit.write_text(unit.read_text().replace("WatchdogSec=90", "WatchdogSec=30"))


def _ended(result: str) -> Callable[[FaultyMachine], None]:
    def inject(machine: FaultyMachine) -> None:
        _install(machine)
        machine.manager(f"""case "$*" in
            *" start "*) : > "$0.started" ;;
            *is-active*) if [ -e "$0.started" ]; then echo active; else echo failed; fi ;;
            *Result*) echo {result} ;;
        esac""")

    return inject


def _unmanaged(machine: FaultyMachine) -> None:
    _install(machine)
    machine.manager("exit 1")


# Models.


def _smallest(models: Path) -> Path:
    return min(models.glob("*.safetensors"), key=lambda path: path.stat().st_size)


def _embedded_damaged(machine: FaultyMachine) -> None:
    path = _smallest(machine.other_models())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    path.write_bytes(data)


def _list_damaged(machine: FaultyMachine) -> None:
    path = machine.other_models() / "manifest.json"
    text = path.read_text()
    path.unlink()
    path.write_text(text[: len(text) // 2])


def _pulled_damaged(machine: FaultyMachine) -> None:
    name = next(entry.name for entry in entries() if entry.url)
    folder = prepare(model_folder(machine.state))
    (folder / f"{name}.safetensors").write_bytes(b"not what it was")
    (folder / f"{name}.sha256").write_text("0" * 64)


def _half(machine: FaultyMachine) -> None:
    entry = next(entry for entry in entries() if entry.url)
    part = Part(prepare(model_folder(machine.state)), entry.name, entry.sha256, entry.bytes)
    part.coming_from("https://download.example/x", '"mark"')
    with part.appending() as file:
        file.write(bytes(100_000))


def _generator_damaged(machine: FaultyMachine) -> None:
    folder = prepare(store(prepare(model_folder(machine.state))))
    described = {
        "name": "theirs", "file": "theirs.safetensors", "sha256": "0" * 64, "bytes": 4, "input_size": 32, "classes": ["cat"],
        "licence": "none", "source": "a service", "target": "theirs", "auxiliary": "",
    }  # fmt: skip
    (folder / "theirs.json").write_text(json.dumps(described))
    (folder / "theirs.safetensors").write_bytes(b"else")


# What it runs on.


def _old_package(machine: FaultyMachine) -> None:
    machine.on_path("platformdirs-1.0.dist-info", {"METADATA": "Metadata-Version: 2.1\nName: platformdirs\nVersion: 1.0\n"})


def _broken_torch(machine: FaultyMachine) -> None:
    machine.on_path("torch", {"__init__.py": "raise ImportError('libtorch_cpu.so: cannot open shared object file')\n"})


def _few_descriptors(machine: FaultyMachine) -> None:
    machine.before = ["/bin/sh", "-c", 'ulimit -n 64 && exec "$@"', "sh"]


FAULTS = (
    Fault("settings-invalid", lambda machine: machine.set("prot = 1")),
    Fault("variable-unknown", lambda machine: machine.environment.update(CLOAKROOM_PROT="1")),
    Fault("package-unfit", _old_package),
    Fault(
        "loopback-absent",
        lambda machine: setattr(machine, "before", [str(shutil.which("unshare")), "-n"]),
        possible=_may_unshare,
    ),
    Fault("descriptors-few", _few_descriptors),
    Fault("memory-beyond", lambda machine: machine.set('memory = "900000 GB"')),
    Fault("state-not-folder", _file_in_place),
    Fault("state-unusable", _under_a_file),
    Fault("state-open", lambda machine: machine.state.chmod(0o755), cured=True),
    Fault("state-owner", lambda machine: os.chown(machine.state, 1, 1), possible=_is_root),
    Fault("disk-full", _full, possible=_may_unshare),
    Fault("file-open", lambda machine: _client(machine).chmod(0o644), cured=True),
    Fault("file-owner", lambda machine: os.chown(_client(machine), 1, 1), possible=_is_root),
    Fault("clock-ahead", lambda machine: os.utime(_client(machine), (time.time(), time.time() + 400 * DAY)), cured=True),
    Fault("pairing-damaged", _cut_off, cured=True),
    Fault("daemon-absent", lambda _: None, beside=frozenset()),
    Fault("daemon-word-left", _killed, cured=True),
    Fault("daemon-word-damaged", _damaged_word, cured=True),
    Fault("daemon-word-lost", _lost_word, beside=frozenset()),
    Fault("daemon-hung", _hung, beside=frozenset()),
    Fault("daemon-other-version", _older, beside=frozenset()),
    Fault("port-taken", lambda machine: machine.listen(machine.port), beside=frozenset()),
    Fault("service-outdated", _outdated, cured=True),
    Fault("service-failed", _ended("exit-code"), cured=True),
    Fault("service-given-up", _ended("start-limit-hit"), cured=True),
    Fault("service-unmanaged", _unmanaged),
    Fault("model-embedded-damaged", _embedded_damaged),
    Fault("model-embedded-absent", lambda machine: _smallest(machine.other_models()).unlink()),
    Fault("model-list-damaged", _list_damaged),
    Fault("model-pulled-damaged", _pulled_damaged, cured=True),
    Fault("model-half", _half, cured=True),
    Fault("generator-damaged", _generator_damaged),
    Fault("device-absent", lambda machine: machine.set('device = "cuda:99"')),
    Fault("browser-absent", lambda machine: (machine.programs / "firefox").unlink()),
    Fault("worker-fails", _broken_torch, slow=True),
    Fault("worker-memory", lambda machine: machine.set('memory = "256 MiB"'), slow=True),
)
