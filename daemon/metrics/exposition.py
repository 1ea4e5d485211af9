"""The counts in the words of Prometheus: a registry for each daemon, filled when it is read and at no other time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from daemon.metrics.counts import BOUNDS, OUTCOMES, REASONS, STAGES, Metrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Present:
    """The daemon's present values.

    Attributes:
        queued: photos that wait.
        running: photos that the worker has.
        sessions: sockets that have proved themselves.
        worker_ready: whether there is a worker that has loaded its models.
        restarts: workers that ended and were replaced.
        front_rss: bytes.
        worker_rss: bytes, 0 without a worker.
        device_memory: bytes that the worker holds of its graphics card, None where it has none or has not said.
        uptime: seconds.
    """

    queued: int
    running: int
    sessions: int
    worker_ready: bool
    restarts: int
    front_rss: int
    worker_rss: int
    device_memory: int | None
    uptime: float


class Exposition:
    """Args:
    metrics: what was counted.
    present: asked each time that somebody reads.
    """

    def __init__(self, metrics: Metrics, present: Callable[[], Present]) -> None:
        self._metrics = metrics
        self._present = present
        self._registry: CollectorRegistry | None = None

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        # Imported by the first who reads: a daemon that nobody watches holds nothing for it.
        from prometheus_client import CollectorRegistry, generate_latest

        if self._registry is None:
            self._registry = CollectorRegistry()
            self._registry.register(self)
        return generate_latest(self._registry)

    def collect(self) -> "Iterator[Metric]":
        """Yield every metric, as the registry asks for it."""
        yield from self._counted()
        yield from self._present_now()

    def _counted(self) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        jobs = CounterMetricFamily("cloakroom_jobs", "Photos by how they ended.", labels=["outcome"])
        for outcome in OUTCOMES:
            jobs.add_metric([outcome], self._metrics.outcomes[outcome])
        yield jobs
        refused = CounterMetricFamily("cloakroom_rejections", "What was refused, by where and why.", labels=["place", "reason"])
        for place, reasons in REASONS.items():
            for reason in reasons:
                refused.add_metric([place, reason], self._metrics.refusals[place, reason])
        yield refused
        stages = HistogramMetricFamily("cloakroom_stage_seconds", "Seconds that a photo spent in each stage.", labels=["stage"])
        names = [*map(str, BOUNDS), "+Inf"]
        for stage in STAGES:
            spread = self._metrics.stages[stage]
            stages.add_metric([stage], list(zip(names, spread.cumulative(), strict=True)), spread.seconds)
        yield stages

    def _present_now(self) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        now = self._present()
        yield CounterMetricFamily("cloakroom_worker_restarts", "Workers that ended and were replaced.", value=now.restarts)
        gauges: list[tuple[str, str, float]] = [
            ("cloakroom_queue_depth", "Photos that wait.", now.queued),
            ("cloakroom_jobs_running", "Photos that the worker has.", now.running),
            ("cloakroom_sessions_open", "Sockets that have proved themselves.", now.sessions),
            ("cloakroom_worker_ready", "1 while there is a worker that has loaded its models.", float(now.worker_ready)),
            ("cloakroom_front_resident_bytes", "Memory of the front process.", now.front_rss),
            ("cloakroom_worker_resident_bytes", "Memory of the worker.", now.worker_rss),
            ("cloakroom_uptime_seconds", "Since the daemon started.", now.uptime),
        ]
        if now.device_memory is not None:
            gauges.append(("cloakroom_device_bytes", "Memory that the worker holds of its graphics card.", now.device_memory))
        for name, words, value in gauges:
            yield GaugeMetricFamily(name, words, value=value)
