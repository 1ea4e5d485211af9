"""Paired browsers that misbehave, against a real daemon. Each says whether it got what it wanted."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from websockets.exceptions import ConnectionClosed

from daemon.client import DaemonClient
from daemon.wire.frames import encode_frame
from daemon.wire.protocol import LIMITS
from tests.benchmarks.daemon.process import Place
from tests.daemon.samples import astronaut, png_header_only, saved

ANSWER_SECONDS = 120.0
POLICY = {"protectors": ["scene"], "strength": "balanced", "sensitive": []}

Case = Callable[["Rogue", "Rogue"], Awaitable[bool]]
"""A session that misbehaves, and another browser that does not."""


class Rogue:
    """A paired browser that may say anything."""

    def __init__(self, client: DaemonClient) -> None:
        self._client = client

    async def say(self, **message: Any) -> None:
        await self._client._connection.send(json.dumps(message))

    async def send(self, data: bytes) -> None:
        await self._client._connection.send(data)

    async def protect(self, job: str, size: int, **changed: Any) -> None:
        message = {"name": "a.jpg", "mime": "image/jpeg", "size": size, "channel": None, "policy": POLICY, **changed}
        await self.say(type="protect", job=job, **message)

    async def hear(self, *kinds: str, seconds: float = ANSWER_SECONDS) -> dict[str, Any] | None:
        """The next message of one of these kinds; None where the daemon closes, or says nothing of the kind."""
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    received = await self._client._connection.recv()
                    if isinstance(received, str):
                        told: dict[str, Any] = json.loads(received)
                        if told["type"] in kinds:
                            return told
        return None

    async def is_refused(self, seconds: float = ANSWER_SECONDS) -> bool:
        """Whether an error, or the end, is all that follows."""
        told = await self.hear("error", "result", "pairing-code", "clients", "revoked", seconds=seconds)
        return told is None or told["type"] == "error"


@contextlib.asynccontextmanager
async def rogue(daemon: Place) -> AsyncIterator[Rogue]:
    """Pairs as a browser, and is forgotten afterwards."""
    client = await daemon.browser()
    # Whoever reads for the client would take away what is looked at here; and two cannot read at once.
    client._reader.cancel()
    await asyncio.gather(client._reader, return_exceptions=True)
    try:
        yield Rogue(client)
    finally:
        assert client.credential is not None
        async with await daemon.client() as person:
            await person.revoke(client.credential.client)
            await client.close()


def job() -> str:
    return secrets.token_hex(16)


PHOTO = saved(astronaut(), "JPEG", quality=90)


async def _says(session: Rogue, **message: Any) -> bool:
    await session.say(**message)
    return not await session.is_refused()


async def pairs_others(session: Rogue, _: Rogue) -> bool:
    return await _says(session, type="open-pairing")


async def lists_others(session: Rogue, _: Rogue) -> bool:
    return await _says(session, type="clients")


async def revokes_others(session: Rogue, _: Rogue) -> bool:
    return await _says(session, type="revoke", client="local")


async def fetches_anothers(session: Rogue, other: Rogue) -> bool:
    photo_job = job()
    await other.protect(photo_job, len(PHOTO))
    await other.send(encode_frame(photo_job, PHOTO))
    if await other.hear("result") is None:
        raise RuntimeError("the other's photo was not protected: there was nothing to fetch")
    await session.say(type="fetch", job=photo_job)
    return not await session.is_refused()


async def cancels_anothers(session: Rogue, other: Rogue) -> bool:
    photo_job = job()
    await other.protect(photo_job, len(PHOTO))
    await session.say(type="cancel", job=photo_job)
    refused = await session.is_refused()
    await other.send(encode_frame(photo_job, PHOTO))
    told = await other.hear("result", "error")
    return not (refused and told is not None and told["type"] == "result")


async def fills_anothers_upload(session: Rogue, other: Rogue) -> bool:
    """Chunks for a job that another client began: it must arrive as it was sent."""
    photo_job = job()
    await other.protect(photo_job, len(PHOTO))
    await session.send(encode_frame(photo_job, b"\xff" * 100))
    await asyncio.sleep(0.1)
    await other.send(encode_frame(photo_job, PHOTO))
    told = await other.hear("result", "error")
    return told is None or told["type"] != "result"


async def more_than_promised(session: Rogue, _: Rogue) -> bool:
    photo_job = job()
    await session.protect(photo_job, 10)
    await session.send(encode_frame(photo_job, bytes(1000)))
    return not await session.is_refused()


async def chunks_first(session: Rogue, _: Rogue) -> bool:
    """Bytes before anything was announced are nobody's."""
    photo_job = job()
    await session.send(encode_frame(photo_job, PHOTO))
    told = await session.hear("result", "queued", "progress", seconds=1.0)
    return told is not None


async def the_same_job_twice(session: Rogue, _: Rogue) -> bool:
    photo_job = job()
    await session.protect(photo_job, len(PHOTO))
    await session.protect(photo_job, len(PHOTO))
    return not await session.is_refused()


async def interleaved(session: Rogue, _: Rogue) -> bool:
    """Two photos a byte or so at a time: each comes out whole, or not at all."""
    names = (job(), job())
    for photo_job in names:
        await session.protect(photo_job, len(PHOTO))
    half = len(PHOTO) // 2
    for part in (PHOTO[:half], PHOTO[half:]):
        for photo_job in names:
            await session.send(encode_frame(photo_job, part))
    ended = [await session.hear("result", "error") for _ in names]
    return any(told is None or told["type"] != "result" for told in ended)


async def a_huge_promise(session: Rogue, _: Rogue) -> bool:
    await session.protect(job(), 2**53)
    return not await session.is_refused()


async def a_negative_promise(session: Rogue, _: Rogue) -> bool:
    await session.protect(job(), -1)
    return not await session.is_refused()


async def a_pixel_bomb(session: Rogue, _: Rogue) -> bool:
    """A header of three and a half gigapixels: refused before anything is decoded."""
    bomb = png_header_only(60_000, 60_000)
    photo_job = job()
    await session.protect(photo_job, len(bomb), mime="image/png")
    await session.send(encode_frame(photo_job, bomb))
    told = await session.hear("result", "error")
    return told is None or told.get("code") != "too-many-pixels"


async def a_path_for_a_name(session: Rogue, _: Rogue) -> bool:
    """A name is never used, so the photo is protected like any other; what counts is that nothing is written."""
    photo_job = job()
    await session.protect(photo_job, len(PHOTO), name="../../../../tmp/cloakroom-owned")
    await session.send(encode_frame(photo_job, PHOTO))
    told = await session.hear("result", "error")
    return told is None or "owned" in json.dumps(told)


async def unknown_fields(session: Rogue, _: Rogue) -> bool:
    await session.protect(job(), 10, model="/etc/passwd")
    return not await session.is_refused()


async def a_job_that_is_no_name(session: Rogue, _: Rogue) -> bool:
    await session.protect("../" * 10, 10)
    return not await session.is_refused()


async def everything_at_once(session: Rogue, _: Rogue) -> bool:
    """A thousand announced photos: beyond the bound they are told that the daemon is busy."""
    for _number in range(1000):
        await session.protect(job(), 1000)
    busy = 0
    while (told := await session.hear("error", seconds=5.0)) is not None:
        busy += told["code"] == "busy"
    return busy < 1000 - LIMITS.queue


async def nonsense_for_long(session: Rogue, _: Rogue) -> bool:
    """Whoever goes on talking nonsense is closed."""
    with contextlib.suppress(ConnectionClosed):
        for _number in range(200):
            await session.say(type="shutdown")
            await session.hear("error", seconds=1.0)
        return True
    return False


CASES: dict[str, Case] = {
    "a browser that pairs others": pairs_others,
    "a browser that lists others": lists_others,
    "a browser that revokes others": revokes_others,
    "a browser that fetches another's photo": fetches_anothers,
    "a browser that cancels another's photo": cancels_anothers,
    "a browser that fills another's upload": fills_anothers_upload,
    "more bytes than promised": more_than_promised,
    "chunks before the photo": chunks_first,
    "the same job twice": the_same_job_twice,
    "two photos interleaved": interleaved,
    "a promise of eight petabytes": a_huge_promise,
    "a negative promise": a_negative_promise,
    "a pixel bomb": a_pixel_bomb,
    "a path for a name": a_path_for_a_name,
    "unknown fields": unknown_fields,
    "a job that is no name": a_job_that_is_no_name,
    "a thousand photos at once": everything_at_once,
    "nonsense for long": nonsense_for_long,
}
