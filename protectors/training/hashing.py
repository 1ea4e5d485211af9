"""Trains the hash encoders on CIFAR-10 (``cifar10.npz``, training split): DSH, DBH and DPSH at any number of bits.

    python -m protectors.training.hashing --method dsh --bits 48 --network resnet18 --start resnet18.safetensors \\
        --output dsh48.safetensors

The papers start from networks that have learnt ImageNet (DBH, DPSH) or learn from nothing (DSH); here all start from a
classifier of CIFAR-10's training split (``protectors.training.cifar``): no ImageNet weights are at hand, and it saves hours.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from protectors.adversaries.cifar_networks import NETWORKS
from protectors.adversaries.hash_encoder import binary
from protectors.archive import DEFAULT_FOLDER
from protectors.evaluation.retrieval import mean_average_precision
from protectors.training import hash_losses
from protectors.training.cifar import Cifar, Trainer, outputs_of, save_halved

METHODS = ("dsh", "dbh", "dpsh")
QUERIES = 1000
TOP = 1000


def centres_of(codes: Tensor, labels: Tensor) -> Tensor:
    """The mean code [classes, bits] of each class."""
    return torch.stack([codes[labels == label].mean(0) for label in range(int(labels.max()) + 1)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=METHODS, default="dsh")
    parser.add_argument("--bits", type=int, default=48)
    parser.add_argument("--network", choices=NETWORKS, default="resnet18")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--start", type=Path, help="weights of a classifier of the same network and width")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    cifar = Cifar(arguments.data, torch.device(arguments.device))
    network = NETWORKS[arguments.network](arguments.bits, arguments.width)
    if arguments.start:
        learnt = {key: value.float() for key, value in load_file(arguments.start).items()}
        own = network.state_dict()
        # All but the last layer, whose outputs were classes.
        network.load_state_dict({key: value for key, value in learnt.items() if value.shape == own[key].shape}, strict=False)
    classifier = nn.Linear(arguments.bits, len(cifar.classes))

    def loss_of(outputs: Tensor, labels: Tensor) -> Tensor:
        if arguments.method == "dbh":
            return hash_losses.dbh(outputs, labels, classifier)
        return {"dsh": hash_losses.dsh, "dpsh": hash_losses.dpsh}[arguments.method](outputs, labels)

    trainer = Trainer(cifar, network, classifier if arguments.method == "dbh" else nn.Identity(), arguments.seed)
    trainer.run(loss_of, arguments.epochs, arguments.rate)
    tests, labels = outputs_of(trainer.average, cifar.images[cifar.test]), cifar.labels[cifar.test].cpu()
    database, owners = binary(outputs_of(trainer.average, cifar.images[cifar.train])), cifar.labels[cifar.train].cpu()
    quality = mean_average_precision(binary(tests[:QUERIES]), labels[:QUERIES], database, owners, TOP)
    print(f"mAP at {TOP} of {QUERIES} test images {quality:.4f}", flush=True)
    save_halved({**trainer.average.state_dict(), "centres": centres_of(database, owners)}, arguments.output)


if __name__ == "__main__":
    main()
