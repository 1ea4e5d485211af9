"""The worker steps back behind whatever the person does with the machine meanwhile."""

import contextlib
import os
import sys

import psutil

NICE = 5


def step_back() -> None:
    """Lower this process's priority; where the system does not let it, it works on as it is."""
    if sys.platform == "win32":
        with contextlib.suppress(psutil.Error):
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        with contextlib.suppress(OSError):
            os.nice(NICE)
