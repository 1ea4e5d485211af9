"""Measures the steps against one classifier beside those of other libraries, and the model of JPEG beside kornia's.

All attack the same network on the same photos, and aim at the same class. The libraries run projected gradient descent with the
radius of 8 levels and the 10 steps that are torchattacks' defaults. Cloakroom runs until the network reads another class in two
random views, and keeps a floor of quality besides, which no library does.
"""

import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from daemon.figures import say
from protectors.adversaries.pretrained_classifier import PretrainedClassifier
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.channel.jpeg import compressed
from protectors.cloak import Cloakroom
from protectors.evaluation.tuning_photos import not_tuned_on
from protectors.names import SCENE
from protectors.policy import FLOORS, REFINEMENTS
from protectors.progress import end_of
from protectors.quality import as_pixels, as_tensor, psnr
from protectors.refinement.loop import Refinement
from protectors.refinement.misleading import Misleading, draw_target
from tests.pretrained import FOLDER

SEED = 0
PHOTOS = 10
RUNS = 5
NETWORK = "mobilenet_v2_imagenet"
RADIUS, LENGTH, STEPS = 8 / 255, 2 / 255, 10
"""torchattacks' usual radius, step and number of steps."""

QUALITY = 75
JPEG_SIDE = 512

Attack = Callable[[Tensor, int], Tensor]
"""Changes a photo [1, 3, H, W] so that a network reads a class."""


class Service(nn.Module):
    """The network with its resizing, from photos [B, 3, H, W] in [0, 1] to logits, as the libraries want it."""

    def __init__(self, classifier: PretrainedClassifier) -> None:
        super().__init__()
        self.model = classifier.model
        self._classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        return self._classifier.logits(images)


def measure() -> dict[str, float]:
    """Return ``LIBRARY.ratio``, the median seconds of its photos over Cloakroom's; ``LIBRARY.seconds``; ``LIBRARY.fooled``, the
    share of 8-bit photos in which another class is read; ``LIBRARY.psnr``, the mean; and ``kornia.jpeg_ratio``."""
    room = Cloakroom("cpu", FOLDER)
    classifier = next(one for one in room.adversaries.classifiers if one.name == NETWORK)
    if not isinstance(classifier, PretrainedClassifier):
        raise TypeError(f"{NETWORK} is none of the pretrained networks")
    archive = Archive(DEFAULT_FOLDER / "photos.npz")
    chosen = not_tuned_on(archive)[:PHOTOS]
    photos = [as_tensor(photo) for photo in archive.images(chosen)]
    service = Service(classifier)
    attacks = {
        "cloakroom": _cloakroom(classifier),
        "torchattacks": _torchattacks(service),
        "foolbox": _foolbox(service),
        "art": _art(service),
    }
    figures: dict[str, float] = {}
    for name, attack in attacks.items():
        told = _measured(attack, classifier, photos)
        figures |= {f"{name}.{what}": value for what, value in told.items()}
        say(f"{name}: {', '.join(f'{what} {value:.3f}' for what, value in told.items())}")
    ratios = {
        f"{name}.ratio": figures[f"{name}.seconds"] / figures["cloakroom.seconds"] for name in attacks if name != "cloakroom"
    }
    return figures | ratios | {"kornia.jpeg_ratio": _jpeg_ratio()}


def _measured(attack: Attack, classifier: PretrainedClassifier, photos: list[Tensor]) -> dict[str, float]:
    seconds, fooled, qualities = [], [], []
    for number, photo in enumerate(photos):
        target = draw_target([classifier], photo, torch.Generator().manual_seed(number))
        if number == 0:
            attack(photo, target)
        begun = time.monotonic()
        changed = attack(photo, target)
        seconds.append(time.monotonic() - begun)
        pixels = as_pixels(changed)
        before, after = classifier.readings(photo)[0], classifier.readings(as_tensor(pixels))[0]
        fooled.append(before.labels != after.labels)
        qualities.append(psnr(as_pixels(photo), pixels))
    return {"seconds": statistics.median(seconds), "fooled": float(np.mean(fooled)), "psnr": float(np.mean(qualities))}


def _cloakroom(classifier: PretrainedClassifier) -> Attack:
    def attack(photo: Tensor, target: int) -> Tensor:
        aim = Misleading(classifier, photo, (SCENE,), target)
        refinement = Refinement(photo, [aim], FLOORS["balanced"], torch.Generator().manual_seed(SEED))
        end_of(refinement.run(REFINEMENTS["balanced"].steps))
        return (photo + refinement.perturbation).clamp(0, 1)

    return attack


def _torchattacks(service: Service) -> Attack:
    import torchattacks

    attacker = torchattacks.PGD(service, eps=RADIUS, alpha=LENGTH, steps=STEPS)
    attacker.set_mode_targeted_by_label(quiet=True)
    return lambda photo, target: torch.as_tensor(attacker(photo, torch.tensor([target])))


def _foolbox(service: Service) -> Attack:
    import foolbox

    model = foolbox.PyTorchModel(service.eval(), bounds=(0, 1), device="cpu")
    attacker = foolbox.attacks.LinfPGD(abs_stepsize=LENGTH, steps=STEPS)

    def attack(photo: Tensor, target: int) -> Tensor:
        wanted = foolbox.criteria.TargetedMisclassification(torch.tensor([target]))
        _, (clipped,), _ = attacker(model, photo, wanted, epsilons=[RADIUS])
        return torch.as_tensor(clipped)

    return attack


def _art(service: Service) -> Attack:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from art.attacks.evasion import ProjectedGradientDescent
        from art.estimators.classification import PyTorchClassifier

    def attack(photo: Tensor, target: int) -> Tensor:
        # It wants to know the size of its photos.
        model = PyTorchClassifier(
            service, nn.CrossEntropyLoss(), tuple(photo.shape[1:]), 1000, clip_values=(0, 1), device_type="cpu"
        )
        attacker = ProjectedGradientDescent(
            model, eps=RADIUS, eps_step=LENGTH, max_iter=STEPS, targeted=True, num_random_init=1, verbose=False
        )
        return torch.from_numpy(attacker.generate(photo.numpy(), np.eye(1000, dtype=np.float32)[[target]]))

    return attack


def _jpeg_ratio() -> float:
    """Return the seconds of kornia's differentiable JPEG, there and back, over those of ours."""
    from kornia.enhance import jpeg_codec_differentiable

    photo = torch.rand(1, 3, JPEG_SIDE, JPEG_SIDE, generator=torch.Generator().manual_seed(SEED))
    quality = torch.tensor([float(QUALITY)])
    theirs = _passes(lambda image: torch.as_tensor(jpeg_codec_differentiable(image, quality)), photo)
    return theirs / _passes(lambda image: compressed(image, QUALITY), photo)


def _passes(model: Callable[[Tensor], Tensor], photo: Tensor) -> float:
    seconds = []
    for _ in range(RUNS + 1):
        begun = time.monotonic()
        free = photo.clone().requires_grad_(True)
        torch.autograd.grad(model(free).mean(), free)
        seconds.append(time.monotonic() - begun)
    return statistics.median(seconds[1:])
