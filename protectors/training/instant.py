"""Trains the generator of instant cloaks against the pretrained networks.

    python -m protectors.training.instant --output instant.safetensors --minutes 120 --checkpoint run.safetensors

Every step uses one crop of a photo and random views as in the refinement, against one detector and one classifier, which take
turns; a detector of faces is left out where it finds none. All networks have the same weight. The photos are those of
people.npz that are not test photos, and those of any given folders. A stopped run resumes from its checkpoint.
"""

import argparse
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from protectors.adversaries.loaded import Adversaries, load_adversaries
from protectors.adversaries.one_stage import OneStageDetector
from protectors.adversaries.pretrained_classifier import PretrainedClassifier
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.lanes import side_by_side
from protectors.names import SCENE, SEARCH
from protectors.quality import as_tensor
from protectors.refinement.field import PerturbationField
from protectors.refinement.generator import CloakGenerator, readable
from protectors.refinement.hiding import ObjectHiding
from protectors.refinement.loop import FIRST_SIZE, gradient_of
from protectors.refinement.misleading import Misleading
from protectors.refinement.objective import NetworkObjective
from protectors.refinement.views import random_view
from protectors.saving import Pixels
from protectors.training.checkpoint import OtherRunError, resume, save
from protectors.training.cifar import rate_share
from protectors.training.gradient_lengths import GradientLengths
from protectors.weights import read_float, save_half

RATE = 1e-3
AVERAGED = 2
"""Crops whose gradients are averaged for one update."""

SAVED_EVERY = 60.0
"""Seconds between two checkpoints."""

SHOWN_EVERY = 100
"""Crops between two lines of progress."""

SMALLEST_CROP = 0.6
"""Smallest share of a photo's sides that a crop keeps."""

Losses = defaultdict[str, list[float]]
"""Losses of the crops since the last line of progress, by network."""


@dataclass(frozen=True)
class Photos:
    """Photos to train on: some of an archive, given by their numbers, and files."""

    archive: Archive
    numbers: Sequence[int]
    files: Sequence[Path] = ()

    def __len__(self) -> int:
        return len(self.numbers) + len(self.files)

    def crop(self, number: int, chance: np.random.Generator) -> Tensor:
        """Return a random crop of a photo, mirrored half the time, as the generator's input [1, 3, H, W]."""
        photo = self._photo(number)
        height, width = photo.shape[:2]
        share = chance.uniform(SMALLEST_CROP, 1.0, 2)
        tall, wide = max(64, round(height * share[0])), max(64, round(width * share[1]))
        top, left = chance.integers(max(1, height - tall + 1)), chance.integers(max(1, width - wide + 1))
        part = photo[top : top + tall, left : left + wide]
        if chance.random() < 0.5:
            part = part[:, ::-1]
        return readable(as_tensor(np.ascontiguousarray(part)))

    def _photo(self, number: int) -> Pixels:
        if number < len(self.numbers):
            return self.archive.image(self.numbers[number])
        with Image.open(self.files[number - len(self.numbers)]) as picture:
            picture.draft("RGB", (1024, 1024))
            return np.array(picture.convert("RGB"), dtype=np.uint8)


class InstantTraining:
    """A training run that lasts ``seconds`` of processor time, including the time before its checkpoint."""

    def __init__(
        self,
        photos: Photos,
        adversaries: Adversaries,
        seconds: float,
        checkpoint: Path | None,
        seed: int,
        start: Path | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.generator = CloakGenerator()
        if start is not None:
            self.generator.load_state_dict(read_float(start))
        self.photos = photos
        self.seconds = seconds
        self.checkpoint = checkpoint
        self.seed = seed
        against = adversaries.optimised
        self._detectors = [detector for detector in against.detectors if isinstance(detector, OneStageDetector)]
        self._classifiers = [classifier for classifier in against.classifiers if isinstance(classifier, PretrainedClassifier)]
        self._optimiser = torch.optim.AdamW(self.generator.parameters(), lr=RATE, weight_decay=1e-4)
        self._step, self._spent, self._lengths = 0, 0.0, GradientLengths()
        if checkpoint and checkpoint.is_file():
            facts = resume(checkpoint, self.generator, self._optimiser, self._run_id)
            self._step, self._spent = int(facts["step"]), float(facts["spent"])
            self._lengths = GradientLengths(facts["lengths"])

    @property
    def _run_id(self) -> str:
        """The run's networks, photos and seed. Its length is left out, so that a run can be extended."""
        names = [detector.name for detector in self._detectors] + [classifier.name for classifier in self._classifiers]
        return f"{', '.join(names)}: {len(self.photos)} photos, seed {self.seed}"

    def run(self, shown: Callable[[str], None]) -> CloakGenerator:
        """Train until the time is spent; ``shown`` receives lines of progress."""
        begun, saved = time.process_time(), time.monotonic()
        before = self._spent
        losses: Losses = defaultdict(list)
        while self._spent < self.seconds:
            self._update(losses)
            now = time.monotonic()
            self._spent = before + time.process_time() - begun
            if self._step % SHOWN_EVERY == 0:
                told = " ".join(f"{name} {np.mean(values):.3f}" for name, values in sorted(losses.items()))
                shown(f"crop {self._step}: {told}; {(self.seconds - self._spent) / 60:.0f} minutes left")
                losses.clear()
            if self.checkpoint and (now - saved >= SAVED_EVERY or self._spent >= self.seconds):
                facts = {"step": str(self._step), "spent": str(self._spent), "lengths": str(self._lengths)}
                save(self.checkpoint, self.generator, self._optimiser, self._run_id, facts)
                saved = now
        return self.generator.eval()

    def _update(self, losses: Losses) -> None:
        """Update the weights once, with the gradients of ``AVERAGED`` crops."""
        for _ in range(AVERAGED):
            self._add_gradients(losses)
            self._step += 1
        for group in self._optimiser.param_groups:
            group["lr"] = RATE * rate_share(self._spent / self.seconds)
        nn.utils.clip_grad_norm_(self.generator.parameters(), 1.0)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)

    def _add_gradients(self, losses: Losses) -> None:
        """Add the gradients of the next crop, and note its losses."""
        chance = np.random.default_rng((self.seed, self._step))
        original = self.photos.crop(int(chance.integers(len(self.photos))), chance)
        views = torch.Generator().manual_seed(int(chance.integers(2**62)))
        field = PerturbationField(original)
        cloaked = field.cloaked(field.sized(self.generator(original), FIRST_SIZE))
        objectives = self._objectives(original)
        looks = side_by_side([partial(gradient_of, one, cloaked, random_view(views)) for one in objectives])
        total = torch.zeros_like(cloaked)
        for objective, (gradient, aim) in zip(objectives, looks, strict=True):
            losses[objective.name].append(float(aim.loss))
            total += self._lengths.scaled(objective.name, gradient)
        cloaked.backward(total / (len(objectives) * AVERAGED))

    def _objectives(self, original: Tensor) -> list[NetworkObjective]:
        """Return this step's objectives: one detector's and one classifier's."""
        pairs = list(itertools.product(self._detectors, self._classifiers))
        detector, classifier = pairs[self._step % len(pairs)]
        both: list[Callable[[], NetworkObjective]] = [
            partial(ObjectHiding, detector, original),
            partial(Misleading, classifier, original, (SCENE, SEARCH)),
        ]
        return [objective for objective in side_by_side(both) if objective.is_needed]


def photos_in(data: Path, folders: Sequence[Path]) -> Photos:
    """Return the photos of people.npz that are not test photos, and the JPEG and PNG files of folders."""
    archive = Archive(data / "people.npz")
    files = [file for folder in folders for kind in ("*.jpg", "*.jpeg", "*.png") for file in sorted(folder.rglob(kind))]
    return Photos(archive, np.where(~archive["is_test"])[0].tolist(), files)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the generator of instant cloaks against the pretrained networks.")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, help="written every minute; a run goes on from it")
    parser.add_argument("--start", type=Path, help="weights to begin with, of an earlier generator")
    parser.add_argument("--minutes", type=float, default=180, help="of the processor, all of its threads together")
    parser.add_argument("--models", type=Path, required=True, help="the folder that the pretrained networks were pulled into")
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="folders of further photos to train on")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    adversaries = load_adversaries(torch.device("cpu"), arguments.models)
    if adversaries.model_set != "pretrained":
        parser.error(f"there are no pretrained networks in {arguments.models}: run `cloakroom models pull --set pretrained`")
    photos = photos_in(arguments.data, arguments.photos)
    try:
        training = InstantTraining(
            photos, adversaries, arguments.minutes * 60, arguments.checkpoint, arguments.seed, arguments.start
        )
    except OtherRunError as problem:
        parser.error(str(problem))
    made = training.run(lambda line: print(line, flush=True))
    save_half(made.state_dict(), arguments.output)


if __name__ == "__main__":
    main()
