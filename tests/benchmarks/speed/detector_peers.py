"""Measures Object Disappearance beside ART's attack on detectors, and beside a loop like TOG's.

- ART: projected gradient descent on the training losses of Faster R-CNN, the embedded detector, which is of torchvision's
  design as ART wants it; ours is M_all on the same detector.
- TOG (Chow and others, "Adversarial objectness gradient attacks in real-time object detection systems", 2020): its vanishing
  attack lowers all class scores by signed gradients. The loop is written here, on SSD MobileNetV2; ours is the product's.

The others take 10 steps of 2 levels, and change values by at most 8. So does M_all, in as many steps as it needs; the product's
steps keep the floor of *balanced* instead.
"""

import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from daemon.figures import say
from protectors.adversaries.detector import Detector, TwoStageDetector
from protectors.adversaries.loading import available, load_two_stage
from protectors.adversaries.one_stage import OneStageDetector
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.base import Budget
from protectors.cloak import Cloakroom
from protectors.evaluation.running import cloaked_batch
from protectors.objects import ObjectDisappearance
from protectors.policy import BUDGETS, FLOORS, REFINEMENTS
from protectors.progress import end_of
from protectors.quality import as_pixels, as_tensor, psnr
from protectors.refinement.hiding import ObjectHiding
from protectors.refinement.loop import Refinement
from tests.pretrained import FOLDER

SEED = 0
PHOTOS = 10
NETWORK = "ssd_mobilenet_v2_coco"
RADIUS, LENGTH, STEPS = 8 / 255, 2 / 255, 10

Attack = Callable[[Tensor], Tensor]


def measure() -> dict[str, float]:
    """Return ``art.detector_ratio`` and ``tog.detector_ratio``, the median seconds of their photos over ours, and for each
    attack ``.detector_seconds``, ``.hidden`` (the share of photos with objects in which nothing is found) and ``.psnr``."""
    photos = [as_tensor(photo) for photo in _photos()]
    two_stage = load_two_stage(available("objects", "adversary", None), torch.device("cpu"))
    room = Cloakroom("cpu", FOLDER)
    one_stage = next(detector for detector in room.adversaries.detectors if detector.name == NETWORK)
    if not isinstance(one_stage, OneStageDetector):
        raise TypeError(f"{NETWORK} is none of the pretrained networks")
    figures: dict[str, float] = {}
    pairs: dict[str, tuple[Detector, Attack, Attack]] = {
        "art": (two_stage, _art(two_stage), _disappearance(two_stage)),
        "tog": (one_stage, _tog(one_stage), _hiding(one_stage)),
    }
    for name, (detector, theirs, ours) in pairs.items():
        told = {prefix: _measured(attack, detector, photos) for prefix, attack in ((name, theirs), (f"{name}.ours", ours))}
        for prefix, values in told.items():
            figures |= {f"{prefix}.{what}": value for what, value in values.items()}
            say(f"{prefix}: {', '.join(f'{what} {value:.3f}' for what, value in values.items())}")
        figures[f"{name}.detector_ratio"] = told[name]["detector_seconds"] / told[f"{name}.ours"]["detector_seconds"]
    return figures


def _photos() -> list[np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]]:
    people = Archive(DEFAULT_FOLDER / "people.npz")
    return people.images(np.random.default_rng(SEED).permutation(np.where(people["is_test"])[0])[:PHOTOS].tolist())


def _measured(attack: Attack, detector: Detector, photos: list[Tensor]) -> dict[str, float]:
    attack(photos[0])
    seconds, hidden, qualities = [], [], []
    for photo in photos:
        begun = time.monotonic()
        changed = as_pixels(attack(photo))
        seconds.append(time.monotonic() - begun)
        if detector.readings(photo)[0].labels:
            hidden.append(not detector.readings(as_tensor(changed))[0].labels)
        qualities.append(psnr(as_pixels(photo), changed))
    return {
        "detector_seconds": statistics.median(seconds),
        "hidden": float(np.mean(hidden)),
        "psnr": float(np.mean(qualities)),
    }


def _disappearance(detector: TwoStageDetector) -> Attack:
    budget = Budget(RADIUS, BUDGETS["balanced"].steps)
    return lambda photo: cloaked_batch(ObjectDisappearance(detector), photo, budget).images


def _hiding(detector: OneStageDetector) -> Attack:
    def attack(photo: Tensor) -> Tensor:
        aim = ObjectHiding(detector, photo)
        refinement = Refinement(photo, [aim], FLOORS["balanced"], torch.Generator().manual_seed(SEED))
        end_of(refinement.run(REFINEMENTS["balanced"].steps))
        return (photo + refinement.perturbation).clamp(0, 1)

    return attack


def _tog(detector: OneStageDetector) -> Attack:
    def attack(photo: Tensor) -> Tensor:
        changed = photo.clone()
        for _ in range(STEPS):
            free = changed.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(functional.softplus(detector.look(free).logits).sum(), free)
            stepped = changed - LENGTH * gradient.sign()
            changed = (photo + (stepped - photo).clamp(-RADIUS, RADIUS)).clamp(0, 1)
        return changed

    return attack


def _art(detector: TwoStageDetector) -> Attack:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from art.attacks.evasion import ProjectedGradientDescent
        from art.estimators.object_detection import PyTorchFasterRCNN

    def attack(photo: Tensor) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimator = PyTorchFasterRCNN(
                input_shape=tuple(photo.shape[1:]), model=detector.model, clip_values=(0, 1), device_type="cpu"
            )
            attacker = ProjectedGradientDescent(estimator, eps=RADIUS, eps_step=LENGTH, max_iter=STEPS, verbose=False)
            changed = torch.from_numpy(attacker.generate(photo.numpy()))
        detector.model.eval()
        return changed

    return attack
