"""File descriptors: how many connections this process may hold, and how many of them are for strangers."""

import contextlib
from typing import Final

try:
    import resource
except ImportError:  # Windows counts handles, and has room for millions.
    resource = None  # type: ignore[assignment]

WANTED: Final = 8192
MOST_STRANGERS: Final = 4096
"""Two seconds of 2,000 connections a second: for so long a crowd evicts no client that is authenticating."""

FEWEST_STRANGERS: Final = 64
OURS: Final = 192
"""Descriptors of sessions, of the worker's pipes, and of what Python itself has open."""


def ask_for_more() -> None:
    """Raise the soft limit of this process to the hard one: most systems begin with 1,024 and allow many more."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_strangers() -> int:
    """Return how many unauthenticated connections fit beside the descriptors that the daemon itself needs."""
    if resource is None:
        return MOST_STRANGERS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_STRANGERS
    return max(FEWEST_STRANGERS, min(MOST_STRANGERS, soft - OURS))
