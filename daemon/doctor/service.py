"""The service of the person's session: as this version would install it, and not given up by its manager."""

from collections.abc import Iterator
from pathlib import Path

from daemon.doctor.finding import Finding, FixError, Place
from daemon.service import manager as service
from daemon.service import units
from daemon.state.folder import is_locked


def check(place: Place) -> Iterator[Finding]:
    files = units.files(place.values.port)
    here = [file for file in files if file.exists()]
    if not here:
        start = "`cloakroom service install` starts the daemon with your session"
        yield Finding("service", "service", f"not installed. {start if service.has_manager() else service.by_hand()}")
        return
    wrong = [*_outdated(place, files), *_failed(place)]
    yield from wrong
    if not wrong:
        yield Finding("service", "service", f"installed as this version has it ({service.condition().said})")


def _outdated(place: Place, files: dict[Path, bytes]) -> Iterator[Finding]:
    other = [file for file, text in files.items() if not file.exists() or file.read_bytes() != text]
    if not other:
        return

    def reinstall() -> str:
        try:
            service.install(place.values.port)
        except service.ServiceError as problem:
            raise FixError(str(problem)) from None
        return "It was installed again."

    found = f"{other[0].name} is not as this Cloakroom would write it: of another version, folder or port"
    yield Finding("service-outdated", "service", found, "Run `cloakroom service install`.", reinstall)


def _failed(place: Place) -> Iterator[Finding]:
    failure = service.failure()
    if failure is None:
        return

    def start() -> str:
        try:
            service.start_again()
        except service.ServiceError as problem:
            raise FixError(str(problem)) from None
        return "It was started again."

    logs = "`journalctl --user -u cloakroom -n 50` has what it said last"
    if failure == "start-limit-hit":
        found = "it failed so often that systemd gave it up"
        advice = f"See why: {logs}. Then run `systemctl --user reset-failed cloakroom`, and `cloakroom service start`."
        yield Finding("service-given-up", "service", found, advice, start)
    elif failure == service.NO_ANSWER:
        found = "it is installed, and its manager does not answer in this session"
        advice = "Log in anew (on a server: `loginctl enable-linger`), or run the daemon by hand with `cloakroom serve`."
        # What it would start may run all the same.
        yield Finding("service-unmanaged", "service", found, advice, is_step=is_locked(place.state))
    else:
        advice = f"See why: {logs}. Then run `cloakroom service start`."
        yield Finding("service-failed", "service", f"it ended and was not restarted ({failure})", advice, start)
