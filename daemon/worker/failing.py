"""The faults of a worker: those that end it by a status that the supervisor knows, and those that end one job.

Imports of torch stand inside functions: the cluster's actors import this before they have loaded it.
"""

import logging
from pathlib import Path

from daemon.wire.errors import CloakroomError
from daemon.wire.pipe import Failed

log = logging.getLogger("cloakroom.worker")

CARD_WORDS = ("CUDA", "CUBLAS", "CUDNN", "HIP ", "NVML", "out of memory")
"""Words in the errors of a card's libraries that have no type of their own."""


def is_device_lost(problem: Exception) -> bool:
    """Return whether a graphics card has failed, or was taken away; one that is merely full has not."""
    import torch

    if isinstance(problem, torch.OutOfMemoryError):
        return False
    return isinstance(problem, torch.AcceleratorError)


def is_card_unusable(problem: Exception) -> bool:
    """Return whether a graphics card keeps the models from being loaded: it has failed, or its memory is full."""
    import torch

    if isinstance(problem, torch.OutOfMemoryError | torch.AcceleratorError):
        return True
    return isinstance(problem, RuntimeError) and any(word in str(problem) for word in CARD_WORDS)


def failure_of(job: str, problem: Exception) -> Failed:
    """Log a fault of our own, and return what is said of it."""
    # The text of an exception may quote what the person sent; its type and place do not.
    log.error("job failed: %s at %s", type(problem).__name__, place_of(problem))
    failure = CloakroomError("internal")
    return Failed(job=job, code=failure.code, sentence=failure.sentence)


def place_of(problem: BaseException) -> str:
    """Return the file and line that an exception comes from."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
