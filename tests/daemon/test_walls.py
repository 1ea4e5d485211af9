"""The rooms of the daemon: which may import which, and that what is said of places in the code is so."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import daemon
from tests.daemon.conftest import ELSEWHERE

DAEMON = Path(daemon.__file__).parent
CHECKOUT = Path(__file__).parents[2]
HEAVY = {"torch", "torchvision", "PIL", "numpy"}

MAY_IMPORT = {
    "wire": set(),
    "formats": {"wire"},
    "state": set(),
    "metrics": {"state", "wire"},
    "models": {"state", "wire"},
    "service": {"state"},
    "front": {"metrics", "models", "state", "wire"},
    "worker": {"formats", "wire"},
    "album": {"client", "formats", "state", "wire"},
    "cluster": {"album", "front", "wire", "worker"},
    "dashboard": {"front", "metrics", "wire"},
    "doctor": {"client", "front", "models", "service", "state", "wire", "worker"},
}
"""The rooms that the files of a room may import, beside their own. `cli.py` and `commands/` put all of them together."""

FREE = {"commands"}


def imports_of(file: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions; of `from daemon import x`, `daemon.x`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from [f"daemon.{name.name}" for name in node.names] if node.module == "daemon" else [node.module]


def rooms_imported_by(file: Path) -> set[str]:
    named = {module.split(".")[1] for module in imports_of(file) if module.startswith("daemon.")}
    return {name for name in named if (DAEMON / name).is_dir() or (DAEMON / f"{name}.py").is_file()}


def test_every_room_is_listed() -> None:
    # A folder of before may have its bytecode left.
    rooms = {file.parent.relative_to(DAEMON).parts[0] for file in DAEMON.glob("*/**/*.py")}
    assert rooms - FREE == set(MAY_IMPORT)


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_no_other_than_it_may(room: str) -> None:
    files = sorted((DAEMON / room).rglob("*.py"))
    assert files
    beyond = {file.name: rooms_imported_by(file) - MAY_IMPORT[room] - {room} for file in files}
    assert {name: rooms for name, rooms in beyond.items() if rooms} == {}


@pytest.mark.parametrize("room", ["wire", "front", "formats", "state", "metrics", "service", "album", "dashboard"])
def test_a_light_room_names_no_heavy_library(room: str) -> None:
    for file in (DAEMON / room).rglob("*.py"):
        assert {module.split(".")[0] for module in imports_of(file)} & HEAVY == set(), file.name


def modules_of(program: str) -> list[str]:
    """Return the names that a program prints, run as a user runs it: away from the repository."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ELSEWHERE)
    return done.stdout.split()


def test_the_front_does_not_bring_the_worker() -> None:
    program = "import sys, daemon.front.server; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ELSEWHERE
    ).stdout.split()
    assert "daemon.front.server" in loaded
    assert [name for name in loaded if name.startswith("daemon.worker")] == []


def test_the_wire_needs_nothing_but_itself() -> None:
    modules = ", ".join(f"daemon.wire.{file.stem}" for file in (DAEMON / "wire").glob("*.py") if file.stem != "__init__")
    program = f"import sys, {modules}; print(*(name for name in sys.modules if name.split('.')[0] in ('daemon', 'protectors')))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ELSEWHERE
    ).stdout.split()
    assert {name for name in loaded if not name.startswith("daemon.wire")} == {"daemon", "protectors", "protectors.names"}


TEXTS = ("daemon/THREAT_MODEL.md", ".github/CONTRIBUTING.md")
POINTER = re.compile(r"`([\w./-]+\.(?:py|js|json|md))(?:::?#?(\w+))?`(?: `(\w+)`)?")
"""A file in backticks, perhaps a function or a test in it behind a colon or two, perhaps a name in backticks after it."""


@pytest.mark.parametrize("text", TEXTS)
def test_what_a_text_points_at_is_there(text: str) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split()
    pointers = POINTER.findall((CHECKOUT / text).read_text(encoding="utf-8"))
    assert pointers
    lost = []
    for path, test, name in pointers:
        found = [file for file in tracked if file == path or file.endswith(f"/{path}")]
        wanted = test or name
        if not found or (wanted and not any(wanted in (CHECKOUT / file).read_text(encoding="utf-8") for file in found)):
            lost.append((path, wanted))
    assert lost == []
