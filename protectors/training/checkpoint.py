"""Checkpoints from which training runs can resume: network, optimiser and progress in one safetensors file."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim import AdamW

NETWORK, OPTIMISER = "network.", "optimiser."


class OtherRunError(Exception):
    """A checkpoint belongs to a run with another recipe or other models."""


def save(path: Path, network: nn.Module, optimiser: AdamW, run: str, facts: Mapping[str, str]) -> None:
    """Write a checkpoint, replacing the previous one.

    Args:
        path: the file.
        network: the network in training.
        optimiser: the optimiser of all the network's parameters, in their order.
        run: the run's recipe and models; resuming with others is an error.
        facts: the run's progress.
    """
    tensors = {f"{NETWORK}{key}": value for key, value in network.state_dict().items()}
    names = [name for name, _ in network.named_parameters()]
    for name, state in zip(names, optimiser.state_dict()["state"].values(), strict=True):
        tensors |= {f"{OPTIMISER}{name}.{key}": value for key, value in state.items()}
    unfinished = path.with_suffix(".new")
    kept = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    save_file(kept, unfinished, {**facts, "run": run})
    unfinished.replace(path)


def resume(path: Path, network: nn.Module, optimiser: AdamW, run: str) -> Mapping[str, str]:
    """Restore a network and its optimiser from a checkpoint, and return its facts.

    Raises:
        OtherRunError: the checkpoint is of another run.
    """
    with safe_open(path, "pt") as file:
        facts: dict[str, str] = file.metadata() or {}
    if facts.get("run") != run:
        raise OtherRunError(f"{path} is of another run ({facts.get('run')}): remove it, or name another file")
    tensors = load_file(path)
    network.load_state_dict({key.removeprefix(NETWORK): value for key, value in tensors.items() if key.startswith(NETWORK)})
    state = optimiser.state_dict()
    state["state"] = {
        number: {key: tensors[f"{OPTIMISER}{name}.{key}"] for key in ("step", "exp_avg", "exp_avg_sq")}
        for number, (name, _) in enumerate(network.named_parameters())
    }
    optimiser.load_state_dict(state)
    return facts
