"""One results file of a browser, several commands that write to it."""

from typing import Any

from daemon.figures import merged


def made(command: str, **figures: float) -> dict[str, Any]:
    return {"figures": figures, "command": command, "seed": None}


def test_a_part_replaces_its_own_keys_and_leaves_the_others() -> None:
    both = merged(merged({}, "paths", made("first", paths=40, stuck=1)), "random", made("second", uploads=1000))
    assert both["figures"] == {"paths": 40, "stuck": 1, "uploads": 1000}
    again = merged(both, "paths", made("third", paths=43))
    assert again["figures"] == {"paths": 43, "uploads": 1000}
    assert {part: about["command"] for part, about in again["parts"].items()} == {"paths": "third", "random": "second"}
    assert again["command"] == "third"
