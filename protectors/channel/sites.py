"""The upload channels of known sites, from ``sites.json`` in this folder, which is part of the installed package.

The extension's own table (``extension/sites.json``) names a channel for each of its sites; tests hold the names together.
Imports of torch stand inside functions: the command line asks for the names alone.
"""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protectors.channel.pipeline import Pipeline

TABLE = Path(__file__).with_name("sites.json")

UNKNOWN = "unknown"
"""The trust of a channel whose pipeline nobody has published."""


@cache
def _channels() -> dict[str, dict[str, Any]]:
    return {channel["name"]: channel for channel in json.loads(TABLE.read_text(encoding="utf-8"))["channels"]}


def names() -> tuple[str, ...]:
    """The names of all channels, in the table's order."""
    return tuple(_channels())


@cache
def pipelines() -> "tuple[Pipeline, ...]":
    """The pipelines of all channels whose pipeline is known, in the table's order."""
    from protectors.channel.pipeline import of_site

    return tuple(of_site(channel) for channel in _channels().values() if channel["trust"] != UNKNOWN)


def known(name: str | None) -> "Pipeline | None":
    """The pipeline of a channel, or None where the channel or its pipeline is unknown."""
    return next((pipeline for pipeline in pipelines() if pipeline.name == name), None) if name else None


def largest_upload(name: str | None) -> int | None:
    """The largest file in bytes that a channel's site accepts or keeps as it is, or None where that is unknown."""
    channel = _channels().get(name, {}) if name else {}
    return channel.get("takes", channel.get("bytes"))
