"""Ray Serve with a replica for each graphics card: what daemons of a household or an organisation send their photos to."""

import contextlib
import socket as sockets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from daemon.cluster.joining import ClusterError, joined
from daemon.cluster.ray_album import crew_of
from daemon.cluster.replica import Replica
from daemon.front.watch import Watch
from daemon.front.worker_process import EntryPoint
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker.process import main as worker_main

ONGOING: Final = 64
"""Requests that a replica holds; it does one at a time, and beats to the others."""


@dataclass(frozen=True)
class Listening:
    """Attributes:
    host: the address that daemons come to.
    port: 0 picks a free one.
    certificate: file of a TLS certificate; only the loopback does without.
    key: file of its key.
    """

    host: str = "127.0.0.1"
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None

    @property
    def is_loopback(self) -> bool:
        return self.host in ("127.0.0.1", "::1")


def check(listening: Listening) -> None:
    """Raises ClusterError where photos would come in unencrypted, or the certificate cannot be read."""
    files = (listening.certificate, listening.key)
    if not all(files) and not listening.is_loopback:
        raise ClusterError("Photos come in only encrypted. Name --certificate and --key, or listen on 127.0.0.1.")
    for path in files:
        if path is not None and not path.is_file():
            raise ClusterError(f"{path} is not there. Name the certificate's file with --certificate, its key's with --key.")


@contextlib.contextmanager
def serving(address: str, listening: Listening, cpus: int | None = None) -> Iterator[tuple[Any, int]]:
    """Ray Serve, running; gives Ray and the port.

    Raises:
        ClusterError: see `check` and `joining.joined`.
    """
    check(listening)
    with joined(address, cpus) as ray:
        from ray import serve

        port = listening.port or _free_port(listening.host)
        options: dict[str, Any] = {"host": listening.host, "port": port}
        if listening.certificate is not None:
            options |= {"ssl_certfile": str(listening.certificate), "ssl_keyfile": str(listening.key)}
        quiet = {"log_level": "ERROR", "enable_access_log": False}
        try:
            serve.start(http_options=options, logging_config=quiet)
            yield ray, port
        finally:
            serve.shutdown()


def deploy(
    ray: Any,
    token: str,
    settings: WorkerSettings,
    *,
    workers: int | None = None,
    watch: Watch | None = None,
    entry: EntryPoint = worker_main,
    name: str = "cloakroom",
    route: str = "/",
) -> None:
    """Have photos cloaked under a route; returns once a replica is there."""
    from ray import serve

    threads = settings.threads or 1
    crew = crew_of(ray.cluster_resources(), workers, threads)
    deployment = serve.deployment(Replica).options(
        name=name,
        num_replicas=crew.workers,
        max_ongoing_requests=ONGOING,
        ray_actor_options={"num_cpus": threads, "num_gpus": crew.gpus},
        logging_config={"log_level": "ERROR", "enable_access_log": False},
    )
    serve.run(deployment.bind(token, settings, watch or Watch(), entry), name=name, route_prefix=route)


def _free_port(host: str) -> int:
    with sockets.socket(sockets.AF_INET6 if ":" in host else sockets.AF_INET) as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])
