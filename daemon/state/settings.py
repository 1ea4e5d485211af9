"""How Cloakroom is set up: one TOML file, CLOAKROOM_* variables over it, and options of the command line over both.

What a key means, what it takes and what it is by default stands once, in `Values`: the example file, the help of
`cloakroom serve` and every complaint are made from it.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
import platformdirs
from msgspec import Meta

from daemon import DEFAULT_PORT

PREFIX: Final = "CLOAKROOM_"
PLACES: Final = frozenset({"CLOAKROOM_STATE", "CLOAKROOM_SETTINGS", "CLOAKROOM_DATA"})
"""Variables that say where something is, and are no settings."""

GIB: Final = 1024**3
LEAST_MEMORY: Final = GIB // 4
_UNITS: Final = {"MiB": 1024**2, "GiB": GIB, "MB": 10**6, "GB": 10**9}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?(MiB|GiB|MB|GB)")
_TRUTHS: Final = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

LogLevel = Literal["debug", "info", "warning", "error"]


def _key(takes: str, about: str, **bounds: Any) -> Meta:
    return Meta(description=about, extra={"takes": takes}, **bounds)


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """The settings, each with its default."""

    port: Annotated[
        int,
        _key(
            "a whole number from 0 to 65535",
            "Port on 127.0.0.1 that the daemon listens on; 0 picks a free one. Browsers learn it when they are paired, so pair "
            "them again after a change.",
            ge=0,
            le=65535,
        ),
    ] = DEFAULT_PORT
    device: Annotated[
        str,
        _key(
            '"auto", "cpu", "cuda", "cuda:1" (a certain one) or "mps"',
            "What photos are cloaked on; auto takes a graphics card where there is one.",
            pattern=r"^(auto|cpu|mps|cuda(:\d{1,2})?)\Z",
        ),
    ] = "auto"
    threads: Annotated[
        Literal["auto"] | Annotated[int, Meta(ge=1, le=1024)],
        _key(
            '"auto" or a whole number from 1 to 1024',
            "Processor threads that cloak photos; auto leaves you one core where there are more than two.",
        ),
    ] = "auto"
    seconds: Annotated[
        Literal["any"] | Annotated[float, Meta(ge=1, le=86400)],
        _key(
            '"any", or seconds from 1 to 86400',
            "About the most seconds that the daemon takes for a photo: it ends its steps early enough that fitting and judging "
            "are about done by then. A large photo takes longer than few seconds even without steps. It holds with the real "
            "networks, on this machine; any is as long as the strength takes.",
        ),
    ] = "any"
    deadline: Annotated[
        float,
        _key("seconds, from 1 to 86400", "Seconds that one photo may take before it is given up.", ge=1, le=86400),
    ] = 600.0
    memory: Annotated[
        Literal["auto"] | Annotated[int, Meta(ge=LEAST_MEMORY)],
        _key(
            '"auto", or bytes, at least 256 MiB: 4000000000, "4 GB" or "4 GiB"',
            "Memory that the worker may hold before it is stopped; auto is three quarters of the machine's, at most 16 GiB.",
        ),
    ] = "auto"
    worker: Annotated[
        Literal["boot", "need"],
        _key(
            '"boot" or "need"',
            "When the worker is started, which has the models: with the daemon (boot), or with the first photo or "
            "`cloakroom status` (need); that photo takes some seconds longer, and until then the memory is yours.",
        ),
    ] = "boot"
    log: Annotated[
        LogLevel,
        _key(
            '"debug", "info", "warning" or "error"',
            "How much the daemon tells of itself. No level names photos, sites, codes or keys.",
        ),
    ] = "info"
    mirror: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^(https?://[^\s@/]+|file://)(/[^\s@]*)?\Z")], ...],
        _key(
            "addresses that begin with https://, http:// or file://, without a password; in a variable, spaces between them",
            "Where models are fetched from instead of their own addresses, each tried in turn.",
            max_length=16,
        ),
    ] = ()
    offline: Annotated[
        bool,
        _key("true or false", "Never fetch a model from the network; mirrors that begin with file:// still serve."),
    ] = False
    metrics: Annotated[
        bool,
        _key("true or false", "Keep counts and durations for `cloakroom status`, Prometheus and the dashboard."),
    ] = True


@dataclass(frozen=True)
class Key:
    """One setting as a person is told of it."""

    name: str
    takes: str
    about: str
    default: Any

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


@dataclass(frozen=True)
class Effective:
    """The settings that apply, and each one's origin: "default", the file, a variable or an option."""

    values: Values
    origins: Mapping[str, str]
    file: Path


class SettingsError(Exception):
    """A setting cannot be used; the text names it, says where it stands and what to do."""


_FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Values)}


def _documented(name: str) -> Key:
    field = _FIELDS[name]
    meta = next(part for part in get_args(field.type) if isinstance(part, Meta))
    extra = meta.extra or {}
    return Key(name, extra["takes"], meta.description or "", field.default)


KEYS: Final = {name: _documented(name) for name in _FIELDS}


def settings_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The file that CLOAKROOM_SETTINGS or the platform names, in this order; it need not exist."""
    named = environment.get("CLOAKROOM_SETTINGS")
    return Path(named) if named else platformdirs.user_config_path("cloakroom", appauthor=False) / "settings.toml"


def read(options: Mapping[str, str | None] | None = None, environment: Mapping[str, str] = os.environ) -> Effective:
    """Return the settings that apply now.

    Args:
        options: texts from the command line by key; None where an option was not given.
        environment: variables.

    Raises:
        SettingsError: something given is no setting, or not what its key takes.
    """
    file = settings_file(environment)
    values, origins = _from_file(file, bool(environment.get("CLOAKROOM_SETTINGS")))
    for name, key in KEYS.items():
        text = environment.get(key.variable)
        # An empty variable is how a shell says "not set".
        if text:
            values[name], origins[name] = _converted(name, _meant(name, text), key.variable), key.variable
    for name, given in (options or {}).items():
        if given is not None:
            values[name], origins[name] = _converted(name, _meant(name, given), f"--{name}"), f"--{name}"
    return Effective(Values(**values), {name: origins.get(name, "default") for name in KEYS}, file)


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Variables that look like ours and mean nothing."""
    known = PLACES | {key.variable for key in KEYS.values()}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def closest(name: str, known: Mapping[str, object] | list[str]) -> str:
    """ "Did you mean …?" for a name that is almost one that is known; else empty."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _from_file(file: Path, is_named: bool) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if is_named:
            raise SettingsError(f"CLOAKROOM_SETTINGS names {file}, which is not there. Correct it or unset it.") from None
        return {}, {}
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8"
        raise SettingsError(f"{file} cannot be read ({reason}). Make it readable for you, or remove it.") from None
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        said = str(problem)
        raise SettingsError(
            f"{file} is not TOML: {said[:1].lower()}{said[1:]}. Correct it; `cloakroom settings example` prints a right one."
        ) from None
    values, origins = {}, {}
    for name, value in found.items():
        place = f"{file}{_line_of(name, text)}"
        if name not in KEYS:
            hint = closest(name, KEYS) or " `cloakroom settings example` prints every setting there is."
            raise SettingsError(f"{place}: there is no setting {name}.{hint} Correct the line or delete it.")
        values[name], origins[name] = _converted(name, value, place), str(file)
    return values, origins


def _line_of(name: str, text: str) -> str:
    found = re.search(rf"""^[ \t]*(\[+[ \t]*)?["']?{re.escape(name)}["']?[ \t]*[.=\]]""", text, re.MULTILINE)
    return f", line {text.count(chr(10), 0, found.start()) + 1}" if found else ""


def _meant(name: str, text: str) -> Any:
    """A text from a variable or an option as the value that TOML would have."""
    default = KEYS[name].default
    if isinstance(default, bool):
        return _TRUTHS.get(text.lower(), text)
    if isinstance(default, tuple):
        return text.split()
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"-?\d+\.\d+", text):
        return float(text)
    return text


def _converted(name: str, value: Any, place: str) -> Any:
    """The value as its key has it. What was given is not repeated: a mistaken paste may hold anything."""
    if name == "memory" and isinstance(value, str) and (size := _SIZE.fullmatch(value)):
        value = int(float(size[1]) * _UNITS[size[2]])
    if name == "mirror" and isinstance(value, str):
        value = [value]
    try:
        return msgspec.convert(value, _FIELDS[name].type, strict=True)
    except msgspec.ValidationError:
        key = KEYS[name]
        raise SettingsError(
            f"{place}: {name} takes {key.takes}. Correct it, or leave it out for the default ({shown(key.default)})."
        ) from None


def shown(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(shown(part) for part in value)}]"
    # What our patterns admit needs no escapes.
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def worker_seconds(values: Values) -> float | None:
    """The most seconds that a photo may take; None for any."""
    return None if values.seconds == "any" else values.seconds


def worker_threads(values: Values) -> int | None:
    """CPU threads for the worker; None leaves it to torch, which takes them all or what OMP_NUM_THREADS says."""
    if values.threads != "auto":
        return values.threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores - 1 if cores > 2 and not os.environ.get("OMP_NUM_THREADS") else None
