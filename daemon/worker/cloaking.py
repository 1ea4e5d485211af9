"""One photo, one walk: decode, cloak, encode, judge. The bytes that were judged are the bytes that are delivered.

The walk is a generator: it yields its progress, and closing it cancels. Who walks decides who hears of that: the worker tells
the front process, an actor of a cluster and the self-check tell nobody.
"""

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.formats.containers import MIME
from daemon.wire.errors import CloakroomError
from daemon.wire.protocol import LIMITS, Mime, PolicyRequest
from daemon.worker import photo
from daemon.worker.delivery import deliverable, saves_within, size_limit, size_notes
from daemon.worker.pace import WHOLE, Pace
from daemon.worker.photo import Photo
from daemon.worker.stopwatch import Stopwatch
from protectors import policy as policies
from protectors.channel.sites import known, largest_upload
from protectors.cloak import Cloaked, Cloakroom
from protectors.judging.judge import Judge
from protectors.manifest import ModelSet
from protectors.progress import Progress
from protectors.saving import Save

BASE_MEMORY: dict[ModelSet, int] = {"embedded": 750_000_000, "pretrained": 1_750_000_000, "full": 1_600_000_000}
PIXEL_MEMORY = 65
"""Bytes that the worker holds with a small photo, by its models, and for each pixel of a large one. Measured: 8.53 GB at 120
megapixels with the embedded models; with the pretrained ones 1.66 GB at 0.3 and 1.86 GB at 12 megapixels."""

NO_ROOM = "The image is too large for the memory that Cloakroom may use on this machine. Save a smaller copy and pick that."


@dataclass(frozen=True)
class Errand:
    """One photo's file, and what a person wants for it; ``channel`` names the site that it goes to, where that is known."""

    data: bytes
    policy: PolicyRequest
    channel: str | None = None


@dataclass(frozen=True)
class CloakedFile:
    """The file that is delivered, and its report: the judgement on it and the facts of the job."""

    mime: Mime
    data: bytes
    report: dict[str, Any]


def cloak_file(
    room: Cloakroom, errand: Errand, seed: int | None = None, memory: int | None = None
) -> Generator[Progress, None, CloakedFile]:
    """Walk one photo from its file to the file that is delivered; yields how far it is, of ``WHOLE``.

    Args:
        room: the adversaries.
        errand: the photo, and what is wanted.
        seed: makes what is drawn at random the same for the same photo.
        memory: bytes that this process may hold; what needs more is refused rather than tried.

    Raises:
        CloakroomError: by name, whatever a file or a person can cause.
    """
    watch, data = Stopwatch(), errand.data
    policy = _checked(errand.policy)
    watch.start("decode")
    yield Progress("decode", 0, WHOLE)
    original = _decoded(data, memory if room.device == "cpu" else None, room.model_set)
    pace = Pace(room.model_set, policy, original.width * original.height)
    watch.start("protect")
    most = largest_upload(errand.channel)
    limit = size_limit(len(data), most)
    saves = saves_within(limit, photo.encodings(original, limit))
    cloaking = _cloaked(room, policy, original, None if seed is None else seed_of(seed, data), saves)
    judge, cloaked = yield from pace.whole(cloaking)
    channel = known(errand.channel)
    delivery = deliverable(saves, cloaked, lambda delivered: judge.judgement(delivered, channel))
    file, judgement = yield from pace.whole(watch.timed(delivery))
    report = judgement.as_json() | {
        "width": original.width,
        "height": original.height,
        "mime": original.mime,
        "bytes_in": len(data),
        "bytes_out": len(file),
        "seconds": watch.stop(),
        "device": room.device,
        "models": room.model_set,
        "notes": [*original.notes, *size_notes(len(data), len(file), most)],
    }
    return CloakedFile(MIME[original.kind], file, report)


def _checked(policy: PolicyRequest) -> policies.Policy:
    """Return the protectors' policy; CloakroomError bad-request where they know none like it."""
    try:
        return policies.Policy(policy.protectors, policy.strength, policy.sensitive)
    except ValueError:
        raise CloakroomError("bad-request") from None


def _decoded(data: bytes, memory: int | None, models: ModelSet) -> Photo:
    """Read a file that is no larger than it may be, into a photo that there is memory for."""
    if len(data) > LIMITS.bytes:
        raise CloakroomError("too-large")
    original = photo.decode(data)
    if memory is not None and memory_for(original.width * original.height, models) > memory:
        raise CloakroomError("too-many-pixels", NO_ROOM)
    return original


def _cloaked(
    room: Cloakroom, policy: policies.Policy, original: Photo, seed: int | None, saves: Sequence[Save]
) -> Generator[Progress, None, tuple[Judge, Cloaked]]:
    """Cloak a photo, and return its judge too."""
    try:
        judge = room.judge(policy, original.pixels)
        return judge, (yield from room.cloak(judge, seed, saves))
    except ValueError:
        # A class or protector that these models do not know, or classes that cannot be hidden together.
        raise CloakroomError("bad-request") from None


def memory_for(pixels: int, models: ModelSet = "embedded") -> int:
    """Return the bytes that the worker holds at most for a photo of so many pixels, on the CPU."""
    return BASE_MEMORY[models] + PIXEL_MEMORY * pixels


def seed_of(seed: int, data: bytes) -> int:
    """Return a photo's own seed, whichever worker has it and whatever came before: 63 bits, as torch takes them."""
    return int.from_bytes(hashlib.sha256(f"{seed}\n".encode() + data).digest()[:8]) >> 1
