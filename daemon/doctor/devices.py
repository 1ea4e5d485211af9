"""The device that the settings name. Asked of the driver: torch takes seconds to say the same."""

import ctypes
import platform
import sys
from collections.abc import Iterator

from daemon.doctor.finding import Finding, Place

DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def check(place: Place) -> Iterator[Finding]:
    wanted = place.values.device
    if wanted in ("auto", "cpu"):
        yield Finding("device", "device", wanted)
        return
    if wanted == "mps":
        is_here = platform.system() == "Darwin" and platform.machine() == "arm64"
        found = "this is no Mac with Apple's own processor"
    else:
        cards = cuda_cards()
        is_here = cards > int(wanted.partition(":")[2] or 0)
        found = f"its driver finds {cards} graphics card(s)"
    if is_here:
        yield Finding("device", "device", f"{wanted} is there")
    else:
        advice = 'Set device to "auto" (`cloakroom settings` says where it is set) or install its driver; restart the daemon.'
        yield Finding("device-absent", "device", f"device is set to {wanted}, and {found}", advice)


def cuda_cards() -> int:
    """How many cards NVIDIA's driver finds; 0 without it. cuInit and cuDeviceGetCount return 0 where they succeed."""
    try:
        driver = ctypes.CDLL(DRIVER)
        count = ctypes.c_int(0)
        if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
            return 0
    except (OSError, AttributeError):
        return 0
    return count.value
