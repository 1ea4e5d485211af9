"""Trains the embedded scene classifiers on ``scenes6.npz`` (training split), on a CPU or a GPU.

    python -m protectors.training.scenes --architecture dense_resnet --output scenes.safetensors
    python -m protectors.training.scenes --architecture plain_convnet --output scenes-judge.safetensors

The first is the adversary that photos are cloaked against; the second is a judge only. ``shufflenet`` and ``mobilenet`` are two
more architectures, for the evaluation of transfer, which leaves out each in turn.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.image_network import normalised
from protectors.adversaries.loading import CLASSIFIERS
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.channel.resizing import resized
from protectors.training.detector import update_average
from protectors.training.memory_layout import training_layout
from protectors.weights import read_float, save_half

SIDE = 144  # pixels at which the classifiers read photos
CROP = 112  # pixels of a training crop: cheaper, and it makes objects look as large as whole photos at SIDE


def crops(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return random resized crops [B, 3, CROP, CROP] of uint8 [B, 3, H, W], flipped and recoloured at random."""
    area, shape, x, y, flip, gain = torch.rand(6, len(images), generator=generator)
    side = (0.3 + 0.7 * area).sqrt()
    stretch = (3 / 4) ** (shape - 0.5)
    width, height = (side / stretch).clamp(max=1), (side * stretch).clamp(max=1)
    affine = torch.zeros(len(images), 2, 3)
    affine[:, 0, 0] = width * torch.where(flip < 0.5, -1.0, 1.0)
    affine[:, 1, 1] = height
    affine[:, 0, 2] = (2 * x - 1) * (1 - width)
    affine[:, 1, 2] = (2 * y - 1) * (1 - height)
    grid = functional.affine_grid(affine, [len(images), 3, CROP, CROP], align_corners=False)
    batch = functional.grid_sample(images.float() / 255, grid, padding_mode="reflection", align_corners=False)
    tint = 1 + 0.2 * (torch.rand(len(images), 3, 1, 1, generator=generator) - 0.5)
    recoloured: Tensor = batch * (0.7 + 0.6 * gain).view(-1, 1, 1, 1) * tint
    return recoloured.clamp(0, 1)


def whole(images: Tensor) -> Tensor:
    """Resize photos uint8 [B, 3, H, W] to the classifier's input, float [B, 3, SIDE, SIDE]."""
    return resized(images.float() / 255, SIDE, SIDE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--architecture", choices=list(CLASSIFIERS), default="dense_resnet")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--start", type=Path, help="weights of an earlier run to go on from, at half the learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    generator = torch.Generator().manual_seed(arguments.seed)
    device = torch.device(arguments.device)
    archive = Archive(arguments.data / "scenes6.npz")
    images = torch.from_numpy(np.stack(archive.images(range(len(archive))))).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(archive["labels"].astype(np.int64))
    (train,) = torch.where(~torch.from_numpy(archive["is_test"]))
    (test,) = torch.where(torch.from_numpy(archive["is_test"]))
    model = CLASSIFIERS[arguments.architecture](len(archive.classes)).to(device).to(memory_format=training_layout(device))
    rate = 1.5e-3
    if arguments.start:
        model.load_state_dict(read_float(arguments.start))
        rate = 7.5e-4
    average = CLASSIFIERS[arguments.architecture](len(archive.classes)).to(device)
    average.load_state_dict(model.state_dict())
    batch_size = 64
    total = arguments.epochs * (len(train) // batch_size)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=total, pct_start=0.15)
    started, step = time.monotonic(), 0
    for _ in range(arguments.epochs):
        order = train[torch.randperm(len(train), generator=generator)]
        for chosen in order.split(batch_size)[: len(train) // batch_size]:
            batch = normalised(crops(images[chosen], generator).to(device))
            loss = functional.cross_entropy(model(batch), labels[chosen].to(device), label_smoothing=0.1)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            step += 1
            update_average(average, model, min(0.995, step / (step + 10)))
            if step % 50 == 0:
                print(f"step {step}/{total} loss {loss.item():.3f} {time.monotonic() - started:.0f} s", flush=True)
    save_half(average.state_dict(), arguments.output)
    average.eval()
    with torch.inference_mode():
        right = 0
        for chosen in test.split(100):
            logits = average(normalised(whole(images[chosen]).to(device)))
            right += int((logits.argmax(1).cpu() == labels[chosen]).sum())
    print(f"accuracy on the test split {right / len(test):.4f}", flush=True)


if __name__ == "__main__":
    main()
