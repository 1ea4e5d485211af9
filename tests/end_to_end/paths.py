"""Every way in which a page gets at a photo, one page each."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Path:
    """A page, what a person does on it, and the files they do it with.

    `sends` tells how many of the files arrive where that is not all of them.
    """

    name: str
    files: tuple[str, ...] = ("jpeg",)
    action: Literal["pick", "drop", "paste"] = "pick"
    press: bool = False
    keeps_stamps: bool = True
    is_folder: bool = False
    """Whether the person picks or drops the folder that the files lie in."""


PATHS = (
    Path("attached"),
    Path("attached-png", ("png",)),
    Path("attached-disguised", ("disguised",)),
    Path("multiple", ("jpeg", "pdf", "png")),
    Path("detached"),
    Path("synthetic"),
    Path("shadow-open"),
    Path("shadow-closed"),
    Path("declarative"),
    Path("iframe"),
    Path("srcdoc"),
    Path("blank"),
    Path("drop", ("jpeg", "pdf"), "drop"),
    Path("drop-input", ("jpeg",), "drop"),
    Path("drop-items", ("jpeg",), "drop"),
    Path("paste", ("png",), "paste"),
    Path("polling"),
    Path("submit-at-once", keeps_stamps=False),
    Path("submit-by-timer", keeps_stamps=False),
    Path("button", press=True, keeps_stamps=False),
    Path("required", press=True, keeps_stamps=False),
    Path("reader", keeps_stamps=False),
    Path("raw", keeps_stamps=False),
    Path("head-listener"),
    Path("reopened"),
    Path("drop-overlay", ("jpeg",), "drop"),
    Path("clipboard", ("png",), "paste"),
    Path("removed-form", keeps_stamps=False),
    Path("shadow-form", press=True, keeps_stamps=False),
    Path("declarative-form", press=True, keeps_stamps=False),
    Path("label"),
    Path("show-picker"),
    Path("cloned"),
    Path("request-submit", keeps_stamps=False),
    Path("beacon"),
    Path("stream", keeps_stamps=False),
    Path("slices", keeps_stamps=False),
    Path("object-url", keeps_stamps=False),
    Path("worker", keeps_stamps=False),
    Path("blob-frame"),
    Path("paste-editable", ("png",), "paste"),
    Path("frame-at-once"),
    Path("cross-origin"),
)

CHROMIUM_PATHS = (
    Path("webkitdirectory", ("album",), is_folder=True),
    Path("drop-directory", ("album",), "drop", is_folder=True),
    Path("drop-handle", ("jpeg",), "drop"),
    Path("handle-worker", ("jpeg",), "drop"),
)
"""Paths that Firefox lacks: handles of dropped files; and folders, which its test hooks can neither choose nor drop."""


def paths_in(browser: str) -> tuple[Path, ...]:
    """Every path that a browser has."""
    return (*PATHS, *CHROMIUM_PATHS) if browser == "chromium" else PATHS


def tells_without(browser: str, path: Path) -> bool:
    """Whether the original would arrive without the extension: where it does not, a control tells nothing."""
    # A drop that Firefox's test hook dispatches does not make Firefox itself fill an input.
    return (browser, path.name) != ("firefox", "drop-input")


def page_of(path: Path) -> str:
    """The page of a path; some paths differ in their files only."""
    return "attached" if path.name.startswith("attached-") else path.name
