"""Into a cluster: one on this machine for this run alone, the one that runs here, or another machine's.

Whoever can speak to a Ray cluster can run anything on it as the user that it belongs to. So the one for this run has a
token of its own, listens on the loopback, and keeps its files where nobody else can read them; and photos go to no
other machine without a token and TLS, however the cluster is named.
"""

import contextlib
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final

LOCAL: Final = "local"
RUNNING: Final = "auto"


UNGUARDED: Final = (
    "Photos go to another machine only with a token and TLS. Set RAY_AUTH_MODE=token and RAY_USE_TLS=1 "
    "(with RAY_TLS_SERVER_CERT, RAY_TLS_SERVER_KEY and RAY_TLS_CA_CERT), as on the cluster itself."
)


class ClusterError(Exception):
    """The cluster cannot be had, or must not be used; the text says what to do."""


def check(address: str) -> None:
    """Raises ClusterError where Ray is missing, or photos would cross a network that others read."""
    from importlib.util import find_spec

    if find_spec("ray") is None:
        raise ClusterError(f"Ray is not installed. Run: {sys.executable} -m pip install 'ray[data,serve]'")
    # The one that runs here is found by Ray: by a variable, or by a file. It may be anywhere.
    if address != LOCAL and not _is_loopback(address) and not _is_guarded():
        raise ClusterError(UNGUARDED)


def check_machines(addresses: Iterable[str]) -> None:
    """Raises ClusterError where photos would go to other machines unguarded: a cluster that is reached over the loopback has
    its actors on every machine that has joined it."""
    if not _is_guarded() and not set(addresses) <= _own_addresses():
        raise ClusterError(UNGUARDED)


def _is_guarded() -> bool:
    return os.environ.get("RAY_AUTH_MODE") == "token" and os.environ.get("RAY_USE_TLS") == "1"


def _own_addresses() -> set[str]:
    import psutil

    entries = [entry for interface in psutil.net_if_addrs().values() for entry in interface]
    # An IPv6 address may name its interface after a percent sign.
    found = {entry.address.partition("%")[0] for entry in entries}
    return found | {"127.0.0.1", "::1", "localhost"}


def quiet() -> None:
    """Silence Ray's own log, which is for its developers; errors are raised all the same."""
    for name in ("ray", "ray.data", "ray.serve"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _is_loopback(address: str) -> bool:
    host = address.removeprefix("ray://").rpartition(":")[0].strip("[]")
    return host in ("127.0.0.1", "localhost", "::1")


@contextlib.contextmanager
def joined(address: str, cpus: int | None = None) -> Iterator[Any]:
    """The `ray` module, connected; at the end the connection is closed, and a cluster for this run alone is gone.

    Args:
        address: `local`, `auto`, or host and port.
        cpus: of a local one.

    Raises:
        ClusterError: see `check`; or nobody answers there.
    """
    check(address)
    # Ray sends its makers what it is used for unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # And writes to the terminal what its own developers want to know, paths among it.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    quiet()
    with contextlib.ExitStack() as stack:
        options: dict[str, Any] = {"address": address}
        if address == LOCAL:
            folder = tempfile.mkdtemp(prefix="cloakroom-ray-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.enter_context(_environment(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32)))
            options |= {
                "num_cpus": cpus,
                "include_dashboard": False,
                "_temp_dir": folder,
                "_node_ip_address": "127.0.0.1",
            }
        import ray

        on_main_thread = threading.current_thread() is threading.main_thread()
        ending = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(**options, log_to_driver=False, logging_level="error", configure_logging=False)
        except (ConnectionError, RuntimeError, ValueError, OSError):
            raise ClusterError(f"No cluster answers at {address}. Start one with `ray start --head`, or use local.") from None
        stack.callback(ray.shutdown)
        if on_main_thread:
            # Ray has put its own in its place, which ends this process where it stands.
            signal.signal(signal.SIGTERM, ending)
        if address != LOCAL:
            check_machines(str(node["NodeManagerAddress"]) for node in ray.nodes() if node["Alive"])
        yield ray


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Ray's own processes are told by it, and find it where this process does."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
