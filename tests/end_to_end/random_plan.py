"""Uploads and their faults, drawn from a seed: the same seed, the same uploads."""

import random
from dataclasses import dataclass, replace
from typing import Literal

from tests.end_to_end.paths import Path, paths_in

Fate = Literal["cloaked", "asked", "passed"]

KINDS: dict[str, Fate] = {
    "jpeg": "cloaked",
    "png": "cloaked",
    "webp": "cloaked",
    "tiny": "cloaked",
    "disguised": "cloaked",
    "nameless": "cloaked",
    **{f"crowd-{number}": "cloaked" for number in range(8)},
    "animation": "asked",
    "bitmap": "asked",
    "heic": "asked",
    "truncated": "asked",
    "text": "passed",
    "pdf": "passed",
    "letter": "passed",
    "empty": "passed",
}
"""The ending of each kind of file: it is cloaked, the person is asked because nobody can, or it is no image."""

LARGE = "large"
"""Twelve megapixels: cloaked, but too slow to be drawn as often as the others."""

FAULTS: dict[str, float] = {
    "daemon killed": 0.04,
    "daemon paused": 0.03,
    "worker killed": 0.04,
    "background killed": 0.07,
    "tab closed": 0.04,
    "navigated": 0.04,
    "picked again": 0.04,
    "revoked": 0.01,
}
"""Faults, and their shares of the uploads."""

SEVERAL = ("multiple", "drop", "drop-input")
"""Paths that take more than one file."""

OWN_HOLDS = ("detached", "synthetic", "drop", "drop-items", "drop-input", "hostile-drop")
"""Paths on which another pick is another upload beside the first, not one in its place."""

SAME_INPUT = (
    "attached", "multiple", "shadow-open", "shadow-closed", "declarative", "iframe", "srcdoc", "blank", "label", "show-picker",
    "cloned", "hostile", "worker", "object-url",
)  # fmt: skip
"""Paths on which one input takes every pick; Firefox's automation is told of the first of them only."""

WORDS = ("retry", "original", "cancel")


@dataclass(frozen=True)
class Upload:
    """One upload.

    `after` is how long after the pick the fault comes, and `lasts` how long the daemon is away then. `delay` is what the
    daemon takes a photo. `words` is what the person says when they are asked, in turn; after that they cancel. `then` is the
    file of the other pick where the fault is one. `plain` asks for an upload without any fault afterwards, on the same page.
    """

    number: int
    path: Path
    delay: float = 0.0
    fault: str = ""
    after: float = 0.0
    lasts: float = 0.0
    words: tuple[str, ...] = ("retry",)
    thinks: float = 0.0
    then: str = ""
    plain: bool = False


def takes_another(browser: str, path: Path) -> bool:
    """Whether a test can pick again on the same page, and the page listens."""
    return path.name in OWN_HOLDS or (browser == "chromium" and path.name in SAME_INPUT)


def plan(browser: str, uploads: int, seed: int) -> list[Upload]:
    """The uploads of a run, every fault among them at least once."""
    rng = random.Random(f"{browser} {seed}")
    faults = [fault for fault, share in FAULTS.items() for _ in range(max(1, round(share * uploads)))][:uploads]
    faults += [""] * (uploads - len(faults))
    rng.shuffle(faults)
    return [_draw(rng, browser, number, fault) for number, fault in enumerate(faults)]


def _draw(rng: random.Random, browser: str, number: int, fault: str) -> Upload:
    paths = paths_in(browser)
    # Where the page can go on, most faults are met: there an input could stay stuck.
    if fault == "picked again" or (fault and rng.random() < 0.6):
        paths = tuple(path for path in paths if takes_another(browser, path))
    path = _with_files(rng, rng.choice(paths))
    drawn = Upload(
        number,
        path,
        delay=_delay(rng, bool(fault), len(path.files)),
        fault=fault,
        after=rng.uniform(0, 0.6),
        lasts=rng.uniform(0.2, 3.0),
        words=tuple(rng.choices(WORDS, (5, 2, 3), k=rng.randint(1, 3))),
        thinks=rng.uniform(0, 0.8),
        plain=bool(fault) or rng.random() < 0.05,
    )
    if fault != "picked again":
        return drawn
    # Of files that differ in their names, and in time for the second to find the first held.
    one, other = rng.sample(["jpeg", "png", "webp", "tiny", "nameless"], 2)
    return replace(drawn, path=replace(path, files=(one,)), then=other, delay=rng.uniform(0.8, 2.0), after=rng.uniform(0, 0.4))


def _with_files(rng: random.Random, path: Path) -> Path:
    if path.is_folder or path.action == "paste":
        return path
    if path.name in SEVERAL and rng.random() < 0.7:
        count = rng.choice((2, 3, 10))
        return replace(path, files=tuple(rng.sample(sorted(KINDS), count)))
    if path.name != "beacon" and rng.random() < 0.02:
        return replace(path, files=(LARGE,))
    # A beacon takes no more than 64 kB, and half of the pages never send a file without content.
    single = ["jpeg", "tiny", "disguised", "pdf"] if path.name == "beacon" else [kind for kind in KINDS if kind != "empty"]
    common = [kind for kind in single if KINDS[kind] == "cloaked"]
    return replace(path, files=(rng.choice(common if rng.random() < 0.75 else single),))


def _delay(rng: random.Random, is_fault: bool, files: int) -> float:
    """Mostly small; longer where something has to happen meanwhile."""
    if files > 3:
        return rng.uniform(0, 0.15)
    if is_fault:
        return rng.uniform(0.2, 2.0)
    return rng.choice((0.0, 0.0, 0.0, rng.uniform(0, 0.3), rng.uniform(0, 0.3), rng.uniform(0, 2.0)))
