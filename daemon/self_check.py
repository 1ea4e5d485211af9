"""What a worker does before it says that it is ready: it cloaks a small photo for a site's channel, as it would a person's.

Models that load are not enough. A file that the jail does not let the worker read, or that a package lacks, shows only when a
photo goes all the way: decoded, cloaked, encoded, judged as delivered and as a site keeps it.
"""

import io
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from PIL import Image

from daemon import photo
from daemon.pipe import Line, Work
from daemon.protocol import Policy

if TYPE_CHECKING:
    from daemon.worker import Inbox
    from protectors.cloak import Cloakroom

SIDE: Final = 64
"""Pixels: the optimisation takes a second."""

SEED: Final = 1
CHANNEL: Final = "instagram"
JOB: Final = "0" * 32


class _NobodyListens:
    """In place of the pipe and of what comes through it: progress is told to nobody, and nobody cancels."""

    def send(self, *_: object) -> None:
        pass

    def check(self, _: str) -> None:
        pass


def small_photo() -> bytes:
    """A JPEG of soft colours, the same each time."""
    colours = np.random.default_rng(SEED).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(colours).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def check(room: "Cloakroom") -> None:
    """Cloak a small photo against the quickest adversary, and have all default adversaries read the result.

    Raises:
        Exception: whatever a person's photo would have failed with.
    """
    from daemon.worker import cloak_file
    from protectors import policy as policies
    from protectors.channel.sites import known

    data = small_photo()
    policy = Policy(protectors=("scene",), strength="balanced", sensitive=())
    work = Work(job=JOB, policy=policy, size=len(data), channel=CHANNEL)
    nobody = _NobodyListens()
    _, delivered = cloak_file(cast(Line, nobody), cast("Inbox", nobody), room, work, data, SEED)
    judge = room.judge(policies.Policy(), photo.decode(data).pixels)
    judge.judgement(photo.decode(delivered).pixels, known(CHANNEL))
