"""Logging that can be shown to anyone: no names, addresses, pixels, codes or keys, from us or from the libraries."""

import logging
import sys

from daemon.state.settings import LogLevel

# These write what they were sent into their messages: request lines, headers, file names.
_TALKATIVE = ("aiohttp", "asyncio", "websockets", "PIL", "urllib3")


def configure(level: LogLevel = "info") -> None:
    """To the standard error stream, without ever quoting a request."""
    logging.basicConfig(
        level=logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.getLogger("cloakroom").setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
