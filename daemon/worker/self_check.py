"""The self-check of a worker before it says that it is ready: it cloaks a small photo as it would a
person's, for a site's channel.

Models that load are not enough. A file that the jail does not let the worker read, or that a package lacks, shows only when a
photo goes all the way: decoded, cloaked, encoded, judged as delivered and as a site keeps it.
"""

import io
from typing import Final

import numpy as np
from PIL import Image

from daemon.wire.protocol import PolicyRequest
from daemon.worker import photo
from daemon.worker.cloaking import Errand, cloak_file
from protectors import policy as policies
from protectors.channel.sites import known
from protectors.cloak import Cloakroom
from protectors.progress import end_of

SIDE: Final = 64
"""Pixels: the optimisation takes a second."""

SEED: Final = 1
CHANNEL: Final = "instagram"


def small_photo() -> bytes:
    """Return a JPEG of soft colours, the same each time."""
    colours = np.random.default_rng(SEED).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(colours).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def check(room: Cloakroom) -> None:
    """Cloak a small photo against the quickest adversary, and have all default adversaries read the result.

    Raises:
        Exception: whatever a person's photo would have failed with.
    """
    errand = Errand(small_photo(), PolicyRequest(protectors=("scene",), strength="balanced", sensitive=()), CHANNEL)
    delivered = end_of(cloak_file(room.limited_to(None).within(policies.ONE_EACH), errand, SEED)).data
    judge = room.judge(policies.Policy(), photo.decode(errand.data).pixels)
    judge.judgement(photo.decode(delivered).pixels, known(CHANNEL))
