"""The worker's memory is in one arena where the C library is glibc."""

import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, threading
from daemon.worker.allocator import keep_one_arena

assert keep_one_arena()
for _ in range(4):
    thread = threading.Thread(target=lambda: [bytearray(1000) for _ in range(1000)])
    thread.start()
    thread.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_threads_share_one_arena() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert "Arena 0:" in run.stderr
    assert "Arena 1:" not in run.stderr
    without = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("assert keep_one_arena()", "")],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Arena 1:" in without.stderr
