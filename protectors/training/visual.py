"""Trains a generator of protective perturbations for one target model, in a run that can be stopped and resumed.

Source: the protective-perturbation paper: AdamW, w_target 1, w_auxiliary 1, w_SSIM 0.5 (``visual_loss``). Every random choice
depends only on the seed and the number of the step, so a resumed run gives the same result as an uninterrupted one.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from protectors.adversaries.classifier import Classifier
from protectors.training.checkpoint import resume, save
from protectors.training.cifar import LabelledImages, rate_share, shaken
from protectors.training.memory_layout import training_layout
from protectors.training.visual_loss import Weights, loss
from protectors.unet import UNet
from protectors.visual import perturbed, smoothed

BATCH = 128
RATE = 1e-3
SAVED_EVERY = 60.0
"""Seconds between two checkpoints."""


@dataclass(frozen=True)
class Recipe:
    """The settings of a run. Resuming a run with another recipe is an error."""

    epochs: float
    seed: int = 0
    rate: float = RATE
    batch: int = BATCH
    start: str = ""
    """Short hash of the weights that the run starts from; empty if it starts at random."""
    half: bool = False
    """Whether the networks compute in bfloat16, which is two to three times as quick on CPUs with AMX or AVX512-BF16."""
    smooth: bool = True
    """Whether every second batch is smoothed as by enlarging and shrinking before it is read."""

    def __str__(self) -> str:
        begun = f", from {self.start}" if self.start else ""
        half = ", bfloat16" if self.half else ""
        sharp = "" if self.smooth else ", never smoothed"
        return f"epochs {self.epochs:g}, seed {self.seed}, rate {self.rate:g}, batch {self.batch}{half}{sharp}{begun}"


class GeneratorTraining:
    """One run. ``checkpoint`` is a safetensors file that is written regularly, and resumed from if it exists."""

    def __init__(
        self,
        data: LabelledImages,
        target: Classifier,
        auxiliary: Classifier | None,
        recipe: Recipe,
        checkpoint: Path | None = None,
        network: UNet | None = None,
    ) -> None:
        device = data.images.device
        torch.manual_seed(recipe.seed)
        self.data = data
        self.target = target
        self.auxiliary = auxiliary
        self.recipe = recipe
        self.checkpoint = checkpoint
        # Channels last is quickest in bfloat16. A U-Net has no convolution with oneDNN's error (training_layout).
        self.layout = torch.channels_last if recipe.half else training_layout(device)
        self.network = (network or UNet()).to(device).to(memory_format=self.layout).train()
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=recipe.rate)
        self.per_epoch = max(1, len(data.train) // recipe.batch)
        self.total = max(1, round(recipe.epochs * self.per_epoch))
        self.step = 0
        if checkpoint and checkpoint.is_file():
            self.step = int(resume(checkpoint, self.network, self.optimiser, self._run_id)["step"])

    @property
    def _run_id(self) -> str:
        """The run's models with hashes of their weights, and its recipe."""
        models = [f"{side.name} {marked(side.model)}" for side in (self.target, self.auxiliary) if side]
        return f"{', '.join(models)}: {self.recipe}"

    def run(self, progress: Callable[[int, int, float], None]) -> UNet:
        """Train to the end; ``progress`` receives the steps done, the total of steps and the seconds left."""
        begun = saved = time.monotonic()
        first = self.step
        while self.step < self.total:
            self._advance()
            now = time.monotonic()
            progress(self.step, self.total, (now - begun) * (self.total - self.step) / (self.step - first))
            if self.checkpoint and (now - saved >= SAVED_EVERY or self.step == self.total):
                self._save(self.checkpoint)
                saved = now
        return self.network.eval()

    def _advance(self) -> None:
        """Take one step, whose random choices depend only on the seed and its number."""
        epoch, place = divmod(self.step, self.per_epoch)
        order = torch.randperm(len(self.data.train), generator=self._chance(epoch, 0))
        chosen = self.data.train[order[place * self.recipe.batch : (place + 1) * self.recipe.batch].to(self.data.train.device)]
        images = shaken(self.data.images[chosen], self._chance(self.step, 1)).float() / 255
        images = images.contiguous(memory_format=self.layout)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.recipe.half):
            made = perturbed(self.network, images)
            arrived = smoothed(made) if self.recipe.smooth and self.step % 2 else made
            logits = self.target.logits(arrived).float()
            others = self.auxiliary.logits(arrived).float() if self.auxiliary else None
        cost = loss(images, made, logits, others, self.data.labels[chosen], Weights())
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate * rate_share(self.step / self.total)
        self.optimiser.zero_grad(set_to_none=True)
        cost.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1

    def _save(self, path: Path) -> None:
        save(path, self.network, self.optimiser, self._run_id, {"step": str(self.step)})

    def _chance(self, number: int, purpose: int) -> torch.Generator:
        return torch.Generator().manual_seed((self.recipe.seed * 1_000_003 + number) * 2 + purpose)


def marked(model: nn.Module) -> str:
    """Return a short hash of a model's weights, which tells apart models of the same name."""
    digest = hashlib.sha256()
    for value in model.state_dict().values():
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def gradient_likeness(first: Classifier, second: Classifier, images: Tensor, labels: Tensor) -> float:
    """Return the mean cosine between two models' gradients of the cross-entropy with respect to images [B, 3, H, W]."""

    def gradient(model: Classifier) -> Tensor:
        free = images.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(functional.cross_entropy(model.logits(free), labels, reduction="sum"), free)
        return gradient.flatten(1)

    return float(functional.cosine_similarity(gradient(first), gradient(second)).mean())


def choose_auxiliary(target: Classifier, candidates: Sequence[Classifier], images: Tensor, labels: Tensor) -> Classifier:
    """Return the candidate whose gradients are least similar to the target's, a choice the paper leaves to future work.

    A generator has to please one model and blind the other, and these goals conflict less if the gradients differ more.

    Raises:
        ValueError: there is no candidate but the target itself.
    """
    others = [candidate for candidate in candidates if candidate.name != target.name]
    if not others:
        raise ValueError(f"no model but {target.name} itself is there: an auxiliary model must be another one")
    return min(others, key=lambda candidate: gradient_likeness(target, candidate, images, labels))
