"""The queue before a worker process: what it does as it dies, hangs or leaves, and what only one client's memory shows."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from daemon.client import DaemonClient, NoDaemonError
from daemon.front.jobs import QueueSettings
from daemon.front.pairing import CHROMIUM_ORIGIN
from daemon.front.watch import Watch
from daemon.wire.errors import Code
from daemon.wire.protocol import LIMITS
from tests.daemon import odd_workers
from tests.daemon.conftest import POLICY, StartServer, local_client
from tests.daemon.front.every_backend import PHOTO, EveryBackend, code_of, job, until, until_ready, until_running


class TestWorkerProcess(EveryBackend):
    """All of them, before the worker process."""


async def test_the_default_queue_holds_sixteen(start_server: StartServer) -> None:
    server = await start_server(odd_workers.slow)
    async with await local_client(server) as client:
        waiting = [asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))]
        await until_running(server)
        waiting += [asyncio.create_task(client.protect(PHOTO, POLICY, job=job(n))) for n in range(2, 18)]
        assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY, job=job(18)))) == "busy"
        assert (await client.status()).queued == LIMITS.queue == 16
        for task in waiting:
            assert not task.done()
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_cancel_stops_the_worker_within_a_step(start_server: StartServer) -> None:
    server = await start_server(odd_workers.slow)
    async with await local_client(server) as client:
        waiting = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))
        await until_running(server)
        pid = server.backend.pid
        begun = asyncio.get_running_loop().time()
        await client.cancel(job(1))
        assert await code_of(waiting) == "cancelled"
        await until(lambda: not server.queue.running)
        assert asyncio.get_running_loop().time() - begun < 3
        assert server.backend.pid == pid


async def test_a_worker_that_does_not_let_go_is_replaced(start_server: StartServer) -> None:
    server = await start_server(odd_workers.deaf, watch=Watch(grace=0.5))
    async with await local_client(server) as client:
        waiting = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))
        await until_running(server)
        pid = server.backend.pid
        await client.cancel(job(1))
        assert await code_of(waiting) == "cancelled"
        await until(lambda: not server.queue.running and server.backend.pid not in (pid, None))
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(("end", "deadline"), [("cancelled", 600.0), ("deadline", 1.0)])
async def test_a_job_that_ended_while_the_worker_started_is_not_run(
    start_server: StartServer, tmp_path: Path, end: Code, deadline: float
) -> None:
    server = await start_server(odd_workers.late, queue=QueueSettings(deadline=deadline))
    async with await local_client(server) as client:
        waiting = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))
        await until(lambda: bool(server.queue.running))
        if end == "cancelled":
            await client.cancel(job(1))
        assert await code_of(waiting) == end
        (tmp_path / "models" / "go").touch()
        await until_ready(server)
        second = await asyncio.wait_for(client.protect(PHOTO, POLICY, job=job(2)), 30)
    assert second.report["given"] == 1, "the worker never saw the first"


async def test_a_worker_that_dies_once_is_tried_again(start_server: StartServer) -> None:
    server = await start_server(odd_workers.dies_once)
    async with await local_client(server) as client:
        await until_ready(server)
        first = server.backend.pid
        protected = await asyncio.wait_for(client.protect(PHOTO, POLICY), 30)
        assert protected.data == PHOTO
        assert protected.report["pid"] == server.backend.pid != first


async def test_where_the_graphics_card_is_lost_the_photo_is_cloaked_without(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start_server(odd_workers.loses_its_card)
    async with await local_client(server) as client:
        protected = await asyncio.wait_for(client.protect(PHOTO, POLICY), 30)
    assert protected.data == PHOTO
    assert "the graphics card is lost" in caplog.text


async def test_where_the_graphics_card_is_full_at_the_start_the_worker_goes_on_without(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start_server(odd_workers.finds_its_card_full)
    # As the doctor asks: this start has not failed, it is tried again without the card.
    assert (await asyncio.wait_for(server.backend.started(), 30)).device == "cpu"
    assert server.backend.restarts == 1
    async with await local_client(server) as client:
        assert (await asyncio.wait_for(client.protect(PHOTO, POLICY), 30)).data == PHOTO
    assert "lost or full" in caplog.text


async def test_a_worker_killed_from_outside_does_not_lose_the_job(start_server: StartServer, tmp_path: Path) -> None:
    server = await start_server(odd_workers.slow)
    async with await local_client(server) as client:
        waiting = asyncio.create_task(client.protect(PHOTO, POLICY))
        await until_running(server)
        pid = server.backend.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        (tmp_path / "models" / "go").touch()
        assert (await asyncio.wait_for(waiting, 30)).data == PHOTO
        assert server.backend.pid != pid


async def test_results_are_kept_within_their_memory(start_server: StartServer) -> None:
    server = await start_server(odd_workers.echo, queue=QueueSettings(kept_bytes=2500))
    async with await local_client(server) as client:
        for number in (1, 2, 3):
            await client.protect(bytes(1000), POLICY, job=job(number))
        assert await code_of(asyncio.create_task(client.fetch(job(1)))) == "unknown-job"
        assert (await client.fetch(job(3))).data == bytes(1000)


async def test_a_browser_is_revoked_though_a_job_of_it_ended_long_ago(start_server: StartServer) -> None:
    # A slow pulse: it is the end of the running job that finds the old one.
    server = await start_server(odd_workers.slow, queue=QueueSettings(keep=0.2, pulse=60.0))
    code = server.pairing.open_pairing()
    async with (
        await local_client(server) as local,
        await DaemonClient.open(server.port, None, origin=CHROMIUM_ORIGIN, code=code) as browser,
    ):
        running = asyncio.create_task(browser.protect(PHOTO, POLICY, job=job(1)))
        await until_running(server)
        old = asyncio.create_task(browser.protect(PHOTO, POLICY, job=job(2)))
        await until(lambda: server.queue.queued == 1)
        await browser.cancel(job(2))
        assert await code_of(old) == "cancelled"
        await asyncio.sleep(0.3)
        assert browser.credential is not None
        await asyncio.wait_for(local.revoke(browser.credential.client), 10)
        with pytest.raises(NoDaemonError):
            await asyncio.wait_for(running, 10)


async def test_a_daemon_that_ends_finishes_what_runs_and_hands_back_what_waits(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = await start_server(odd_workers.slow)
    async with await local_client(server) as client:
        running = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))
        await until_running(server)
        waiting = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(2)))
        await until(lambda: server.queue.queued == 1)
        draining = asyncio.create_task(server.drain(30))
        await until(lambda: server._is_draining)
        with pytest.raises(NoDaemonError):
            await local_client(server)
        assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY, job=job(3)))) == "busy"
        (tmp_path / "models" / "go").touch()
        await asyncio.wait_for(draining, 30)
        await server.stop()
        assert (await asyncio.wait_for(running, 10)).data == PHOTO
        # Its socket is closed, and whoever brings it again has it cloaked by the next daemon.
        with pytest.raises(NoDaemonError):
            await asyncio.wait_for(waiting, 10)


async def test_the_daemon_leaves_no_process_behind(start_server: StartServer) -> None:
    server = await start_server(odd_workers.slow)
    await until_ready(server)
    pid = server.backend.pid
    assert pid is not None
    await server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
