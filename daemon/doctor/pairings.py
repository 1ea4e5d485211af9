"""Browsers that are paired: a file each, whole and well-formed."""

from collections.abc import Iterator
from pathlib import Path

from daemon.doctor.finding import Finding, Fix, Place
from daemon.doctor.state_folder import UNUSABLE
from daemon.front.pairing import DamagedPairingError, client_files, read_client


def check(place: Place) -> Iterator[Finding]:
    unusable = place.faults & UNUSABLE
    if unusable:
        yield Finding("pairings", "pairings", f"were not looked at, because of {min(unusable)}")
        return
    labels = []
    for path in client_files(place.state / "clients"):
        try:
            labels.append(read_client(path).label)
        except DamagedPairingError as problem:
            advice = "Move it away, restart the daemon, and pair that browser again with `cloakroom pair`."
            yield Finding("pairing-damaged", "pairings", f"{path.name} {problem}", advice, _moving_aside(path))
        except OSError:
            # Whose it is and who may read it, the state folder's own check says.
            continue
    if labels:
        yield Finding("pairings", "pairings", f"{len(labels)} browser(s) are paired")
    else:
        advice = "Add the extension, run `cloakroom pair`, and type the code on the extension's page."
        yield Finding("browser-unpaired", "pairings", "no browser is paired yet, or none is any more", advice, is_step=True)


def _moving_aside(path: Path) -> Fix:
    def move() -> str:
        path.rename(path.with_suffix(".damaged"))
        return "It was moved aside; that browser pairs again."

    return move
