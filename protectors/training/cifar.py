"""Trains classifiers on CIFAR-10 (``cifar10.npz``, training split), as targets, auxiliaries and starts for hash encoders.

    python -m protectors.training.cifar --network resnet18 --width 0.25 --epochs 10 --output resnet18.safetensors

The data and the loop are shared with the hash encoders' training.
"""

import argparse
import copy
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from protectors.adversaries.cifar_networks import NETWORKS, SIDE
from protectors.adversaries.classifier import Classifier
from protectors.adversaries.image_network import normalised
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.channel.resizing import resized
from protectors.evaluation.reading import share_right
from protectors.saving import Pixels
from protectors.training.detector import update_average
from protectors.training.memory_layout import training_layout
from protectors.weights import save_half

BATCH = 256
PADDING = 2
"""Largest shift of an image in pixels; short runs learn more from weak augmentation."""

LossOf = Callable[[Tensor, Tensor], Tensor]
"""A loss function from outputs [B, outputs] and labels [B] to a scalar."""

READING: LossOf = partial(functional.cross_entropy, label_smoothing=0.1)
"""The classifiers' loss."""


class LabelledImages:
    """A whole archive on one device: images uint8 [N, 3, 32, 32], resized if larger, their labels [N], and the numbers of
    training and test images."""

    def __init__(self, path: Path, device: torch.device) -> None:
        archive = Archive(path)
        self.images = torch.cat([shrunk(archive.stack(part.tolist())) for part in np.array_split(np.arange(len(archive)), 40)])
        self.images = self.images.to(device)
        self.labels = torch.from_numpy(archive["labels"].astype(np.int64)).to(device)
        tests = torch.from_numpy(archive["is_test"])
        (self.train,), (self.test,) = torch.where(~tests), torch.where(tests)
        self.classes = archive.classes


def shrunk(pixels: Pixels) -> Tensor:
    """Resize uint8 [N, 3, H, W] to 32 pixels as a service does."""
    images = torch.from_numpy(pixels)
    if images.shape[2:] == (SIDE, SIDE):
        return images
    small = resized(images.float(), SIDE, SIDE)
    return small.round().clamp(0, 255).to(torch.uint8)


def shaken(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift each image of uint8 [B, 3, 32, 32] by up to two pixels, and mirror it half the time."""
    padded = functional.pad(images.float(), (PADDING,) * 4, mode="reflect").to(torch.uint8)
    # Drawn on the CPU, so that a seed means the same on every device.
    shifts = torch.randint(0, 2 * PADDING + 1, (2, len(images), 1), generator=generator)
    along = torch.arange(SIDE)
    columns = torch.where(torch.rand(len(images), 1, generator=generator) < 0.5, along, along.flip(0)) + shifts[1]
    rows, columns = (along + shifts[0]).to(images.device), columns.to(images.device)
    each = torch.arange(len(images), device=images.device)
    return padded[each[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def rate_share(progress: float) -> float:
    """Return the factor on the learning rate at ``progress`` in [0, 1]: it rises over the first tenth, then falls by cosine."""
    return min(progress / 0.1 + 0.02, (1 + math.cos(math.pi * progress)) / 2 + 0.002)


class Trainer:
    """Trains a network on the training split; the result is the moving average of its weights."""

    def __init__(self, data: LabelledImages, network: nn.Module, head: nn.Module, seed: int) -> None:
        device = data.images.device
        self.data = data
        self.layout = training_layout(device)
        self.network = network.to(device).to(memory_format=self.layout)
        self.head = head.to(device)
        self.average = copy.deepcopy(network)
        self.generator = torch.Generator().manual_seed(seed)

    def run(self, loss_of: LossOf, epochs: int, rate: float, say: Callable[[str], None]) -> nn.Module:
        """Train to the end and return the network of averaged weights."""
        parameters = [*self.network.parameters(), *self.head.parameters()]
        optimiser = torch.optim.SGD(parameters, lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
        begun, step = time.monotonic(), 0
        total = epochs * (len(self.data.train) // BATCH)
        for _ in range(epochs):
            order = self.data.train[torch.randperm(len(self.data.train), generator=self.generator)]
            for chosen in order.split(BATCH)[: len(order) // BATCH]:
                done = step / total
                for group in optimiser.param_groups:
                    group["lr"] = rate * rate_share(done)
                batch = normalised(shaken(self.data.images[chosen], self.generator).float() / 255)
                outputs = self.network(batch.contiguous(memory_format=self.layout))
                loss = loss_of(outputs, self.data.labels[chosen])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, 5.0)
                optimiser.step()
                step += 1
                update_average(self.average, self.network, min(0.995, step / (step + 10)))
                if step % 50 == 0:
                    left = (time.monotonic() - begun) * (total - step) / step
                    say(f"step {step}/{total} loss {loss.item():.3f}, {left:.0f} s left")
        return self.average.eval()


@torch.inference_mode()
def outputs_of(network: nn.Module, images: Tensor) -> Tensor:
    """Return the network's outputs [N, outputs] for images uint8 [N, 3, 32, 32], on the CPU."""
    network.eval()
    return torch.cat([network(normalised(batch.float() / 255)).cpu() for batch in images.split(500)])


def accuracy(network: nn.Module, data: LabelledImages) -> float:
    """Return a classifier's accuracy on the test split."""
    read = Classifier("", network, data.classes, SIDE)
    return share_right(read, data.images[data.test].float() / 255, data.labels[data.test].cpu())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="resnet18")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    cifar = LabelledImages(arguments.data / "cifar10.npz", torch.device(arguments.device))
    network = NETWORKS[arguments.network](len(cifar.classes), arguments.width)
    trainer = Trainer(cifar, network, nn.Identity(), arguments.seed)
    trained = trainer.run(READING, arguments.epochs, arguments.rate, partial(print, flush=True))
    print(f"accuracy on the test split {accuracy(trained, cifar):.4f}", flush=True)
    save_half(trained.state_dict(), arguments.output)


if __name__ == "__main__":
    main()
