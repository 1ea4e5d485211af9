"""The places where a daemon's metrics are read."""

from pathlib import Path
from typing import Final

PATH: Final = "/metrics"


def metrics_socket(state: Path) -> Path:
    """Return the Unix socket in a state folder."""
    return state / "metrics.sock"


def metrics_token(state: Path) -> Path:
    """Return the file of the token that is asked for over the loopback."""
    return state / "metrics.token"
