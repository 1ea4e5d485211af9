"""Reads the running daemon's metrics, as its own user: over the Unix socket, or over the loopback where there is none."""

import http.client
import socket as sockets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from daemon.metrics.places import PATH, metrics_socket, metrics_token
from daemon.state.folder import read_local

SECONDS: Final = 5.0
OFF: Final = "The daemon's metrics are off. Set metrics to true (see `cloakroom settings`) and start it again."


class NoMetricsError(Exception):
    """No daemon gave its metrics; the text says what to do."""


@dataclass(frozen=True)
class Sample:
    """One number of the metrics."""

    name: str
    labels: dict[str, str]
    value: float

    @property
    def key(self) -> tuple[str, ...]:
        """The name, and the labels' values in the order of the labels' names."""
        return (self.name, *(value for _, value in sorted(self.labels.items())))


def samples(text: str) -> Iterator[Sample]:
    """Every number in the text that Prometheus reads."""
    from prometheus_client.parser import text_string_to_metric_families

    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield Sample(sample.name, dict(sample.labels), float(sample.value))


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(str(self._path))


def read_metrics(state: Path) -> str:
    """The text that Prometheus reads.

    Raises:
        NoMetricsError: no daemon runs with this state folder, or its metrics are off.
    """
    access = read_local(state)
    if access is None:
        raise NoMetricsError("No daemon is running. Start one with `cloakroom serve`.")
    headers: dict[str, str] = {}
    if hasattr(sockets, "AF_UNIX") and metrics_socket(state).exists():
        connection: http.client.HTTPConnection = _Connection(metrics_socket(state))
    else:
        connection = http.client.HTTPConnection("127.0.0.1", access.port, timeout=SECONDS)
        headers["Authorization"] = f"Bearer {_token(state)}"
    try:
        connection.request("GET", PATH, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException, UnicodeError):
        raise NoMetricsError("The daemon does not answer. Run `cloakroom doctor`, then try again.") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise NoMetricsError(OFF)
    return text


def _token(state: Path) -> str:
    try:
        return metrics_token(state).read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        raise NoMetricsError(
            "The daemon's metrics are off. Set metrics to true (see `cloakroom settings`) and start it again."
        ) from None
