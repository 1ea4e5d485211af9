"""The channels of the sites in ``extension/sites.json``, the one table that the extension, the daemon and evaluations read.

Imports of torch stand inside functions: the command line asks for the names alone.
"""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protectors.channel.pipeline import Pipeline

TABLE = Path(__file__).resolve().parents[2] / "extension" / "sites.json"


@cache
def _channels() -> tuple[dict[str, Any], ...]:
    return tuple(site["channel"] for site in json.loads(TABLE.read_text(encoding="utf-8"))["sites"])


def names() -> tuple[str, ...]:
    """The channels' names, in the table's order."""
    return tuple(channel["name"] for channel in _channels())


@cache
def pipelines() -> "tuple[Pipeline, ...]":
    """One a channel, in the table's order."""
    from protectors.channel.pipeline import of_site

    return tuple(of_site(channel) for channel in _channels())


def known(name: str | None) -> "Pipeline | None":
    """The pipeline of a channel's name; None where nothing is known of it."""
    return next((own for own in pipelines() if own.name == name), None) if name else None
