"""The model store: what the manifest offers, what has been pulled, and whether it is what it should be.

Nothing reads a downloaded file before its SHA-256 was found right, and what is kept afterwards are safetensors: a
checkpoint's pickle is opened once, by torch's reader that loads tensors and nothing else.
"""

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from daemon.models.fetching import FetchError, Report, fetch
from daemon.models.partial import Part, halves
from daemon.models.registries import leftovers, unpacked
from daemon.state.folder import Lock, StateError, prepare, write_private
from protectors.manifest import Entry, entries, hash_file, is_right, sha256_of, weights_file


class ModelError(Exception):
    """A model could not be pulled or is damaged; the text says what to do."""


def model_folder(state: Path) -> Path:
    """Return the folder of pulled models."""
    return state / "models"


def embedded_classes() -> tuple[str, ...]:
    """Return the classes of the embedded detector, known before the worker has loaded it."""
    return next((entry.classes for entry in entries() if entry.task == "objects" and entry.set == "embedded"), ())


def chosen(names: list[str]) -> list[Entry]:
    """The entries of these names, or all that can be pulled.

    Raises:
        ModelError: a name is not in the manifest.
    """
    known = {name: entry for entry in entries() for name in entry.names}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ModelError(f"No model is called {unknown[0]}. See `cloakroom models list`.")
    return [known[name] for name in names] if names else [entry for entry in entries() if entry.url or entry.package]


def mirrored(url: str, mirror: str | None) -> str:
    """The url with a mirror's scheme and host (and the path that the mirror begins with) in place of its own."""
    if not mirror:
        return url
    target, source = urlsplit(mirror), urlsplit(url)
    # A file has no query.
    query = "" if target.scheme == "file" else source.query
    return urlunsplit((target.scheme, target.netloc, target.path.rstrip("/") + source.path, query, ""))


def pull(entry: Entry, folder: Path, report: Report, mirrors: Sequence[str] = (), is_offline: bool = False) -> Path:
    """Fetch, check, convert and keep one model as ``pull_all`` does, and return where its weights are.

    Raises:
        ModelError: it has no source, the fetch failed, the hash is wrong, or the file holds no network.
    """
    if entry.file is not None:
        return entry.file
    problems = pull_all([entry], folder, report, mirrors, is_offline)
    if problems:
        raise ModelError(problems[entry.name])
    return folder / f"{entry.name}.safetensors"


def pull_all(
    wanted: Sequence[Entry], folder: Path, report: Report, mirrors: Sequence[str] = (), is_offline: bool = False
) -> dict[str, str]:
    """Fetch, check, convert and keep models; what is there and right already is kept as it is.

    Args:
        wanted: the manifest's entries. Those of one package share its download.
        folder: where pulled models are kept.
        report: hears of progress.
        mirrors: replace the scheme and host of addresses, each tried in turn; none takes a file from its own address.
            Packages come from where the person's own clients take them.
        is_offline: the network is not asked.

    Returns:
        Of each model that is not there afterwards, by its name, why.

    Raises:
        ModelError: the folder cannot be used.
    """
    try:
        # One at a time: two would write to the same part.
        lock = Lock(prepare(folder), "Models are being fetched into this folder already. Wait until that is done.")
        lock.acquire()
    except StateError as problem:
        raise ModelError(str(problem)) from None
    try:
        for leftover in leftovers(folder):
            shutil.rmtree(leftover, ignore_errors=True)
        missing = [entry for entry in wanted if entry.file is None and verify(entry, folder) != "ok"]
        for entry in missing:
            for leftover in _conversions(folder, entry.name):
                leftover.unlink()
        problems: dict[str, str] = {}
        for group in _by_package(missing):
            try:
                if group[0].package:
                    _pull_package(group, folder, report, is_offline)
                else:
                    _pull_file(group[0], folder, report, mirrors, is_offline)
            except (ModelError, FetchError) as problem:
                problems |= {entry.name: str(problem) for entry in group if verify(entry, folder) != "ok"}
        return problems
    finally:
        lock.release()


def _by_package(wanted: Sequence[Entry]) -> list[list[Entry]]:
    """Models that come with the same package side by side, every other one alone."""
    groups: dict[str, list[Entry]] = {}
    for entry in wanted:
        groups.setdefault(str(entry.package) if entry.package else entry.name, []).append(entry)
    return list(groups.values())


def _pull_package(group: Sequence[Entry], folder: Path, report: Report, is_offline: bool) -> None:
    packages = [entry.package for entry in group if entry.package]
    if is_offline:
        raise FetchError(
            f"{packages[0]} was not fetched, because Cloakroom is set to be offline. Set CLOAKROOM_OFFLINE=0 "
            "(`cloakroom settings` says where it is set)."
        )
    every = {path: sha256 for package in packages for path, sha256 in package.files.items()}
    with unpacked(replace(packages[0], files=every), folder, report) as files:
        places = dict(zip(every, files, strict=True))
        for entry, package in zip(group, packages, strict=True):
            _keep(entry, [places[path] for path in package.files], folder)


def _pull_file(entry: Entry, folder: Path, report: Report, mirrors: Sequence[str], is_offline: bool) -> None:
    if entry.url is None:
        raise ModelError(f"{entry.name} has no address to pull it from.")
    if urlsplit(entry.url).scheme not in ("https", "http"):
        raise ModelError(f"{entry.name}: only http and https addresses are pulled from.")
    part = Part(folder, entry.name, entry.sha256, entry.bytes)
    sources = [mirrored(entry.url, mirror) for mirror in mirrors] or [entry.url]
    checkpoint = fetch(part, sources, report, room=entry.bytes, is_offline=is_offline)
    try:
        _keep(entry, [checkpoint], folder)
    except ModelError:
        part.remove()
        raise
    # Only now: one who is killed while it is converted does not have to fetch it again.
    part.remove()


def _keep(entry: Entry, files: Sequence[Path], folder: Path) -> None:
    """Convert files whose hashes were right to safetensors, with their own hash beside them."""
    # Imported here: `models list` and the front process do without torch.
    from protectors.pretrained.conversion import READERS, convert
    from protectors.pretrained.graph import GraphError

    target = folder / f"{entry.name}.safetensors"
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        if entry.architecture in READERS:
            convert(entry.architecture, files, temporary)
        else:
            _convert_checkpoint(entry, files[0], temporary)
        temporary.chmod(0o600)
        write_private(hash_file(target), sha256_of(temporary).encode())
        temporary.replace(target)
    except GraphError as problem:
        raise ModelError(f"{entry.name}: the file holds no network that is known here ({problem}).") from None
    finally:
        temporary.unlink(missing_ok=True)


def _convert_checkpoint(entry: Entry, checkpoint: Path, target: Path) -> None:
    """Write the tensors of a PyTorch checkpoint to a safetensors file."""
    import pickle
    import warnings

    import torch
    from safetensors.torch import save_file

    try:
        # torch warns of unusual pickles and then refuses them; the refusal is what a person is told.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError):
        raise ModelError(f"{entry.name}: the file holds more than tensors, or is no checkpoint. It was deleted.") from None
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        # Places365 wraps its weights, and names them after the DataParallel they were trained in.
        state = {name.removeprefix("module."): value for name, value in state["state_dict"].items()}
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ModelError(f"{entry.name}: the file holds no weights. It was deleted.")
    # Clones, because safetensors refuses tensors that share memory.
    save_file({name: value.contiguous().clone() for name, value in state.items()}, target)


def _conversions(folder: Path, name: str) -> list[Path]:
    """Return the files that killed conversions have left."""
    return sorted(folder.glob(f".{name}.safetensors.*"))


def unfinished(folder: Path) -> list[Path]:
    """Every file that a pull which was killed has left."""
    return [*halves(folder), *_conversions(folder, "*")]


def verify(entry: Entry, folder: Path) -> str:
    """ "ok", "damaged", or "absent" where it has not been pulled.

    An embedded file is held against the manifest; a pulled one against the hash written when it was converted from
    the file that the manifest knows.
    """
    path = weights_file(entry, folder)
    if path is None or not path.is_file():
        return "damaged" if entry.file is not None else "absent"
    return "ok" if is_right(entry, path) else "damaged"
