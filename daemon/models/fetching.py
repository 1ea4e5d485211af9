"""Fetches one file whose size and SHA-256 are known before, from the first of several sources that has it.

A fetch that was killed or cut off goes on where it stopped (HTTP range requests, RFC 9110 section 14). Never more than the
promised bytes are kept, and nothing is handed on whose SHA-256 is not the promised one.
"""

import asyncio
import errno
import re
import shutil
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from daemon.models.partial import Part
from protectors.manifest import sha256_of

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

CONNECT_SECONDS: Final = 30.0
SILENCE_SECONDS: Final = 60.0
TRIES: Final = 5
"""Most tries of a source that breaks off, as long as each try brings something."""

BLOCK: Final = 1024 * 1024
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Report = Callable[[str, int, int], None]
"""Called with the name of what is fetched, bytes so far and bytes in all."""


class FetchError(Exception):
    """Nothing could be fetched; the text says why and what to do."""


class _SourceError(Exception):
    """This source does not have it, or does not give it; another may. Ends without a full stop."""


class _BrokeOffError(_SourceError):
    """There is more to be had here."""


class _StaleError(_SourceError):
    """The bytes that are here are no beginning of this source's file."""


def fetch(part: Part, sources: Sequence[str], report: Report, *, room: int = 0, is_offline: bool = False) -> Path:
    """Complete the part, check it, and return where it lies; whoever has used it removes it.

    Args:
        part: what is there already.
        sources: addresses (http, https, file) in the order in which they are tried.
        report: hears of progress.
        room: bytes of disk that are needed beside the file itself.
        is_offline: only sources that need no network are asked.

    Raises:
        FetchError: no source gave it, or there is no room for it.
    """
    asked = [source for source in sources if not is_offline or _is_local(source)]
    if not asked:
        raise FetchError(
            f"{part.name} was not fetched, because Cloakroom is set to be offline. Set CLOAKROOM_OFFLINE=0 "
            "(`cloakroom settings` says where it is set), or give a mirror that begins with file://."
        )
    _check_room(part, room)
    problems: dict[str, None] = {}
    for source in asked:
        try:
            _take_checked(part, source, report)
            return part.path
        except _SourceError as problem:
            problems[f"{urlsplit(source).netloc or 'the local mirror'} {problem}"] = None
        except OSError as problem:
            raise FetchError(_no_disk(part, problem)) from None
    raise FetchError(
        f"{part.name} could not be fetched: {'; '.join(problems)}. Check the connection and the mirrors, then try again"
        f"{': it goes on where it stopped' if part.size else ''}."
    )


def _is_local(source: str) -> bool:
    return urlsplit(source).scheme == "file"


def _check_room(part: Part, room: int) -> None:
    needed = part.whole - part.size + room
    free = shutil.disk_usage(part.path.parent).free
    if needed > free:
        raise FetchError(
            f"{part.name} needs {_megabytes(needed)} of disk and {_megabytes(free)} are free in {part.path.parent}. "
            "Make room, or choose another folder with --state."
        )


def _no_disk(part: Part, problem: OSError) -> str:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {part.name} is here in part. Make room in {part.path.parent}, then try again: it goes on."
    return f"{part.name} cannot be kept in {part.path.parent} ({problem.strerror}). Choose another folder with --state."


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


def _take_checked(part: Part, source: str, report: Report) -> None:
    """Raises: _SourceError; then nothing wrong is left."""
    was_begun = part.size > 0
    _take(part, source, report)
    if sha256_of(part.path) == part.sha256:
        return
    part.remove()
    if was_begun:
        # The beginning may have been of another file, or damaged since: only a whole file says what the source is worth.
        _take(part, source, report)
        if sha256_of(part.path) == part.sha256:
            return
        part.remove()
    raise _SourceError("has another file (SHA-256 differs), which was deleted: if that stays so, do not use it")


def _take(part: Part, source: str, report: Report) -> None:
    if part.is_whole:
        return
    if _is_local(source):
        _copy(part, source, report)
    else:
        asyncio.run(_download(part, source, report))


def _copy(part: Part, source: str, report: Report) -> None:
    path = Path(urllib.request.url2pathname(urlsplit(source).path))
    try:
        original = path.open("rb")
    except OSError as problem:
        raise _SourceError(f"does not have it ({problem.strerror}: {path})") from None
    with original:
        _check_size(part, path.stat().st_size)
        part.coming_from(source, "")
        original.seek(part.size)
        with part.appending() as file:
            while not part.is_whole and (block := original.read(BLOCK)):
                file.write(block)
                report(part.name, part.size, part.whole)
    if not part.is_whole:
        raise _SourceError("has a file that became shorter while it was read")


async def _download(part: Part, source: str, report: Report) -> None:
    # Imported here: whoever only asks what is here already does without it.
    from aiohttp import ClientError, ClientPayloadError, ClientSession, ClientTimeout

    timeout = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
    # trust_env: proxies of the environment, and a mirror's password from ~/.netrc.
    async with ClientSession(timeout=timeout, auto_decompress=False, trust_env=True) as session:
        for _ in range(TRIES):
            before = part.size
            try:
                await _ask(session, part, source, report)
                return
            except _StaleError:
                if before == 0:
                    raise
                part.remove()
            except (_BrokeOffError, ClientError, TimeoutError) as problem:
                if part.size <= before:
                    is_there = isinstance(problem, _BrokeOffError | ClientPayloadError)
                    reason = "broke off" if is_there else f"did not answer ({type(problem).__name__})"
                    raise _SourceError(reason) from None
    raise _BrokeOffError(f"broke off {TRIES} times")


async def _ask(session: "ClientSession", part: Part, source: str, report: Report) -> None:
    """One request, for what is missing."""
    headers = {"Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if validator := part.validator(source):
            headers["If-Range"] = validator
    async with session.get(source, headers=headers) as answer:
        _check_answer(part, answer)
        if answer.status == 200:
            part.empty()
        part.coming_from(source, _validator(answer))
        size = part.size
        with part.appending() as file:
            async for block in answer.content.iter_any():
                size += len(block)
                if size > part.whole:
                    part.empty()
                    raise _SourceError(_other_size(part))
                file.write(block)
                report(part.name, size, part.whole)
    if not part.is_whole:
        raise _BrokeOffError("broke off")


def _check_answer(part: Part, answer: "ClientResponse") -> None:
    """Whether what follows is what was asked for. Raises: _SourceError."""
    if answer.status == 416:
        raise _StaleError("does not have as much of it")
    if answer.status == 206:
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != part.size:
            raise _StaleError("sends another part than was asked for")
        if found[2] != "*":
            _check_size(part, int(found[2]))
    elif answer.status == 200:
        if answer.content_length is not None:
            _check_size(part, answer.content_length)
    else:
        raise _SourceError(f"answers with status {answer.status}")


def _check_size(part: Part, size: int) -> None:
    if size != part.whole:
        raise _SourceError(_other_size(part))


def _other_size(part: Part) -> str:
    return f"has another file (not of {part.whole} bytes)"


def _validator(answer: "ClientResponse") -> str:
    """Return the validator for If-Range: a strong ETag, else the date of the last change (RFC 9110, section 13.1.5)."""
    etag: str = answer.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
