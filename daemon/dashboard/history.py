"""The metrics over the last minutes, as lines for the page to draw.

The daemon only counts. Whoever looks keeps what was read, and works out from two readings how many a minute and how
long it took; so a daemon that nobody looks at keeps nothing.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from daemon.metrics.counts import BOUNDS, STAGES
from daemon.metrics.reader import Sample

MOMENTS: Final = 300
THROUGHPUT_SECONDS: Final = 60.0
"""Photos a minute are those of the last minute."""

LATENCY_SECONDS: Final = 300.0
"""Quantiles are of the photos of the last five minutes."""

Key = tuple[str, ...]
JOBS: Final = "cloakroom_jobs_total"
REJECTIONS: Final = "cloakroom_rejections_total"
UPTIME: Final[Key] = ("cloakroom_uptime_seconds",)


@dataclass(frozen=True)
class Moment:
    """One reading: when (seconds), and every number by its name and labels' values."""

    at: float
    numbers: dict[Key, float]

    def of(self, *key: str) -> float | None:
        return self.numbers.get(key)


class History:
    """The readings of the last ten minutes or so."""

    def __init__(self) -> None:
        self._moments: deque[Moment] = deque(maxlen=MOMENTS)

    def add(self, at: float, samples: Iterable[Sample]) -> None:
        """Keep a reading. A daemon that started anew counts from nothing: what was read of the one before it goes."""
        moment = Moment(at, {sample.key: sample.value for sample in samples})
        if self._moments and (moment.of(*UPTIME) or 0.0) < (self._moments[-1].of(*UPTIME) or 0.0):
            self._moments.clear()
        self._moments.append(moment)

    @property
    def last(self) -> float | None:
        """When the newest was read."""
        return self._moments[-1].at if self._moments else None

    def told(self) -> dict[str, Any]:
        """Return the page's data: plots of one length, oldest value first, and the counts since the daemon started."""
        now = self._moments[-1] if self._moments else Moment(0.0, {})
        return {
            "seconds": round(now.at - self._moments[0].at, 1) if self._moments else 0.0,
            "plots": self._plots(),
            "counts": {
                "outcomes": [
                    {"name": key[1], "count": value} for key, value in now.numbers.items() if key[0] == JOBS and value
                ],
                "rejections": [
                    {"place": key[1], "reason": key[2], "count": value}
                    for key, value in now.numbers.items()
                    if key[0] == REJECTIONS and value
                ],
            },
        }

    def _plots(self) -> list[dict[str, Any]]:
        plots = [
            self._gauges("queue", "Queue", "photos", {"waiting": "cloakroom_queue_depth", "running": "cloakroom_jobs_running"}),
            _plot("throughput", "Throughput", "photos a minute", {"done": [self._a_minute(m) for m in self._moments]}),
            *(self._latency(stage) for stage in STAGES),
            self._gauges("sessions", "Connections", "sockets", {"open": "cloakroom_sessions_open"}),
            self._gauges("restarts", "Workers replaced", "so far", {"number": "cloakroom_worker_restarts_total"}),
            self._gauges("front", "Memory of the front", "bytes", {"resident": "cloakroom_front_resident_bytes"}),
            self._gauges("worker", "Memory of the worker", "bytes", {"resident": "cloakroom_worker_resident_bytes"}),
        ]
        if any(moment.of("cloakroom_device_bytes") is not None for moment in self._moments):
            plots.append(self._gauges("device", "Memory of the device", "bytes", {"held": "cloakroom_device_bytes"}))
        return plots

    def _gauges(self, name: str, title: str, unit: str, lines: dict[str, str]) -> dict[str, Any]:
        return _plot(name, title, unit, {line: [moment.of(key) for moment in self._moments] for line, key in lines.items()})

    def _before(self, moment: Moment, seconds: float) -> Moment:
        """The oldest reading that is not older than that."""
        return next(other for other in self._moments if moment.at - other.at <= seconds)

    def _a_minute(self, moment: Moment) -> float | None:
        first = self._before(moment, THROUGHPUT_SECONDS)
        if first is moment:
            return None
        done = (moment.of(JOBS, "done") or 0.0) - (first.of(JOBS, "done") or 0.0)
        return round(done * 60 / (moment.at - first.at), 2)

    def _latency(self, stage: str) -> dict[str, Any]:
        lines: dict[str, Sequence[float | None]] = {}
        for name, share in (("p50", 0.5), ("p95", 0.95)):
            lines[name] = [
                quantile(share, _added(stage, self._before(moment, LATENCY_SECONDS), moment)) for moment in self._moments
            ]
        return _plot(f"stage-{stage}", f"Stage: {stage}", "seconds", lines)


def _plot(name: str, title: str, unit: str, lines: dict[str, Sequence[float | None]]) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "unit": unit,
        "lines": [{"name": line, "values": list(values)} for line, values in lines.items()],
    }


def _added(stage: str, first: Moment, last: Moment) -> list[float]:
    """How many photos were within each bound between two readings, or since the daemon's start where it is but one."""
    keys = [("cloakroom_stage_seconds_bucket", bound, stage) for bound in (*map(str, BOUNDS), "+Inf")]
    before = [0.0 if first is last else first.numbers.get(key, 0.0) for key in keys]
    return [last.numbers.get(key, 0.0) - earlier for key, earlier in zip(keys, before, strict=True)]


def quantile(share: float, cumulative: Sequence[float]) -> float | None:
    """Seconds within which that share of the photos was done, as Prometheus' histogram_quantile estimates it.

    Args:
        share: 0 to 1.
        cumulative: how many took at most each of BOUNDS, and last how many there were.

    Returns:
        None where there were none; the largest bound for what lies beyond it.
    """
    wanted = share * cumulative[-1]
    if cumulative[-1] <= 0:
        return None
    edges = pairwise(zip((0.0, *BOUNDS), (0.0, *cumulative[:-1]), strict=True))
    for (lower, below), (upper, within) in edges:
        if within >= wanted:
            return round(lower + (upper - lower) * (wanted - below) / (within - below), 4) if within > below else lower
    return BOUNDS[-1]
