"""Every area, in the order in which they are looked at: what others rest upon comes first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from daemon.doctor import browsers, devices, machine, models, packages, pairings, running, service, state_folder, worker
from daemon.doctor.finding import Check, Finding, FixError, Place
from daemon.state.settings import KEYS, SettingsError, Values, closest, read, unknown_variables

QUICK: Final[tuple[Check, ...]] = (
    packages.check,
    machine.check,
    state_folder.check,
    pairings.check,
    running.check,
    service.check,
    models.check,
    devices.check,
    browsers.check,
)
THOROUGH: Final[tuple[Check, ...]] = (*QUICK, worker.check)


def examine(state: Path, is_quick: bool = False, port: str | None = None) -> Iterator[Finding]:
    """Look at everything, and say of each area how it is.

    Args:
        state: the state folder.
        is_quick: without a worker, which takes some seconds to start.
        port: counts for more than the one in the settings.
    """
    try:
        values = read({"port": port}).values
        yield Finding("settings", "settings", "every setting can be read")
    except SettingsError as problem:
        values = Values()
        advice = "Correct it, then run this again; until then the daemon does not start. The rest is looked at with defaults."
        yield Finding("settings-invalid", "settings", str(problem), advice)
    for name in unknown_variables():
        hint = closest(name, [key.variable for key in KEYS.values()])
        advice = f"Unset it, or correct its name.{hint} `cloakroom settings example` has them all."
        yield Finding("variable-unknown", "settings", f"{name} is set and means nothing to Cloakroom", advice)
    faults: set[str] = set()
    for check in QUICK if is_quick else THOROUGH:
        for finding in check(Place(state, values, frozenset(faults))):
            if not finding.good:
                faults.add(finding.code)
            yield finding


def mend(finding: Finding) -> tuple[bool, str]:
    """Whether it was mended, and what was done or why it was not."""
    if finding.fix is None:
        return False, "This has to be done by you."
    try:
        return True, finding.fix()
    except FixError as problem:
        return False, str(problem)
    except OSError as problem:
        return False, f"{problem.filename or finding.area} could not be changed ({problem.strerror})."
