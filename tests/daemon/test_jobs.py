"""The queue and its worker over real sockets: busy, cancel, deadline, workers that die, results that wait."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.client import DaemonClient, NoDaemonError, Protected
from daemon.errors import CloakroomError, Code
from daemon.frames import MAX_CHUNK
from daemon.jobs import QueueSettings
from daemon.pairing import CHROMIUM_ORIGIN
from daemon.protocol import LIMITS, Progress, Protect, Queued, encode
from daemon.server import Server
from daemon.supervisor import EntryPoint, Watch
from tests.daemon import odd_workers
from tests.daemon.conftest import POLICY, StartServer, local_client

PHOTO = b"not looked at by these workers"


async def code_of(waiting: asyncio.Future[Protected]) -> Code:
    with pytest.raises(CloakroomError) as caught:
        await asyncio.wait_for(waiting, 30)
    return caught.value.code


async def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """What is asked of here has no event of its own: queue and process are looked at as `cloakroom status` would."""
    end = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.02)


async def until_running(server: Server) -> None:
    await until(lambda: bool(server.queue.running) and server.supervisor.state == "ready")


def job(number: int) -> str:
    return f"{number:032x}"


async def test_a_photo_of_many_chunks_comes_back_whole(start_server: StartServer) -> None:
    server = await start_server(odd_workers.echo)
    photo = os.urandom(2 * MAX_CHUNK + 4321)
    seen: list[Queued | Progress] = []
    async with await local_client(server) as client:
        protected = await client.protect(photo, POLICY, on_progress=seen.append)
    assert protected.data == photo
    assert isinstance(seen[0], Queued)
    assert [event.stage for event in seen if isinstance(event, Progress)][-1] == "objects"


async def test_jobs_run_in_order_and_hear_their_position(start_server: StartServer, tmp_path: Path) -> None:
    server = await start_server(odd_workers.slow)
    positions: dict[int, list[int]] = {1: [], 2: [], 3: []}
    done: list[int] = []
    async with await local_client(server) as client:

        async def one(number: int) -> None:
            def hear(event: Queued | Progress) -> None:
                if isinstance(event, Queued):
                    positions[number].append(event.position)

            await client.protect(PHOTO, POLICY, job=job(number), on_progress=hear)
            done.append(number)

        waiting = []
        for number in (1, 2, 3):
            waiting.append(asyncio.create_task(one(number)))
            await asyncio.sleep(0.2)
        await until_running(server)
        (tmp_path / "models" / "go").touch()
        await asyncio.wait_for(asyncio.gather(*waiting), 30)
    assert done == [1, 2, 3]
    assert positions[2][0] == 1
    assert positions[3][0] == 2
    assert positions[3] == sorted(positions[3], reverse=True)
    assert positions[3][-1] == 1


async def test_busy_when_the_queue_is_full(start_server: StartServer) -> None:
    server = await start_server(odd_workers.slow, queue=QueueSettings(waiting=2))
    async with await local_client(server) as client:
        running = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))
        await until_running(server)
        others = [asyncio.create_task(client.protect(PHOTO, POLICY, job=job(n))) for n in (2, 3)]
        await until(lambda: server.queue.queued == 2)
        refused = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(4)))
        assert await code_of(refused) == "busy"
        state = await client.status()
        assert (state.running, state.queued) == (1, 2)
        # A place that is given up can be taken again.
        await client.cancel(job(3))
        assert await code_of(others[1]) == "cancelled"
        again = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(5)))
        await asyncio.sleep(0.3)
        assert not again.done()
        for number, waiting in ((1, running), (2, others[0]), (5, again)):
            await client.cancel(job(number))
            assert await code_of(waiting) == "cancelled"


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


async def test_an_upload_under_way_holds_its_place(start_server: StartServer) -> None:
    server = await start_server(odd_workers.slow, queue=QueueSettings(waiting=1))
    async with await local_client(server) as client:
        message = Protect(job=job(1), name="", mime="", size=10, channel=None, policy=POLICY)
        await client._connection.send(encode(message))
        assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY, job=job(2)))) == "busy"
    # Its socket is gone, and so is the half upload.
    async with await local_client(server) as client:
        waiting = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(2)))
        await until_running(server)
        await client.cancel(job(2))
        assert await code_of(waiting) == "cancelled"


async def test_cancel_stops_the_worker_within_a_step(start_server: StartServer) -> None:
    server = await start_server(odd_workers.slow)
    async with await local_client(server) as client:
        waiting = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))
        await until_running(server)
        pid = server.supervisor.pid
        begun = asyncio.get_running_loop().time()
        await client.cancel(job(1))
        assert await code_of(waiting) == "cancelled"
        await until(lambda: not server.queue.running)
        assert asyncio.get_running_loop().time() - begun < 3
        assert server.supervisor.pid == pid


async def test_a_worker_that_does_not_let_go_is_replaced(start_server: StartServer) -> None:
    server = await start_server(odd_workers.deaf, watch=Watch(grace=0.5))
    async with await local_client(server) as client:
        waiting = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))
        await until_running(server)
        pid = server.supervisor.pid
        await client.cancel(job(1))
        assert await code_of(waiting) == "cancelled"
        await until(lambda: not server.queue.running and server.supervisor.pid not in (pid, None))
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_cancelling_what_is_not_there(start_server: StartServer) -> None:
    server = await start_server(odd_workers.echo)
    async with await local_client(server) as client:
        transfer = client._expect(job(1), None)
        await client.cancel(job(1))
        assert await code_of(transfer.ended) == "unknown-job"


async def test_the_deadline(start_server: StartServer) -> None:
    server = await start_server(odd_workers.slow, queue=QueueSettings(deadline=1.0))
    async with await local_client(server) as client:
        await until_ready(server)
        begun = asyncio.get_running_loop().time()
        assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY))) == "deadline"
        assert 0.9 < asyncio.get_running_loop().time() - begun < 4


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


async def until_ready(server: Server) -> None:
    async with asyncio.timeout(30):
        await server.supervisor.started()


async def test_a_worker_that_dies_once_is_tried_again(start_server: StartServer) -> None:
    server = await start_server(odd_workers.dies_once)
    async with await local_client(server) as client:
        await until_ready(server)
        first = server.supervisor.pid
        protected = await asyncio.wait_for(client.protect(PHOTO, POLICY), 30)
        assert protected.data == PHOTO
        assert protected.report["pid"] == server.supervisor.pid != first


async def test_where_the_graphics_card_is_lost_the_photo_is_cloaked_without(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start_server(odd_workers.loses_its_card)
    async with await local_client(server) as client:
        protected = await asyncio.wait_for(client.protect(PHOTO, POLICY), 30)
    assert protected.data == PHOTO
    assert "the graphics card is lost" in caplog.text


@pytest.mark.parametrize(
    ("entry", "watch"),
    [
        pytest.param(odd_workers.dies, Watch(), id="dies"),
        pytest.param(odd_workers.silent, Watch(silence=1.0), id="falls silent"),
        pytest.param(odd_workers.greedy, Watch(memory=200_000_000), id="takes too much memory"),
        pytest.param(odd_workers.babbling, Watch(), id="talks nonsense"),
        pytest.param(odd_workers.stillborn, Watch(), id="never starts"),
    ],
)
async def test_a_worker_lost_twice_is_named(start_server: StartServer, entry: EntryPoint, watch: Watch) -> None:
    server = await start_server(entry, watch=watch)
    async with await local_client(server) as client:
        assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY))) == "worker-died"
        # The daemon itself is well.
        assert (await client.status()).running == 0


async def test_a_worker_killed_from_outside_does_not_lose_the_job(start_server: StartServer, tmp_path: Path) -> None:
    server = await start_server(odd_workers.slow)
    async with await local_client(server) as client:
        waiting = asyncio.create_task(client.protect(PHOTO, POLICY))
        await until_running(server)
        pid = server.supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        (tmp_path / "models" / "go").touch()
        assert (await asyncio.wait_for(waiting, 30)).data == PHOTO
        assert server.supervisor.pid != pid


async def test_a_sign_of_life_comes_though_the_worker_has_none(start_server: StartServer) -> None:
    server = await start_server(odd_workers.deaf, queue=QueueSettings(pulse=0.2), watch=Watch(grace=0.2))
    seen: list[float] = []
    async with await local_client(server) as client:
        await until_ready(server)
        waiting = asyncio.create_task(
            client.protect(PHOTO, POLICY, job=job(1), on_progress=lambda _: seen.append(asyncio.get_running_loop().time()))
        )
        await asyncio.sleep(2)
        await client.cancel(job(1))
        assert await code_of(waiting) == "cancelled"
    assert len(seen) >= 6
    assert QueueSettings().pulse < 10


# Results that wait.


async def test_a_job_goes_on_without_its_socket_and_is_fetched(start_server: StartServer, tmp_path: Path) -> None:
    server = await start_server(odd_workers.slow)
    client = await local_client(server)
    lost = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))
    await until_running(server)
    await client.close()
    with pytest.raises(NoDaemonError):
        await lost
    async with await local_client(server) as again:
        seen: list[Queued | Progress] = []
        fetching = asyncio.create_task(again.fetch(job(1), seen.append))
        await asyncio.sleep(0.3)
        assert isinstance(seen[0], Progress)
        (tmp_path / "models" / "go").touch()
        assert (await asyncio.wait_for(fetching, 30)).data == PHOTO
        # And once more: it is kept.
        assert (await again.fetch(job(1))).data == PHOTO


async def test_a_finished_job_is_kept_for_its_time_only(start_server: StartServer) -> None:
    server = await start_server(odd_workers.echo, queue=QueueSettings(keep=1.0))
    async with await local_client(server) as client:
        await client.protect(PHOTO, POLICY, job=job(1))
        assert (await client.fetch(job(1))).data == PHOTO
        await asyncio.sleep(1.1)
        assert await code_of(asyncio.create_task(client.fetch(job(1)))) == "unknown-job"
    assert QueueSettings().keep == 120


async def test_results_are_kept_within_their_memory(start_server: StartServer) -> None:
    server = await start_server(odd_workers.echo, queue=QueueSettings(kept_bytes=2500))
    async with await local_client(server) as client:
        for number in (1, 2, 3):
            await client.protect(bytes(1000), POLICY, job=job(number))
        assert await code_of(asyncio.create_task(client.fetch(job(1)))) == "unknown-job"
        assert (await client.fetch(job(3))).data == bytes(1000)


async def test_a_failure_is_kept_too(start_server: StartServer) -> None:
    server = await start_server(odd_workers.dies)
    async with await local_client(server) as client:
        assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))) == "worker-died"
        assert await code_of(asyncio.create_task(client.fetch(job(1)))) == "worker-died"


async def test_one_client_cannot_touch_the_job_of_another(start_server: StartServer) -> None:
    server = await start_server(odd_workers.echo)
    code = server.pairing.open_pairing()
    async with (
        await local_client(server) as owner,
        await DaemonClient.open(server.port, None, origin=CHROMIUM_ORIGIN, code=code) as other,
    ):
        await owner.protect(PHOTO, POLICY, job=job(1))
        assert await code_of(asyncio.create_task(other.fetch(job(1)))) == "unknown-job"
        # The id is free for the other one's own photo.
        assert (await other.protect(b"mine", POLICY, job=job(1))).data == b"mine"
        assert (await owner.fetch(job(1))).data == PHOTO


async def test_one_client_with_an_album_does_not_keep_another_waiting(start_server: StartServer, tmp_path: Path) -> None:
    server = await start_server(odd_workers.slow)
    code = server.pairing.open_pairing()
    done: list[str] = []

    async def one(client: DaemonClient, name: str, number: int) -> None:
        await client.protect(PHOTO, POLICY, job=job(number))
        done.append(name)

    async with (
        await local_client(server) as album,
        await DaemonClient.open(server.port, None, origin=CHROMIUM_ORIGIN, code=code) as other,
    ):
        tasks = []
        for number in range(1, 5):
            tasks.append(asyncio.create_task(one(album, "album", number)))
            await until(lambda: server.queue.queued + server.queue.running == len(tasks))
        tasks.append(asyncio.create_task(one(other, "other", 5)))
        await until(lambda: server.queue.queued == 4)
        (tmp_path / "models" / "go").touch()
        await asyncio.wait_for(asyncio.gather(*tasks), 30)
    assert done == ["album", "other", "album", "album", "album"]


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


async def test_what_runs_too_long_is_not_waited_for(start_server: StartServer) -> None:
    server = await start_server(odd_workers.slow)
    async with await local_client(server) as client:
        running = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))
        await until_running(server)
        await asyncio.wait_for(server.drain(0.2), 30)
        await server.stop()
        with pytest.raises(NoDaemonError):
            await asyncio.wait_for(running, 10)


# Requests that are wrong.


@pytest.mark.parametrize("change", [{"protectors": ()}, {"protectors": ("Objects",)}, {"sensitive": ("x" * 65,)}], ids=str)
async def test_what_the_daemon_cannot_read_ends_the_call(start_server: StartServer, change: dict[str, Any]) -> None:
    """Nothing looks at a message before the daemon does, and its answer names no job."""
    server = await start_server(odd_workers.echo)
    async with await local_client(server) as client:
        protecting = client.protect(PHOTO, msgspec.structs.replace(POLICY, **change))
        assert await code_of(asyncio.create_task(protecting)) == "bad-request"
        assert (await client.status()).queued == 0


async def test_an_id_cannot_be_used_twice(start_server: StartServer) -> None:
    server = await start_server(odd_workers.echo)
    async with await local_client(server) as client:
        await client.protect(PHOTO, POLICY, job=job(1))
        assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))) == "bad-request"


@pytest.mark.parametrize(("size", "code"), [(0, "empty"), (LIMITS.bytes + 1, "too-large")])
async def test_sizes_are_refused_before_a_byte_is_sent(start_server: StartServer, size: int, code: Code) -> None:
    server = await start_server(odd_workers.echo)
    async with await local_client(server) as client:
        transfer = client._expect(job(1), None)
        await client._send(Protect(job=job(1), name="", mime="", size=size, channel=None, policy=POLICY))
        assert await code_of(transfer.ended) == code


async def test_more_bytes_than_promised_end_the_upload(start_server: StartServer) -> None:
    server = await start_server(odd_workers.echo)
    async with await local_client(server) as client:
        transfer = client._expect(job(1), None)
        await client._send(Protect(job=job(1), name="", mime="", size=3, channel=None, policy=POLICY))
        await client._connection.send(bytes.fromhex(job(1)) + b"four")
        assert await code_of(transfer.ended) == "bad-request"


async def test_the_daemon_leaves_no_process_behind(start_server: StartServer) -> None:
    server = await start_server(odd_workers.slow)
    await until_ready(server)
    pid = server.supervisor.pid
    assert pid is not None
    await server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
