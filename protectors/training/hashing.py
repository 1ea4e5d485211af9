"""Trains the hash encoders on an archive's training split: DSH, DBH and DPSH at any number of bits.

    python -m protectors.training.hashing --method dsh --bits 48 --network resnet18 --start resnet18.safetensors \\
        --output dsh48.safetensors

The papers start from ImageNet networks (DBH, DPSH) or from scratch (DSH). Here all start from a classifier of CIFAR-10's
training split (``protectors.training.cifar``), since no ImageNet weights are available and it saves hours.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from protectors.adversaries.cifar_networks import NETWORKS
from protectors.adversaries.hash_encoder import binary
from protectors.archive import DEFAULT_FOLDER
from protectors.evaluation.retrieval import mean_average_precision
from protectors.training import hash_losses
from protectors.training.cifar import LabelledImages, LossOf, Trainer, outputs_of
from protectors.weights import read_float, save_half

METHODS = ("dsh", "dbh", "dpsh")
QUERIES = 1000
TOP = 1000


def centres_of(codes: Tensor, labels: Tensor) -> Tensor:
    """Return the mean code [classes, bits] of each class."""
    return torch.stack([codes[labels == label].mean(0) for label in range(int(labels.max()) + 1)])


def train(
    data: LabelledImages,
    method: str,
    network: nn.Module,
    bits: int,
    start: Path | None,
    run: Callable[[nn.Module, nn.Module, LossOf], nn.Module],
) -> tuple[dict[str, Tensor], float]:
    """Train an encoder, and return its weights with its centres, and its mAP on test images.

    ``run`` trains a network and a head with a loss; ``start`` holds a classifier's weights, whose last layer is not used.
    """
    if start:
        learnt, state = read_float(start), network.state_dict()
        kept = {key: value for key, value in learnt.items() if key in state and value.shape == state[key].shape}
        network.load_state_dict(kept, strict=False)
    classifier = nn.Linear(bits, len(data.classes))
    losses: dict[str, LossOf] = {
        "dsh": hash_losses.dsh,
        "dpsh": hash_losses.dpsh,
        "dbh": lambda outputs, labels: hash_losses.dbh(outputs, labels, classifier),
    }
    trained = run(network, classifier if method == "dbh" else nn.Identity(), losses[method])
    tests, labels = outputs_of(trained, data.images[data.test]), data.labels[data.test].cpu()
    chosen = torch.randperm(len(tests), generator=torch.Generator().manual_seed(0))[:QUERIES]
    database, owners = binary(outputs_of(trained, data.images[data.train])), data.labels[data.train].cpu()
    quality = mean_average_precision(binary(tests[chosen]), labels[chosen], database, owners, TOP)
    return {**trained.state_dict(), "centres": centres_of(database, owners)}, quality


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=METHODS, default="dsh")
    parser.add_argument("--bits", type=int, default=48)
    parser.add_argument("--network", choices=NETWORKS, default="resnet18")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--start", type=Path, help="weights of a classifier of the same network and width")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--archive", default="cifar10.npz", help="or scenes15.npz, which plays landmarks")
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    data = LabelledImages(arguments.data / arguments.archive, torch.device(arguments.device))

    def run(network: nn.Module, head: nn.Module, loss: LossOf) -> nn.Module:
        trainer = Trainer(data, network, head, arguments.seed)
        return trainer.run(loss, arguments.epochs, arguments.rate, partial(print, flush=True))

    network = NETWORKS[arguments.network](arguments.bits, arguments.width)
    state, quality = train(data, arguments.method, network, arguments.bits, arguments.start, run)
    print(f"mAP at {TOP} of {QUERIES} test images {quality:.4f}", flush=True)
    save_half(state, arguments.output)


if __name__ == "__main__":
    main()
