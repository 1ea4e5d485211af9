"""Pages that want the original, or what only a person may decide: a table of cases, each with its own verdict."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.end_to_end import hostile_tries as tries
from tests.end_to_end.hostile_reads import Action, is_caught, reads
from tests.end_to_end.stage import Stage


@dataclass(frozen=True)
class Case:
    """One thing that a hostile page tries, with the script pages/hostile/NAME.js.

    `holds` tells whether the browser withstood, and raises where the test itself could not have told. `browsers` are those that
    have what the page needs. Of those in `open_in` it is known that the page gets the original there.
    """

    name: str
    holds: Callable[[Stage, str, Action], Awaitable[bool]] = reads
    action: Action = "pick"
    browsers: tuple[str, ...] = ("chromium", "firefox")
    open_in: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name if self.action == "pick" else f"{self.name}-{self.action}"


async def run(stage: Stage, case: Case) -> bool:
    """Whether the browser withstood; of an open case, whether the last line caught what the page sent.

    Raises:
        BlindError: nobody can say.
    """
    holds = is_caught if stage.browser.name in case.open_in else case.holds
    return await holds(stage, case.name, case.action)


def cases_in(browser: str) -> tuple[Case, ...]:
    """Every case that a browser has."""
    return tuple(case for case in CASES if browser in case.browsers)


def closed_in(browser: str) -> tuple[Case, ...]:
    """Return the cases that it withstands."""
    return tuple(case for case in cases_in(browser) if browser not in case.open_in)


def open_in(browser: str) -> tuple[Case, ...]:
    """Return the cases that are known to be open."""
    return tuple(case for case in cases_in(browser) if browser in case.open_in)


READING = (
    "frame-getter", "frame-input", "frame-click", "frame-patched", "frame-parsed", "frame-unscripted", "opened-window",
    "replaced-builtins", "array-setters", "promises", "ports", "weak-collections", "calling", "species", "object-setters",
    "event-members", "early-listeners", "own-files", "polling-everywhere", "form-data", "object-urls", "redispatched", "moved",
    "retyped", "submitted", "left", "posted", "reopened-listeners", "another-host",
)  # fmt: skip

INSIDE = (
    "fragment", "range", "callback", "appended", "constructed", "adjacent", "outer", "unsafe", "built", "attribute", "loaded",
    "blanked", "texted", "scripted", "option", "trusted", "link", "detached", "vector", "posted", "named", "adopted", "cloned",
    "hidden", "changing", "matched",
)  # fmt: skip
"""How a page's own code runs while a frame is put into the document, or in a window that a link opens."""

COMMITTED = ("popup", "second", "shadow", "data", "frame", "grandchild", "served", "blank", "script", "blob")
"""Windows that a page kept, and sends to where no document comes from."""

OPEN = {
    "chromium": ("popup", "second", "shadow", "data", "grandchild"),
    "firefox": ("popup", "second", "shadow", "data", "grandchild", "frame", "script", "blob"),
}
"""Cases in which no script of ours runs before the page's (w3c/webextensions issue 1009)."""

CASES = (
    *(Case(name) for name in READING),
    *(Case(f"inside.{way}") for way in INSIDE),
    # Elsewhere what lies in a frame does not run, and such elements have no window.
    *(Case(f"inside.{way}", browsers=("chromium",)) for way in ("within", "object", "embed", "swapped")),
    *(
        Case(f"committed.{window}.{answer}", browsers=(browser,), open_in=(browser,) if window in OPEN[browser] else ())
        for browser, answer in (("chromium", "stalled"), ("firefox", "dripping"))
        for window in COMMITTED
    ),
    Case("deafened"),
    Case("domain"),
    Case("shared"),
    *(Case(f"elsewhere.{way}") for way in ("fragment", "callback")),
    *(Case(f"again.{way}") for way in ("kept", "made")),
    Case("again.prerendered", browsers=("chromium",)),
    *(Case(f"relayed.{way}", action="drop", browsers=("chromium",)) for way in ("popup", "frame", "data", "shadow")),
    *(Case(f"copied.{way}", action="drop", browsers=("chromium",)) for way in ("copy", "method")),
    # Elsewhere the window that a frame leaves stays until another document is there.
    Case("frame-left", browsers=("chromium",)),
    *(
        Case(name, action="drop")
        for name in (
            "array-setters",
            "event-members",
            "early-listeners",
            "kept-transfer",
            "kept-entries",
            "current-event",
            "erased-listeners",
        )
    ),
    # Firefox's test hook for drops fills them with what the page replaced.
    Case("transfer-members", action="drop", browsers=("chromium",)),
    *(
        Case(name, action="paste")
        for name in ("array-setters", "event-members", "kept-paste", "current-event", "erased-listeners")
    ),
    Case("forged-offer", tries.forges),
    Case("forged-arrival", tries.forges),
    Case("replayed", tries.replays, "drop"),
    Case("forged-events", tries.drives_nothing),
    Case("messages", tries.is_not_answered),
    Case("socket", tries.is_refused),
    Case("framed", tries.opens_no_page),
    Case("presses", tries.decides_nothing),
    Case("many", tries.forges),
    Case("crowd", tries.crowds),
)
