"""The results of one browser: one file, to which each command adds its own part and leaves the others'."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from daemon.figures import merged, wrapped, write
from tests.end_to_end.browser import Browser

RESULTS = Path(__file__).parent / "results"


def keep(browser: Browser, part: str, figures: Mapping[str, float], command: str, seed: int | None) -> dict[str, Any]:
    """Replace one part of results/BROWSER.json, and return what the file holds now.

    `figures` has the keys of every part; `parts` tells whose they are, and which command measured them, where and when. What
    stands beside them is of the newest part.
    """
    path = RESULTS / f"{browser.name}.json"
    written = merged(json.loads(path.read_text()) if path.exists() else {}, part, measured(browser, figures, command, seed))
    write(path, written)
    return written


def measured(browser: Browser, figures: Mapping[str, float], command: str, seed: int | None) -> dict[str, Any]:
    """The figures with what is needed to judge and repeat them."""
    made = wrapped(figures, command, seed)
    names = {"browser": f"{browser.name} {browser.version.split('.')[0]}", "playwright": version("playwright")}
    return {**made, "versions": {**made["versions"], **names}}
