"""Trains the hash encoders on CIFAR-10 (``cifar10.npz``, training split): DSH, DBH and DPSH at any number of bits.

    python -m protectors.training.hashing backbone --epochs 16 --output backbone.safetensors
    python -m protectors.training.hashing encoder --method dsh --bits 48 --start backbone.safetensors --output dsh48.safetensors

The papers start from networks that have learnt ImageNet (DBH, DPSH) or learn from nothing (DSH); here all start from one
backbone that learnt CIFAR-10's training split as a classifier: no ImageNet weights are at hand, and it saves the grid hours.
"""

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from protectors.adversaries.hash_encoder import DEVIATION, MEAN, binary
from protectors.adversaries.hash_network import SIDE, HashNetwork
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.evaluation.retrieval import mean_average_precision
from protectors.training import hash_losses
from protectors.training.detector import update_average

METHODS = ("dsh", "dbh", "dpsh")
BATCH = 256
PADDING = 4
CLASSES = 10
QUERIES = 1000
TOP = 1000

LossOf = Callable[[Tensor, Tensor], Tensor]
"""From outputs [B, bits] and labels [B] to a scalar."""


class Cifar:
    """All of CIFAR-10 on one device: uint8 [60000, 3, 32, 32], labels, and which images are for training."""

    def __init__(self, data: Path, device: torch.device) -> None:
        archive = Archive(data / "cifar10.npz")
        pixels = torch.from_numpy(np.stack(archive.images(range(len(archive)))))
        self.images = pixels.permute(0, 3, 1, 2).contiguous().to(device)
        self.labels = torch.from_numpy(archive["labels"].astype(np.int64)).to(device)
        tests = torch.from_numpy(archive["is_test"])
        (self.train,), (self.test,) = torch.where(~tests), torch.where(tests)
        self.classes = archive.classes


def normalised(images: Tensor) -> Tensor:
    """uint8 [B, 3, H, W] as networks read it."""
    mean, deviation = (torch.tensor(value, device=images.device).view(1, 3, 1, 1) for value in (MEAN, DEVIATION))
    return (images.float() / 255 - mean) / deviation


def shaken(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each of uint8 [B, 3, 32, 32] shifted by up to four pixels and mirrored at random."""
    padded = functional.pad(images.float(), (PADDING,) * 4, mode="reflect").to(torch.uint8)
    # Drawn on the CPU, so that a seed means the same on every device.
    shifts = torch.randint(0, 2 * PADDING + 1, (2, len(images), 1), generator=generator)
    along = torch.arange(SIDE)
    columns = torch.where(torch.rand(len(images), 1, generator=generator) < 0.5, along, along.flip(0)) + shifts[1]
    rows, columns = (along + shifts[0]).to(images.device), columns.to(images.device)
    each = torch.arange(len(images), device=images.device)
    return padded[each[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class Trainer:
    """One run over the training split; the weights' running average is what comes of it."""

    def __init__(self, cifar: Cifar, network: HashNetwork, head: nn.Module, seed: int) -> None:
        device = cifar.images.device
        self.cifar = cifar
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.head = head.to(device)
        self.average = HashNetwork(network.hash.out_features).to(device)
        self.average.load_state_dict(network.state_dict())
        self.generator = torch.Generator().manual_seed(seed)

    def run(self, loss_of: LossOf, epochs: int, rate: float) -> None:
        """Train with a rate that rises over the first tenth and falls along a cosine."""
        parameters = [*self.network.parameters(), *self.head.parameters()]
        optimiser = torch.optim.SGD(parameters, lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
        begun, step = time.monotonic(), 0
        total = epochs * (len(self.cifar.train) // BATCH)
        for _ in range(epochs):
            order = self.cifar.train[torch.randperm(len(self.cifar.train), generator=self.generator)]
            for chosen in order.split(BATCH)[: len(order) // BATCH]:
                done = step / total
                for group in optimiser.param_groups:
                    group["lr"] = rate * min(done / 0.1 + 0.02, (1 + math.cos(math.pi * done)) / 2 + 0.002)
                batch = normalised(shaken(self.cifar.images[chosen], self.generator))
                outputs = self.network(batch.contiguous(memory_format=torch.channels_last))
                loss = loss_of(outputs, self.cifar.labels[chosen])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, 5.0)
                optimiser.step()
                step += 1
                update_average(self.average, self.network, min(0.995, step / (step + 10)))
                if step % 50 == 0:
                    left = (time.monotonic() - begun) * (total - step) / step
                    print(f"step {step}/{total} loss {loss.item():.3f}, {left:.0f} s left", flush=True)


@torch.inference_mode()
def outputs_of(network: HashNetwork, images: Tensor) -> Tensor:
    """What the network gives [N, bits] for uint8 images [N, 3, 32, 32], on the CPU."""
    network.eval()
    return torch.cat([network(normalised(batch)).cpu() for batch in images.split(500)])


def centres_of(codes: Tensor, labels: Tensor) -> Tensor:
    """The mean code [classes, bits] of each class."""
    return torch.stack([codes[labels == label].mean(0) for label in range(CLASSES)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("backbone", "encoder"))
    parser.add_argument("--method", choices=METHODS, default="dsh")
    parser.add_argument("--bits", type=int, default=48)
    parser.add_argument("--start", type=Path, help="weights of a backbone, or of an encoder with as many bits")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    cifar = Cifar(arguments.data, torch.device(arguments.device))
    # A backbone's "bits" are its classes' logits, so that it is saved and loaded as any other.
    network = HashNetwork(CLASSES if arguments.what == "backbone" else arguments.bits)
    if arguments.start:
        kept = {key: value.float() for key, value in load_file(arguments.start).items() if key.startswith("features.")}
        network.load_state_dict(kept, strict=False)
    classifier = nn.Linear(network.hash.out_features, CLASSES)
    head = classifier if arguments.method == "dbh" and arguments.what == "encoder" else nn.Identity()

    def loss_of(outputs: Tensor, labels: Tensor) -> Tensor:
        if arguments.what == "backbone":
            return functional.cross_entropy(outputs, labels, label_smoothing=0.1)
        if arguments.method == "dbh":
            return hash_losses.dbh(outputs, labels, classifier)
        return {"dsh": hash_losses.dsh, "dpsh": hash_losses.dpsh}[arguments.method](outputs, labels)

    trainer = Trainer(cifar, network, head, arguments.seed)
    trainer.run(loss_of, arguments.epochs, arguments.rate)
    average = trainer.average
    state = {key: value.detach().cpu().contiguous() for key, value in average.state_dict().items()}
    tests = outputs_of(average, cifar.images[cifar.test])
    labels = cifar.labels[cifar.test].cpu()
    if arguments.what == "backbone":
        accuracy = (tests.argmax(1) == labels).float().mean()
        print(f"accuracy on the test split {accuracy:.4f}", flush=True)
    else:
        database, owners = binary(outputs_of(average, cifar.images[cifar.train])), cifar.labels[cifar.train].cpu()
        state["centres"] = centres_of(database, owners)
        quality = mean_average_precision(binary(tests[:QUERIES]), labels[:QUERIES], database, owners, TOP)
        print(f"mAP at {TOP} of {QUERIES} test images {quality:.4f}", flush=True)
    half = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    save_file(half, arguments.output)


if __name__ == "__main__":
    main()
