"""The dashboard's page and numbers: who gets them, and what is worked out from what the daemon counts."""

import asyncio
import json
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from daemon.commands.dashboard import _doorway
from daemon.dashboard.history import MOMENTS, History, quantile
from daemon.dashboard.site import TOKEN_SECONDS, Site
from daemon.metrics.counts import BOUNDS, Metrics
from daemon.metrics.exposition import Exposition, Present
from daemon.metrics.reader import NoMetricsError, Sample, samples
from daemon.wire.request import REFUSAL
from tests.daemon.conftest import ELSEWHERE, RunningDaemon
from tests.daemon.raw_clients import MALFORMED, answer, upgrade


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Visited:
    """A site, its address taken apart, and the clock by which it goes."""

    def __init__(self, site: Site, address: str, clock: Clock, session: ClientSession) -> None:
        self.site, self.clock, self.session = site, clock, session
        self.base, _, self.token = address.partition("/#")

    async def ask(self, path: str, bearer: str | None = None, method: str = "GET", **headers: str) -> tuple[int, bytes]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if bearer is not None:
            given["Authorization"] = f"Bearer {bearer}"
        async with self.session.request(method, self.base + path, headers=given) as answer:
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]
            assert "Set-Cookie" not in answer.headers
            return answer.status, await answer.read()

    async def key(self) -> str:
        status, body = await self.ask("/session", self.token, "POST")
        assert status == 200
        return str(json.loads(body)["key"])


@pytest.fixture
async def visited() -> AsyncIterator[Visited]:
    clock, metrics = Clock(), Metrics()
    metrics.ended("done")
    exposition = Exposition(metrics, lambda: Present(3, 1, 2, True, 0, 50_000_000, 900_000_000, None, clock.now))
    site = Site(lambda: list(samples(exposition.text().decode())), clock)
    address = await site.start()
    async with ClientSession() as session:
        yield Visited(site, address, clock, session)
    await site.stop()


def plot(told: dict[str, Any], name: str) -> dict[str, list[float | None]]:
    found = next(plot for plot in told["plots"] if plot["name"] == name)
    return {line["name"]: line["values"] for line in found["lines"]}


async def test_the_token_is_exchanged_once_for_a_key_that_shows_the_numbers(visited: Visited) -> None:
    key = await visited.key()
    assert key != visited.token
    status, body = await visited.ask("/numbers", key)
    assert status == 200
    told = json.loads(body)
    assert plot(told, "queue") == {"waiting": [3], "running": [1]}
    assert told["counts"]["outcomes"] == [{"name": "done", "count": 1}]
    assert not [plot for plot in told["plots"] if plot["name"] == "device"], "it has none"
    assert (await visited.ask("/session", visited.token, "POST"))[0] == 403
    assert (await visited.ask("/numbers", visited.token))[0] == 403


async def test_the_token_is_good_for_a_minute(visited: Visited) -> None:
    visited.clock.now += TOKEN_SECONDS + 1
    assert (await visited.ask("/session", visited.token, "POST"))[0] == 403
    visited.clock.now -= 2
    assert (await visited.ask("/session", visited.token, "POST"))[0] == 403, "also where the clock goes back"


@pytest.mark.parametrize(
    "changed",
    [
        {"Host": "evil.example"},
        {"Host": "localhost"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://social.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ],
    ids=str,
)
async def test_what_comes_from_elsewhere_is_refused_even_with_token_and_key(visited: Visited, changed: dict[str, str]) -> None:
    assert await visited.ask("/session", visited.token, "POST", **changed) == (403, b"")
    key = await visited.key()
    assert await visited.ask("/numbers", key, "GET", **changed) == (403, b"")
    assert (await visited.ask("/numbers", key))[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/session"),
        ("OPTIONS", "/numbers"),
        ("POST", "/numbers"),
        ("GET", "/../site.py"),
        ("GET", "/page.html"),
        ("GET", "/numbers?a"),
    ],
)
async def test_there_is_nothing_else(visited: Visited, method: str, path: str) -> None:
    assert await visited.ask(path, await visited.key(), method) == (403, b"")


@pytest.mark.parametrize("malform", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_malformed_is_refused_alike(visited: Visited, malform: Callable[[bytes], bytes]) -> None:
    port = int(visited.base.rpartition(":")[2])
    asked = upgrade(port, Origin=visited.base)
    control = await asyncio.to_thread(answer, port, asked.replace(b"/v1 ", b"/ "))
    assert control.startswith(b"HTTP/1.1 200 ")
    assert await asyncio.to_thread(answer, port, malform(asked).replace(b"/v1 ", b"/ ")) == REFUSAL


async def test_nobody_without_the_key_gets_a_number(visited: Visited) -> None:
    for bearer in (None, "", "0", "\xff"):
        assert await visited.ask("/numbers", bearer) == (403, b"")
    await visited.key()
    for bearer in (None, "", "0", visited.token):
        assert await visited.ask("/numbers", bearer) == (403, b"")


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js"])
async def test_the_page_loads_nothing_from_elsewhere_and_stands_in_no_frame(visited: Visited, path: str) -> None:
    async with visited.session.get(visited.base + path) as answer:
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        text = await answer.text()
    assert "https:" not in text
    assert "http:" not in text.replace("http://www.w3.org/2000/svg", "")


async def test_a_page_that_asks_often_does_not_ask_the_daemon_as_often(visited: Visited) -> None:
    key = await visited.key()
    for _ in range(5):
        _, body = await visited.ask("/numbers", key)
    assert plot(json.loads(body), "queue")["waiting"] == [3]
    visited.clock.now += 2
    _, body = await visited.ask("/numbers", key)
    assert plot(json.loads(body), "queue")["waiting"] == [3, 3]


async def test_a_daemon_that_is_gone_is_said() -> None:
    def gone() -> list[Sample]:
        raise NoMetricsError("No daemon is running. Start one with `cloakroom serve`.")

    site = Site(gone)
    address = await site.start()
    async with ClientSession() as session:
        visited = Visited(site, address, Clock(), session)
        _, body = await visited.ask("/numbers", await visited.key())
    await site.stop()
    assert json.loads(body) == {"problem": "No daemon is running. Start one with `cloakroom serve`."}


# What is worked out.


def reading(metrics: Metrics, at: float) -> list[Sample]:
    return list(samples(Exposition(metrics, lambda: Present(0, 0, 0, True, 0, 1, 1, None, at)).text().decode()))


def test_photos_a_minute_are_those_of_the_last_minute() -> None:
    metrics, history = Metrics(), History()
    for second in range(0, 121, 10):
        history.add(second, reading(metrics, second))
        if second < 60:
            metrics.ended("done")
    values = plot(history.told(), "throughput")["done"]
    assert values[0] is None
    assert values[1] == 6, "one in ten seconds"
    assert values[6] == 6
    assert values[-1] == 0, "none in the last minute"


def test_latencies_are_those_of_the_last_five_minutes() -> None:
    metrics, history = Metrics(), History()
    metrics.worked({"decode": 0.03})
    history.add(0, reading(metrics, 0))
    for _ in range(100):
        metrics.worked({"decode": 7.0})
    history.add(200, reading(metrics, 200))
    history.add(600, reading(metrics, 600))
    lines = plot(history.told(), "stage-decode")
    assert lines["p50"][0] == pytest.approx(0.025), "half way up to the first bound"
    assert 5.0 < (lines["p50"][1] or 0) < 10.0
    assert 5.0 < (lines["p95"][1] or 0) < 10.0
    assert (lines["p95"][1] or 0) > (lines["p50"][1] or 0)
    assert plot(history.told(), "stage-encode")["p95"] == [None, None, None]


@pytest.mark.parametrize(
    ("share", "taken", "within"),
    [
        (0.5, [0.05] * 10, (0.0, 0.05)),
        (0.95, [0.2] * 90 + [30.0] * 10, (20.0, 40.0)),
        (0.5, [0.2] * 90 + [30.0] * 10, (0.1, 0.25)),
        (0.5, [5000.0], (640.0, 640.0)),
    ],
)
def test_a_quantile_lies_within_the_bounds_of_what_it_is_of(
    share: float, taken: list[float], within: tuple[float, float]
) -> None:
    metrics = Metrics()
    for seconds in taken:
        metrics.worked({"decode": seconds})
    found = quantile(share, metrics.stages["decode"].cumulative())
    assert found is not None
    assert within[0] <= found <= within[1]


def test_there_is_no_quantile_of_nothing() -> None:
    assert quantile(0.5, [0] * (len(BOUNDS) + 1)) is None


def test_a_daemon_that_started_anew_begins_a_new_history() -> None:
    metrics, history = Metrics(), History()
    metrics.ended("done")
    history.add(0, reading(metrics, 500))
    history.add(2, reading(metrics, 502))
    history.add(4, reading(Metrics(), 1))
    assert len(plot(history.told(), "queue")["waiting"]) == 1
    for second in range(2, MOMENTS + 50):
        history.add(4 + second, reading(Metrics(), second))
    assert len(plot(history.told(), "queue")["waiting"]) == MOMENTS


# The command.


@contextmanager
def dashboard(state: Path) -> Iterator[str]:
    """`cloakroom dashboard` as a process; its address."""
    command = [sys.executable, "-m", "daemon.cli", "dashboard", "--no-browser", "--json", "--state", str(state)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ELSEWHERE)
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
    assert process.returncode == 0


def test_the_command_serves_it_on_the_loopback_until_it_is_ended(running_daemon: RunningDaemon) -> None:
    with dashboard(running_daemon.state) as address:
        host, _, port = address.removeprefix("http://").partition("/")[0].partition(":")
        assert host == "127.0.0.1"
        with socket.create_connection((host, int(port)), timeout=10):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=10)
    assert not list(running_daemon.state.glob("dashboard-*"))


def test_a_browser_is_started_with_a_file_that_only_this_user_reads(tmp_path: Path) -> None:
    with _doorway(tmp_path, "http://127.0.0.1:1/#secret") as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "url=http://127.0.0.1:1/#secret" in path.read_text()
        assert "secret" not in path.as_uri()
    assert not path.exists()
