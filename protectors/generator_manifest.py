"""Validates the manifest that a service hands out with a generator: untrusted JSON of a few kilobytes.

Its fields reach terminals, the protocol and the extension's pages. So every text must be one line of printable characters,
every number finite, and every length bounded.
"""

import json
import math
import re
from pathlib import Path
from typing import Any, Final

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,23}")
"""The form of a generator's name, chosen so that ``visual-NAME`` is a valid protector name in the protocol."""

SIDES: Final = range(16, 1025)
"""Accepted input sizes in pixels. Smaller pictures cannot be read, and larger ones take gigabytes to draw."""

LARGEST_MANIFEST: Final = 64 * 1024
LARGEST_WEIGHTS: Final = 256 * 1024 * 1024
MOST_CLASSES: Final = 1024
MOST_MEASURES: Final = 64
LARGEST_MEASURE: Final = 1e9

OPTIONAL: Final = {"quality", "auxiliary"}
FIELDS: Final = {"name", "file", "sha256", "bytes", "input_size", "classes", "licence", "source", "target"} | OPTIONAL

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\.safetensors")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEASURE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")


class GeneratorError(Exception):
    """A generator cannot be imported; the text says why and what to do, and never quotes the manifest."""


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest's file and check every field.

    Raises:
        GeneratorError: the file cannot be read, or is no valid manifest.
    """
    try:
        if not path.exists():
            raise GeneratorError(f"{path} cannot be read: there is no such file.")
        if not path.is_file():
            raise GeneratorError(f"{path} is no file, and cannot be read.")
        with path.open("rb") as stream:
            text = stream.read(LARGEST_MANIFEST + 1)
        if len(text) > LARGEST_MANIFEST:
            raise GeneratorError("That is no manifest: it is too large.")
        item = json.loads(text.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_number)
    except RecursionError:
        raise GeneratorError(f"{path} is no manifest: it is nested too deeply.") from None
    except OSError as problem:
        raise GeneratorError(f"{path} cannot be read ({problem.strerror}).") from None
    except ValueError:
        raise GeneratorError(f"{path} is not JSON. Give the generator's manifest, not its weights.") from None
    if not isinstance(item, dict):
        raise GeneratorError("The manifest is not of a generator.")
    check(item)
    return item


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    item = dict(pairs)
    if len(item) != len(pairs):
        raise GeneratorError("The manifest says something twice. Ask the service for a new one.")
    return item


def _no_number(_: str) -> float:
    raise GeneratorError("The manifest has a number that is none. Ask the service for a new one.")


def check(item: dict[str, Any]) -> None:
    """Check every field of a manifest.

    Raises:
        GeneratorError: a field is missing, unknown or invalid.
    """
    missing, unknown = FIELDS - OPTIONAL - item.keys(), item.keys() - FIELDS
    if missing:
        raise GeneratorError(f"The manifest is not of a generator: lacks {min(missing)}.")
    if unknown:
        # The field's name is untrusted, so the message does not quote it.
        raise GeneratorError("The manifest is not of a generator: has a field that none has.")
    if not _is(item["name"], NAME):
        raise GeneratorError("The generator's name may have up to 24 of a-z, 0-9, - and _, and begins with a letter.")
    if not _is(item["file"], _FILE):
        raise GeneratorError("The manifest's file has to be a safetensors file beside it, without folders in its name.")
    if not _is(item["sha256"], _SHA256):
        raise GeneratorError("The manifest's sha256 has to be a SHA-256: 64 of 0-9 and a-f.")
    if not _is_count(item["bytes"]) or item["bytes"] > LARGEST_WEIGHTS:
        raise GeneratorError(f"The manifest's bytes have to be a number from 1 to {LARGEST_WEIGHTS}.")
    if not _is_count(item["input_size"]) or item["input_size"] not in SIDES:
        raise GeneratorError(f"The generator's input size has to lie between {SIDES[0]} and {SIDES[-1]} pixels.")
    classes = item["classes"]
    if not isinstance(classes, list) or len(classes) > MOST_CLASSES or not all(_is_line(label, 64) for label in classes):
        raise GeneratorError("The manifest's classes have to be a list of short names.")
    for field, longest in (("licence", 500), ("source", 500), ("target", 100), ("auxiliary", 100)):
        if not _is_line(item.get(field, ""), longest):
            raise GeneratorError(f"The manifest's {field} has to be one line of up to {longest} letters that can be seen.")
    quality = item.get("quality", {})
    if not isinstance(quality, dict) or len(quality) > MOST_MEASURES or not all(map(_is_measure, quality.items())):
        raise GeneratorError(f"The manifest's quality has to be up to {MOST_MEASURES} numbers by name.")


def _is(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    # True is an int in Python.
    return type(value) is int and value > 0


def _is_line(value: object, longest: int) -> bool:
    """Whether a value is a short text without control characters, line ends, bidirectional marks or lone surrogates."""
    return isinstance(value, str) and len(value) <= longest and value.isprintable()


def _is_measure(named: tuple[str, object]) -> bool:
    name, value = named
    if not _is(name, _MEASURE) or type(value) not in (int, float):
        return False
    return abs(value) <= LARGEST_MEASURE and math.isfinite(value)  # type: ignore[arg-type]
