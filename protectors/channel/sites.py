"""The upload channels of known sites, from ``sites.json`` in this folder, which is part of the installed package.

The extension's table (``extension/sites.json``) names a channel for each of its sites; tests check that the names agree.
torch is imported only inside a function, since the command line needs just the names.
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
    """Return the names of all channels, in the table's order."""
    return tuple(_channels())


@cache
def pipelines() -> "tuple[Pipeline, ...]":
    """Return the pipelines of all channels with a known one, in the table's order."""
    from protectors.channel.pipeline import of_site

    return tuple(of_site(channel) for channel in _channels().values() if channel["trust"] != UNKNOWN)


def known(name: str | None) -> "Pipeline | None":
    """Return the pipeline of a channel, or None if the channel or its pipeline is unknown."""
    return next((pipeline for pipeline in pipelines() if pipeline.name == name), None) if name else None


def largest_upload(name: str | None) -> int | None:
    """Return the largest file in bytes that a channel's site accepts or keeps unchanged, or None if that is unknown."""
    channel = _channels().get(name, {}) if name else {}
    return channel.get("takes", channel.get("bytes"))
