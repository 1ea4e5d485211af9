"""The filter of system calls: whole, with jumps that stay inside, and letting through only what is listed."""

import errno
import re
import struct
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("seccomp is Linux's", allow_module_level=True)

import termios

from daemon.worker.jail import allowed, seccomp

EPERM, ENOSYS = seccomp.REFUSE | errno.EPERM, seccomp.REFUSE | errno.ENOSYS


@pytest.mark.parametrize("machine", seccomp.MACHINES)
@pytest.mark.parametrize("has_card", [False, True])
def test_a_filter_is_whole_and_its_jumps_stay_inside(machine: str, has_card: bool) -> None:
    steps = seccomp.program(machine, has_card)
    assert len(steps) % 8 == 0
    length = len(steps) // 8
    # BPF_MAXINSNS
    assert length < 4096
    for place in range(length):
        code, when, otherwise = steps[8 * place], steps[8 * place + 2], steps[8 * place + 3]
        if code in (seccomp.IF_EQUAL, seccomp.IF_AT_LEAST, seccomp.IF_ANY_BIT):
            assert place + 1 + max(when, otherwise) < length
    assert steps[-8] == seccomp.RETURN


def answer(steps: bytes, number: int, *values: int, machine: str = "x86_64") -> int:
    """Run the filter on a system call, and return the kernel's answer."""
    data = struct.pack("<iIQ6Q", number, seccomp.MACHINES[machine], 0, *values, *[0] * (6 - len(values)))
    place, loaded = 0, 0
    while True:
        code, when, otherwise, value = struct.unpack_from("HBBI", steps, 8 * place)
        place += 1
        if code == seccomp.RETURN:
            return int(value)
        if code == seccomp.LOAD:
            (loaded,) = struct.unpack_from("<I", data, value)
        elif code == seccomp.AND:
            loaded &= value
        else:
            is_so = {
                seccomp.IF_EQUAL: loaded == value,
                seccomp.IF_AT_LEAST: loaded >= value,
                seccomp.IF_ANY_BIT: bool(loaded & value),
            }[code]
            place += when if is_so else otherwise


@pytest.mark.parametrize("machine", seccomp.MACHINES)
@pytest.mark.parametrize("has_card", [False, True])
def test_only_what_is_listed_is_allowed(machine: str, has_card: bool) -> None:
    steps, column = seccomp.program(machine, has_card, process=4711), list(seccomp.MACHINES).index(machine)
    listed = allowed.ALWAYS | allowed.WITH_A_CARD if has_card else allowed.ALWAYS
    numbers = {numbers[column] for numbers in listed.values()} - {None}
    looked_at = {numbers[column] for numbers in allowed.LOOKED_AT.values()} - {None}
    for number in set(range(600)) - looked_at:
        expected = seccomp.ALLOW if number in numbers else ENOSYS if number in (435, *range(470, 600)) else EPERM
        assert answer(steps, number, machine=machine) == expected, number
    other = next(name for name in seccomp.MACHINES if name != machine)
    assert answer(steps, 0, machine=other) == EPERM, "the calls of another machine have other numbers"


@pytest.mark.parametrize(
    ("name", "values", "has_card", "is_allowed"),
    [
        ("ioctl", (0, termios.TCGETS), False, True),
        ("ioctl", (0, termios.TIOCSTI), False, False),
        ("ioctl", (0, 1 << 32 | termios.TIOCSTI), False, False),
        ("ioctl", (0, 0xC0384600), False, False),
        ("ioctl", (0, 0xC0384600), True, True),
        ("ioctl", (0, termios.TIOCSTI), True, False),
        ("ioctl", (0, 1 << 32 | termios.TIOCSTI), True, False),
        ("clone", (0x3D0F00,), False, True),
        ("clone", (17,), False, False),
        ("prlimit64", (0, 7, 0, 1), False, True),
        ("prlimit64", (4712, 7, 0, 1), False, False),
        ("prlimit64", (0, 7, 1 << 32, 1), False, False),
        ("prctl", (15,), False, True),
        ("prctl", (4, 1), False, False),
        ("tgkill", (4711, 4711, 6), False, True),
        ("tgkill", (4712, 4712, 6), False, False),
        ("sched_setaffinity", (0,), False, True),
        ("sched_setaffinity", (4712,), False, False),
        ("fcntl", (3, 1030), False, True),
        ("fcntl", (3, 8, 4712), False, False),
    ],
)
def test_some_are_allowed_by_their_values(name: str, values: tuple[int, ...], has_card: bool, is_allowed: bool) -> None:
    steps = seccomp.program("x86_64", has_card, process=4711)
    number = allowed.LOOKED_AT[name][0]
    assert number is not None
    assert answer(steps, number, *values) == (seccomp.ALLOW if is_allowed else EPERM)


HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


@pytest.mark.skipif(not HEADER.exists(), reason="needs the kernel's headers for x86_64")
def test_the_numbers_are_the_kernels() -> None:
    known = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", HEADER.read_text())}
    listed = allowed.ALWAYS | allowed.LOOKED_AT | allowed.WITH_A_CARD
    assert {name: own[0] for name, own in listed.items() if name in known} == {
        name: known[name] for name in listed if name in known
    }
