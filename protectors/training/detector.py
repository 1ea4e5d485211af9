"""Trains the embedded detectors on ``people.npz`` (training split), for a given time on a CPU or a GPU.

    python -m protectors.training.detector --backbone backbone.safetensors --minutes 90 --output detector.safetensors
    python -m protectors.training.detector --architecture fcos_mobilenet --backbone scenes-mobilenet.safetensors --output …

The schedule follows the clock, not a count of steps, so that the length of a run can be given in minutes on any machine. The
model card records the number of steps. The weights are an exponential moving average over steps.
"""

import argparse
import copy
import math
import queue
import threading
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN
from torchvision.models.detection.image_list import ImageList

from protectors.adversaries.image_network import normalised
from protectors.adversaries.loading import DETECTORS
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.training.detection_samples import SampleSource
from protectors.training.memory_layout import training_layout
from protectors.weights import read_float, save_half

# Street photos are easy and many; the others are more varied.
SHARES = {"street": 0.35, "coco": 0.38, "oi": 0.27}


def side_at(progress: float) -> int:
    """Return the canvas side in pixels: small at first, where a step costs half, then full size."""
    return 256 if progress < 0.45 else 320 if progress < 0.75 else 384


def rate_at(progress: float, peak: float) -> float:
    """Return the learning rate: a linear warm-up over the first 3 %, then a cosine to zero."""
    warm_up = min(1.0, progress / 0.03)
    return peak * warm_up * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def losses(model: FasterRCNN | FCOS, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return Faster R-CNN's four losses, or FCOS's three, on a batch of canvases, without the model's resizing."""
    features = model.backbone(images)
    sizes = [(int(images.shape[2]), int(images.shape[3]))] * len(images)
    if isinstance(model, FCOS):
        maps = list(features.values())
        places = model.anchor_generator(ImageList(images, sizes), maps)
        counts = [level[0, 0].numel() for level in maps]
        found: dict[str, Tensor] = model.compute_loss(targets, model.head(maps), places, counts)
        return found
    proposals, proposal_losses = model.rpn(ImageList(images, sizes), features, targets)
    _, box_losses = model.roi_heads(features, proposals, sizes, targets)
    return {**proposal_losses, **box_losses}


def _begin_with(body: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load the backbone's part of a classifier's weights; KeyError names missing ones."""
    shared = {name.removeprefix("features."): value for name, value in weights.items()}
    body.load_state_dict({name: shared[name] for name in body.state_dict()})


def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    with torch.no_grad():
        for mean, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--architecture", choices=list(DETECTORS), default="faster_rcnn_dense_resnet")
    parser.add_argument("--backbone", type=Path, help="pretrained (protectors.training.backbone), or a classifier of its make")
    parser.add_argument("--start", type=Path, help="weights of an earlier run to go on from")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    device = torch.device(arguments.device)
    source = SampleSource(Archive(arguments.data / "people.npz"), SHARES, arguments.seed)
    layout = training_layout(device)
    model = DETECTORS[arguments.architecture]().to(device).to(memory_format=layout)
    if arguments.backbone:
        _begin_with(model.backbone.body, read_float(arguments.backbone))
    if arguments.start:
        model.load_state_dict(read_float(arguments.start))
    model.train()
    average = copy.deepcopy(model)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=arguments.rate)
    started = time.monotonic()
    limit: float = arguments.minutes * 60
    ready: queue.Queue[tuple[Tensor, list[dict[str, Tensor]]]] = queue.Queue(maxsize=3)

    def progress() -> float:
        spent: float = time.monotonic() - started
        return spent / limit

    def prepare() -> None:
        while True:
            now = progress()
            # The last steps use mostly whole photos, since the detector will not be shown mosaics.
            ready.put(source.batch(arguments.batch, side_at(now), 0.5 if now < 0.8 else 0.1))

    threading.Thread(target=prepare, daemon=True).start()
    step, saved = 0, time.monotonic()
    while progress() < 1:
        pixels, targets = ready.get()
        images = normalised(pixels.to(device).float() / 255)
        images = images.contiguous(memory_format=layout)
        targets = [{name: value.to(device) for name, value in target.items()} for target in targets]
        for group in optimiser.param_groups:
            group["lr"] = rate_at(progress(), arguments.rate)
        parts = losses(model, images, targets)
        total = torch.stack(list(parts.values())).sum()
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        step += 1
        update_average(average, model, min(0.998, step / (step + 20)))
        if step % 25 == 0:
            shown = " ".join(f"{name.removeprefix('loss_')} {value.item():.3f}" for name, value in parts.items())
            print(f"step {step} {100 * progress():.1f} % side {images.shape[2]} {shown}", flush=True)
        if time.monotonic() - saved > 240:
            save_half(average.state_dict(), arguments.output)
            saved = time.monotonic()
    save_half(average.state_dict(), arguments.output)
    print(f"{step} steps of {arguments.batch} photos in {arguments.minutes} minutes, seed {arguments.seed}", flush=True)


if __name__ == "__main__":
    main()
