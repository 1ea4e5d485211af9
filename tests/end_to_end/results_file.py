"""The results of one browser: one file, to which each command adds its own part and leaves the others'."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from daemon.figures import wrapped, write
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


def merged(before: Mapping[str, Any], part: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """A file's contents with one part of it replaced, also by other keys than it had."""
    about = {name: value for name, value in made.items() if name != "figures"}
    parts = {**before.get("parts", {}), part: {"keys": sorted(made["figures"]), **about}}
    earlier = before.get("parts", {}).get(part, {}).get("keys", [])
    others = {key: value for key, value in before.get("figures", {}).items() if key not in earlier}
    return {"figures": {**others, **made["figures"]}, **about, "parts": parts}
