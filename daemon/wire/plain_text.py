"""Text for a terminal or a log: names of files, labels of browsers and what other programs say may hold what moves a cursor,
forges a line or asks the terminal for something.
"""

import os
from pathlib import Path
from typing import Final

UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """One line of letters that can be seen; any other character is shown as unknown."""
    return "".join(letter if letter.isprintable() else UNKNOWN for letter in text)


def plain_lines(text: str) -> str:
    """The same for text of several lines, which are ours to end: what others say goes through `plain` before it is put in."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else UNKNOWN for letter in text)


def shown(path: Path | str | None) -> str:
    """A path for people, also one whose bytes are no UTF-8."""
    return plain(os.fsencode(path or "").decode("utf-8", "replace"))
