"""The input of a check and its findings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.models.store import model_folder
from daemon.state.settings import Values

Fix = Callable[[], str]
"""Mends it and says what was done. Raises FixError or OSError."""


class FixError(Exception):
    """It could not be mended; the text says why and what to do."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        code: a name that stays the same, for programs and for reports.
        area: what was looked at, for people.
        found: how it is.
        advice: what to do next; empty where all is well.
        fix: mends it without a risk for what the person keeps, where that can be done.
        is_step: nothing is wrong; the advice is what the person does next.
    """

    code: str
    area: str
    found: str
    advice: str = ""
    fix: Fix | None = field(default=None, compare=False, repr=False)
    is_step: bool = False

    @property
    def good(self) -> bool:
        return self.is_step or not self.advice

    @property
    def fixable(self) -> bool:
        return self.fix is not None

    def told(self) -> dict[str, Any]:
        """Return it as JSON for programs."""
        return {
            "code": self.code,
            "name": self.area,
            "good": self.good,
            "step": self.is_step,
            "found": self.found,
            "advice": self.advice,
            "fixable": self.fixable,
        }


@dataclass(frozen=True)
class Place:
    """The installation that is examined.

    Attributes:
        state: the state folder; it need not exist.
        values: the settings, or the defaults where they cannot be read.
        faults: codes of what was found wrong before, by the areas that come first.
    """

    state: Path
    values: Values
    faults: frozenset[str] = frozenset()

    @property
    def models(self) -> Path:
        return model_folder(self.state)


Check = Callable[[Place], Iterable[Finding]]
"""Looks at one area. It changes nothing, and says that all is well with one finding where nothing is wrong."""
