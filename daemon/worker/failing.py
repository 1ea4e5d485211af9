"""Logs a fault of our own that ends one job, and says so."""

import logging
from pathlib import Path

from daemon.wire.errors import CloakroomError
from daemon.wire.pipe import Failed

log = logging.getLogger("cloakroom.worker")


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
