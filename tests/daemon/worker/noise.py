"""A stand-in for the adversaries: it cloaks with noise, and calls everything protected."""

from collections.abc import Generator, Sequence

import numpy as np

from protectors.channel.pipeline import Pipeline
from protectors.cloak import Cloaked
from protectors.judging.judgement import Judgement
from protectors.progress import Progress
from protectors.saving import Save
from tests.daemon.judgements import judgement
from tests.daemon.samples import Pixels


class Noise:
    """Turns every photo into the one thing that no PNG can make smaller, and judges it. Only what it computes is not real."""

    device, model_set = "cpu", "embedded"
    original: Pixels
    judged_for: Pipeline | None = None
    saves: Sequence[Save]

    def judge(self, _: object, original: Pixels) -> "Noise":
        self.original = original
        return self

    def cloak(self, judge: "Noise", _: int | None, saves: Sequence[Save]) -> Generator[Progress, None, Cloaked]:
        yield from ()
        self.saves = saves
        return Cloaked(np.random.default_rng(0).integers(0, 256, judge.original.shape, dtype=np.uint8), None)

    def judgement(self, delivered: Pixels, channel: Pipeline | None) -> Judgement:
        self.judged_for = channel
        return judgement()
