"""Tests of the queue that hold for every backend: over real sockets, with stand-ins for the worker.

A subclass has its module's `start_server`.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.client import DaemonClient, NoDaemonError, Protected
from daemon.front.jobs import QueueSettings
from daemon.front.pairing import CHROMIUM_ORIGIN
from daemon.front.server import Server
from daemon.front.watch import Watch
from daemon.front.worker_process import EntryPoint
from daemon.wire.errors import CloakroomError, Code
from daemon.wire.frames import MAX_CHUNK
from daemon.wire.protocol import LIMITS, Progress, Protect, Queued, encode
from tests.daemon import odd_workers
from tests.daemon.conftest import POLICY, StartServer, local_client

PHOTO = b"not looked at by these workers"


async def code_of(waiting: asyncio.Future[Protected]) -> Code:
    with pytest.raises(CloakroomError) as caught:
        await asyncio.wait_for(waiting, 30)
    return caught.value.code


async def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Poll until it holds: queue and process have no event for it, and are looked at as `cloakroom status` would."""
    end = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.02)


async def until_running(server: Server) -> None:
    await until(lambda: bool(server.queue.running) and server.backend.state == "ready")


async def until_ready(server: Server) -> None:
    async with asyncio.timeout(30):
        await server.backend.started()


def job(number: int) -> str:
    return f"{number:032x}"


class EveryBackend:
    """The protocol's own tests."""

    async def test_a_photo_of_many_chunks_comes_back_whole(self, start_server: StartServer) -> None:
        server = await start_server(odd_workers.echo)
        photo = os.urandom(2 * MAX_CHUNK + 4321)
        seen: list[Queued | Progress] = []
        async with await local_client(server) as client:
            protected = await client.protect(photo, POLICY, on_progress=seen.append)
        assert protected.data == photo
        assert isinstance(seen[0], Queued)
        assert [event.stage for event in seen if isinstance(event, Progress)][-1] == "objects"

    async def test_jobs_run_in_order_and_hear_their_position(self, start_server: StartServer, tmp_path: Path) -> None:
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

    async def test_busy_when_the_queue_is_full(self, start_server: StartServer) -> None:
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

    async def test_an_upload_under_way_holds_its_place(self, start_server: StartServer) -> None:
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

    async def test_cancelling_what_is_not_there(self, start_server: StartServer) -> None:
        server = await start_server(odd_workers.echo)
        async with await local_client(server) as client:
            transfer = client._expect(job(1), None)
            await client.cancel(job(1))
            assert await code_of(transfer.ended) == "unknown-job"

    async def test_the_deadline(self, start_server: StartServer) -> None:
        server = await start_server(odd_workers.slow, queue=QueueSettings(deadline=1.0))
        async with await local_client(server) as client:
            await until_ready(server)
            begun = asyncio.get_running_loop().time()
            assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY))) == "deadline"
            assert 0.9 < asyncio.get_running_loop().time() - begun < 4

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
    async def test_a_worker_lost_twice_is_named(self, start_server: StartServer, entry: EntryPoint, watch: Watch) -> None:
        server = await start_server(entry, watch=watch)
        async with await local_client(server) as client:
            assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY))) == "worker-died"
            # The daemon itself is well.
            assert (await client.status()).running == 0

    async def test_a_sign_of_life_comes_though_the_worker_has_none(self, start_server: StartServer) -> None:
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

    async def test_a_job_goes_on_without_its_socket_and_is_fetched(self, start_server: StartServer, tmp_path: Path) -> None:
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

    async def test_a_finished_job_is_kept_for_its_time_only(self, start_server: StartServer) -> None:
        server = await start_server(odd_workers.echo, queue=QueueSettings(keep=1.0))
        async with await local_client(server) as client:
            await client.protect(PHOTO, POLICY, job=job(1))
            assert (await client.fetch(job(1))).data == PHOTO
            await asyncio.sleep(1.1)
            assert await code_of(asyncio.create_task(client.fetch(job(1)))) == "unknown-job"
        assert QueueSettings().keep == 120

    async def test_a_failure_is_kept_too(self, start_server: StartServer) -> None:
        server = await start_server(odd_workers.dies)
        async with await local_client(server) as client:
            assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))) == "worker-died"
            assert await code_of(asyncio.create_task(client.fetch(job(1)))) == "worker-died"

    async def test_one_client_cannot_touch_the_job_of_another(self, start_server: StartServer) -> None:
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

    async def test_one_client_with_an_album_does_not_keep_another_waiting(
        self, start_server: StartServer, tmp_path: Path
    ) -> None:
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

    async def test_what_runs_too_long_is_not_waited_for(self, start_server: StartServer) -> None:
        server = await start_server(odd_workers.slow)
        async with await local_client(server) as client:
            running = asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))
            await until_running(server)
            await asyncio.wait_for(server.drain(0.2), 30)
            await server.stop()
            with pytest.raises(NoDaemonError):
                await asyncio.wait_for(running, 10)

    @pytest.mark.parametrize("change", [{"protectors": ()}, {"protectors": ("Objects",)}, {"sensitive": ("x" * 65,)}], ids=str)
    async def test_what_the_daemon_cannot_read_ends_the_call(self, start_server: StartServer, change: dict[str, Any]) -> None:
        """Nothing looks at a message before the daemon does, and its answer names no job."""
        server = await start_server(odd_workers.echo)
        async with await local_client(server) as client:
            protecting = client.protect(PHOTO, msgspec.structs.replace(POLICY, **change))
            assert await code_of(asyncio.create_task(protecting)) == "bad-request"
            assert (await client.status()).queued == 0

    async def test_an_id_cannot_be_used_twice(self, start_server: StartServer) -> None:
        server = await start_server(odd_workers.echo)
        async with await local_client(server) as client:
            await client.protect(PHOTO, POLICY, job=job(1))
            assert await code_of(asyncio.create_task(client.protect(PHOTO, POLICY, job=job(1)))) == "bad-request"

    @pytest.mark.parametrize(("size", "code"), [(0, "empty"), (LIMITS.bytes + 1, "too-large")])
    async def test_sizes_are_refused_before_a_byte_is_sent(self, start_server: StartServer, size: int, code: Code) -> None:
        server = await start_server(odd_workers.echo)
        async with await local_client(server) as client:
            transfer = client._expect(job(1), None)
            await client._send(Protect(job=job(1), name="", mime="", size=size, channel=None, policy=POLICY))
            assert await code_of(transfer.ended) == code

    async def test_more_bytes_than_promised_end_the_upload(self, start_server: StartServer) -> None:
        server = await start_server(odd_workers.echo)
        async with await local_client(server) as client:
            transfer = client._expect(job(1), None)
            await client._send(Protect(job=job(1), name="", mime="", size=3, channel=None, policy=POLICY))
            await client._connection.send(bytes.fromhex(job(1)) + b"four")
            assert await code_of(transfer.ended) == "bad-request"
