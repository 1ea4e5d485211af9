"""A Cloakroom that loads no networks, takes as long as it is told and delivers every photo as it was.

It is a subclass, so that mypy says where it no longer fits what it stands in for. The class is created in a function: this
module is read before the worker's jail is entered, from a folder that the jail does not show, and torch is imported inside.
"""

import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from protectors.judging.judgement import Judgement
from protectors.judging.quality import Quality

if TYPE_CHECKING:
    from protectors.channel.pipeline import Pipeline
    from protectors.cloak import Cloaked, Cloakroom
    from protectors.manifest import ModelSet
    from protectors.policy import Policy
    from protectors.progress import Progress
    from protectors.saving import Pixels, Save

JUDGEMENT = Judgement(True, Quality(99.0, 1.0, 1.0, 0.0), True, 0, ())
STEPS = 4


def untouched_room(photo_seconds: float) -> "type[Cloakroom]":
    """Return the class; a photo takes so many seconds."""
    from protectors.cloak import Cloaked, Cloakroom
    from protectors.judging.judge import Judge
    from protectors.progress import Progress

    class Agreeable(Judge):
        """The judge to whom every photo is protected."""

        def judgement(self, delivered: "Pixels", channel: "Pipeline | None" = None) -> Judgement:
            return JUDGEMENT

    class Untouched(Cloakroom):
        """Stands where Cloakroom does."""

        def __init__(self, device: str = "cpu", model_folder: Path | None = None) -> None:
            # The superclass would load the networks.
            self.device = "cpu"

        @property
        def model_set(self) -> "ModelSet":
            return "embedded"

        @property
        def protectors(self) -> tuple[str, ...]:
            return ("visual",)

        @property
        def classes(self) -> tuple[str, ...]:
            return ()

        def cloak(
            self, judge: Judge, seed: int | None = None, saves: "Sequence[Save]" = ()
        ) -> "Generator[Progress, None, Cloaked]":
            for step in range(STEPS if photo_seconds else 0):
                time.sleep(photo_seconds / STEPS)
                yield Progress("visual", step + 1, STEPS)
            for save in saves:
                save(judge.original)
            return Cloaked(judge.original, None)

        def judge(self, policy: "Policy", original: "Pixels") -> Judge:
            return Agreeable(policy, original, ())

    return Untouched
