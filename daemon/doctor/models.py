"""Models: every one that is here is what it should be, and no download lies about half done."""

from collections.abc import Iterator
from pathlib import Path

from daemon.doctor.finding import Finding, Fix, Place
from daemon.models.store import unfinished, verify
from daemon.state.folder import is_locked
from protectors.generators import imported
from protectors.manifest import DamagedWeightsError, Entry, entries, model_set

AGAIN = "Install Cloakroom again: `python3 install` in its folder, from a fresh copy."


def check(place: Place) -> Iterator[Finding]:
    try:
        known = entries()
    except DamagedWeightsError as problem:
        yield Finding("model-list-damaged", "models", str(problem), AGAIN)
        return
    if not known:
        yield Finding("model-list-damaged", "models", "the list of models is not there", AGAIN)
        return
    wrong = [*_damaged((*known, *imported(place.models)), place.models), *_halves(place.models)]
    yield from wrong
    if not wrong:
        here = [entry.name for entry in known if verify(entry, place.models) == "ok"]
        told = f"{len(here)} are here and right"
        if model_set(place.models) == "embedded":
            told += "; photos are cloaked against demonstration models: `cloakroom models pull` fetches real networks"
        yield Finding("models", "models", told)


def _damaged(known: tuple[Entry, ...], folder: Path) -> Iterator[Finding]:
    for entry in known:
        if verify(entry, folder) != "damaged":
            continue
        if entry.set == "imported":
            advice = f"Run `cloakroom models remove {entry.name}`, and import it again from its service."
            yield Finding("generator-damaged", "models", f"the generator {entry.name} is damaged", advice)
        elif entry.file is None:
            found = f"{entry.name}, which was pulled, is damaged"
            advice = f"Delete it, then run `cloakroom models pull {entry.name}` and restart the daemon."
            yield Finding("model-pulled-damaged", "models", found, advice, _removal(entry, folder))
        elif entry.file.is_file():
            yield Finding("model-embedded-damaged", "models", f"{entry.name} is damaged", AGAIN)
        else:
            yield Finding("model-embedded-absent", "models", f"{entry.name} is not there", AGAIN)


def _removal(entry: Entry, folder: Path) -> Fix:
    def remove() -> str:
        for suffix in (".safetensors", ".sha256"):
            (folder / f"{entry.name}{suffix}").unlink(missing_ok=True)
        return f"It was deleted. `cloakroom models pull {entry.name}` fetches it anew; restart the daemon then."

    return remove


def _halves(folder: Path) -> Iterator[Finding]:
    found = unfinished(folder)
    # Whoever fetches right now holds the lock.
    if not found or is_locked(folder):
        return

    def remove() -> str:
        for path in found:
            path.unlink(missing_ok=True)
        return "What was there of it was deleted."

    size = sum(path.stat().st_size for path in found)
    name = found[0].name.strip(".").partition(".")[0]
    said = f"a download of {name} was not finished ({size / 1e6:.1f} MB)"
    advice = f"Run `cloakroom models pull {name}`, which goes on; or this with --fix, which deletes it."
    yield Finding("model-half", "models", said, advice, remove)
