"""The judge of one photo, which reads the original once and judges any number of delivered forms of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from protectors.adversaries.reading import Reading
from protectors.calibration import estimates
from protectors.channel.pipeline import Pipeline
from protectors.judging.estimate import Estimate
from protectors.judging.judgement import Judgement, SiteJudgement
from protectors.judging.quality import Quality
from protectors.judging.question import Question
from protectors.judging.verdict import Verdict, all_protected
from protectors.lanes import side_by_side
from protectors.names import is_visual
from protectors.policy import FLOORS, Policy
from protectors.quality import QualityMeter, as_levels, largest_difference
from protectors.saving import Pixels

REMEMBERED = 2
"""Forms of a photo whose results are kept: the file that may be delivered, and what a site may make of it."""


@dataclass
class _Form:
    """A form of a photo that was judged recently, with its results so far."""

    form: Pixels | Tensor
    quality: Quality | None = None
    readings: dict[int, Reading] = field(default_factory=dict)
    """Readings by the ``id`` of the reader, since two adversaries may have the same name."""


class Judge:
    """Judges delivered forms of one photo. It never optimises.

    Args:
        policy: the person's choices; its strength determines the quality floor.
        original: the photo uint8 [H, W, 3], read when the first form is judged.
        questions: the networks, each with its criterion (``questions_for`` creates them).
        device: the device of the networks.
        estimates_unseen: whether to estimate the success against unknown networks. The estimate is fitted on the embedded
            models; with pretrained ones, those that are judges only answer for this very photo instead.
    """

    def __init__(
        self,
        policy: Policy,
        original: Pixels,
        questions: Sequence[Question],
        device: torch.device | str = "cpu",
        *,
        estimates_unseen: bool = True,
    ) -> None:
        self.policy = policy
        self.original = original
        self._questions = tuple(questions)
        self._device = torch.device(device)
        self._estimates_unseen = estimates_unseen
        self._last: list[_Form] = []
        self._meter = QualityMeter(original)

    @cached_property
    def _before(self) -> tuple[Reading, ...]:
        # The original is not remembered by ``_form``, which is for delivered forms.
        return self._read(_Form(self.original), self._questions)

    def _readings(self, form: Pixels | Tensor, questions: Sequence[Question]) -> tuple[Reading, ...]:
        """Return each question's reading of one form. Recent readings are reused."""
        return self._read(self._form(form), questions)

    def _read(self, form: "_Form", questions: Sequence[Question]) -> tuple[Reading, ...]:
        known = form.readings
        if unread := {id(one.reader): one.reader for one in questions if id(one.reader) not in known}:
            image = (form.form if isinstance(form.form, Tensor) else as_levels(form.form)).to(self._device)
            made = side_by_side([partial(reader.readings, image) for reader in unread.values()], self._device)
            known.update(zip(unread, (reading for (reading,) in made), strict=True))
        return tuple(known[id(question.reader)] for question in questions)

    def _form(self, form: Pixels | Tensor) -> "_Form":
        for known in self._last:
            if known.form is form:
                return known
        self._last = [*self._last[1 - REMEMBERED :], _Form(form)]
        return self._last[-1]

    def quality(self, delivered: Pixels) -> Quality:
        """Return the quality of a form uint8 [H, W, 3] beside the original. Recent measurements are reused."""
        form = self._form(delivered)
        if form.quality is None:
            form.quality = self._meter.of(delivered)
        return form.quality

    def verdicts(self, arrived: Pixels | Tensor) -> tuple[Verdict, ...]:
        """Return the verdict on each question about a form of the photo, of any size: uint8 [H, W, 3] or float [1, 3, H, W]."""
        asked = zip(self._questions, self._before, self._readings(arrived, self._questions), strict=True)
        return tuple(question.verdict(before, after) for question, before, after in asked)

    def is_protected(self, arrived: Pixels | Tensor) -> bool:
        """Return whether a form of the photo fools every network that cloaks are optimised on.

        Judges only are not read, so that trials which rely on this remain independent of them.
        """
        return not self.still_reading(arrived)

    def still_reading(self, arrived: Pixels | Tensor, besides: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the names of the networks that a form of the photo does not fool, except judges only.

        The networks in ``besides`` are not asked and not returned.
        """
        pairs = [
            (question, before)
            for question, before in zip(self._questions, self._before, strict=True)
            if not question.is_judge_only and question.adversary.name not in besides and question.criterion.may_fail(before)
        ]
        readings = self._readings(arrived, [question for question, _ in pairs])
        asked = zip(pairs, readings, strict=True)
        verdicts = [question.verdict(before, after) for (question, before), after in asked]
        return tuple(dict.fromkeys(verdict.adversary for verdict in verdicts if not verdict.protected))

    def judgement(self, delivered: Pixels, channel: Pipeline | None = None) -> Judgement:
        """Judge the pixels uint8 [H, W, 3] that are decoded from the delivered bytes.

        ``channel`` is the site's processing, or None if unknown.
        """
        quality = self.quality(delivered)
        max_difference = largest_difference(self.original, delivered)
        verdicts = self.verdicts(delivered)
        above_floor = is_visual(self.policy.protectors[0]) or quality.reaches(FLOORS[self.policy.strength])
        told = quality.rounded()
        return Judgement(
            protected=max_difference > 0 and above_floor and all_protected(verdicts),
            quality=told,
            above_floor=above_floor,
            max_difference=max_difference,
            verdicts=verdicts,
            site=None if channel is None else self._site(delivered, channel),
            unseen=self._estimates(told, verdicts),
        )

    def _estimates(self, quality: Quality, verdicts: Sequence[Verdict]) -> Mapping[str, Estimate]:
        if not self._estimates_unseen:
            return {}
        return estimates(quality, verdicts, self.policy.protectors, self.policy.sensitive)

    def _site(self, delivered: Pixels, channel: Pipeline) -> SiteJudgement | None:
        """Judge the file that a site makes, or return None if it can make none of so long and narrow a photo."""
        try:
            arrived = channel.exact(delivered)
        except (OSError, ValueError):
            return None
        verdicts = self.verdicts(arrived)
        changed = not np.array_equal(self.original, delivered)
        return SiteJudgement(channel.name, changed and all_protected(verdicts), verdicts)
