"""Pretrains the detector's backbone on CIFAR-10, so that it need not learn edges and textures from 1,900 photos with boxes.

    python -m protectors.training.backbone --output backbone.safetensors

Detectors trained from scratch on few photos mainly lack features, and CIFAR-10 is the only large labelled set available.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.dense_resnet import DenseResNetClassifier
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.channel.resizing import resized


def augment(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Flip, shift by up to four pixels, and resize uint8 [B, 3, 32, 32] to float [B, 3, side, side] in [0, 1]."""
    batch = images.float() / 255
    if torch.rand((), generator=generator) < 0.5:
        batch = batch.flip(3)
    batch = functional.pad(batch, (4, 4, 4, 4), mode="reflect")
    top, left = (int(torch.randint(0, 9, (), generator=generator)) for _ in range(2))
    batch = batch[:, :, top : top + 32, left : left + 32]
    gain = 1 + 0.4 * (torch.rand(len(batch), 3, 1, 1, generator=generator) - 0.5)
    return resized(batch * gain, side, side).clamp(0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--side", type=int, default=48, help="pixels that images are resized to")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    generator = torch.Generator().manual_seed(arguments.seed)
    archive = Archive(arguments.data / "cifar10.npz")
    images = torch.from_numpy(np.stack(archive.images(range(len(archive))))).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(archive["labels"].astype(np.int64))
    is_test = torch.from_numpy(archive["is_test"])
    (train,) = torch.where(~is_test)
    (test,) = torch.where(is_test)
    model = DenseResNetClassifier(10)
    batch_size = 128
    steps = arguments.epochs * (len(train) // batch_size)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps, pct_start=0.2)
    started, step = time.monotonic(), 0
    for _ in range(arguments.epochs):
        order = train[torch.randperm(len(train), generator=generator)]
        for chosen in order.split(batch_size)[: len(train) // batch_size]:
            batch = (augment(images[chosen], arguments.side, generator) - 0.45) / 0.225
            loss = functional.cross_entropy(model(batch), labels[chosen], label_smoothing=0.1)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            step += 1
            if step % 50 == 0:
                print(f"step {step}/{steps} loss {loss.item():.3f} {time.monotonic() - started:.0f} s", flush=True)
    save_file({name: value.contiguous() for name, value in model.body.state_dict().items()}, arguments.output)
    model.eval()
    with torch.inference_mode():
        right = 0
        for chosen in test.split(500):
            batch = functional.interpolate(images[chosen].float() / 255, (arguments.side,) * 2, mode="bilinear")
            right += int((model((batch - 0.45) / 0.225).argmax(1) == labels[chosen]).sum())
    print(f"CIFAR-10 test accuracy {right / len(test):.4f}", flush=True)


if __name__ == "__main__":
    main()
