"""The gain of computing waiting photos as one batch, on this machine's device.

The best case of it: photos of one size and one policy, that are all there at once.
"""

import statistics
import time

import numpy as np
import torch

from daemon.figures import say
from protectors.channel.channel_set import expected
from protectors.cloak import Cloakroom
from protectors.optimisation import Optimising, optimise
from protectors.policy import BUDGETS, Policy
from protectors.quality import as_tensor
from protectors.together import Together
from tests.daemon.samples import astronaut

SIZE = (480, 320)
BATCHES = (1, 2, 4)
PHOTOS = max(BATCHES)
TURNS = 5
POLICY = Policy(("scene",))
"""The protector whose steps are the quickest, of which a batch has the most to gain."""
STEPS = 6
"""Steps of the bare cost: each is a forward and a backward pass."""


def measure() -> dict[str, float]:
    """Photos in batches of N over photos one at a time: `batch.gain_N`, how many more a second; `batch.wait_N`, how much
    longer a photo takes on average from the moment at which all are there, since a batch lasts as long as its slowest;
    `batch.step_gain_N`, the gain of single steps."""
    room = Cloakroom()
    photos = torch.cat([as_tensor(np.roll(np.asarray(astronaut(*SIZE)), 40 * number, 1)) for number in range(PHOTOS)])
    photos = photos.to(room.device)
    whole: dict[int, list[float]] = {size: [] for size in BATCHES}
    waits: dict[int, list[float]] = {size: [] for size in BATCHES}
    steps: dict[int, list[float]] = {size: [] for size in BATCHES}
    for turn in range(TURNS + 1):
        for size in BATCHES:
            # The same targets for each size of batch, and others in each turn.
            protectors = room.optimising(POLICY, turn, expected(max(SIZE), max(SIZE)))
            batches = photos.split(size)
            ends = np.cumsum([_optimisation(protectors, batch) for batch in batches])
            bare = sum(_steps(protectors, batch) for batch in batches)
            # The first turn warms up.
            if turn:
                whole[size].append(float(ends[-1]))
                waits[size].append(float(ends.mean()))
                steps[size].append(bare)
                say(f"{PHOTOS} photos by {size}: {ends[-1]:.2f} s, {ends.mean():.2f} s on average; steps: {bare:.2f} s")
    figures = {"batch.photos": float(PHOTOS)}
    for size in BATCHES[1:]:
        figures[f"batch.gain_{size}"] = statistics.median(whole[1]) / statistics.median(whole[size])
        figures[f"batch.wait_{size}"] = statistics.median(waits[size]) / statistics.median(waits[1])
        figures[f"batch.step_gain_{size}"] = statistics.median(steps[1]) / statistics.median(steps[size])
    return figures


def _optimisation(protectors: list[Optimising], batch: torch.Tensor) -> float:
    budget = BUDGETS["balanced"]
    begun = time.perf_counter()
    for _ in optimise(batch, Together([protector.objective(batch, budget) for protector in protectors]), budget):
        pass
    return time.perf_counter() - begun


def _steps(protectors: list[Optimising], batch: torch.Tensor) -> float:
    objective = Together([protector.objective(batch, BUDGETS["balanced"]) for protector in protectors])
    objective.finished(batch, 0)
    begun = time.perf_counter()
    for step in range(STEPS):
        objective.descend(batch, step, None)
    if batch.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun
