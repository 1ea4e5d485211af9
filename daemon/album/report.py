"""The report of an album, for people and for programs."""

import html
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from daemon.album.album import PhotoOutcome, sentence_of
from daemon.album.tree import Left
from daemon.wire.plain_text import shown

NAMED: Final = 10
"""Files that were passed over that the summary names; the report names them all."""

_WORDS = {
    "protected": "protected",
    "kept": "written though NOT protected, because you asked",
    "held": "held: an adversary still recognises something",
    "failed": "failed",
}


@dataclass(frozen=True)
class AlbumReport:
    """Attributes:
    outcomes: of every photo.
    left: what is no photo, or is not looked at.
    seconds: that this run took.
    complete: whether it came to its end, and was not stopped.
    todo: photos that a run that was stopped did not come to.
    """

    outcomes: Sequence[PhotoOutcome]
    left: Sequence[Left]
    seconds: float
    complete: bool
    todo: int = 0

    @property
    def good(self) -> bool:
        """Every photo there is was written."""
        return self.complete and not any(outcome.ending in ("held", "failed") for outcome in self.outcomes)

    @property
    def passed_over(self) -> list[Left]:
        """The files that are no photos, or that were not read."""
        return [left for left in self.left if left.skipped]

    def counts(self) -> dict[str, int]:
        endings = Counter(outcome.ending for outcome in self.outcomes)
        return {**{ending: endings[ending] for ending in ("protected", "kept", "held", "failed")}, "to_do": self.todo}

    def as_json(self) -> dict[str, Any]:
        """Paths are text; bytes in them that are no UTF-8 are half surrogates, which JSON can carry."""
        return {
            "complete": self.complete,
            "seconds": round(self.seconds, 1),
            "counts": self.counts(),
            "earlier": sum(outcome.earlier for outcome in self.outcomes),
            "reasons": dict(Counter(outcome.code for outcome in self.outcomes if outcome.code is not None)),
            "skipped": dict(Counter(left.reason for left in self.passed_over)),
            "passed_over": [{"file": str(left.relative), "code": left.reason} for left in self.passed_over],
            "photos": [
                {"photo": str(outcome.relative), "ending": outcome.ending, "code": outcome.code, "earlier": outcome.earlier}
                for outcome in self.outcomes
            ],
        }

    def as_text(self) -> str:
        """A few lines: how many, and why the others were not."""
        told = self.as_json()
        lines = [f"{count} {_WORDS[ending]}" for ending, count in self.counts().items() if ending in _WORDS and count]
        if not lines and not self.todo:
            lines = ["No photos: nothing there is a JPEG, PNG or WebP image."]
        if told["earlier"]:
            lines.append(f"{told['earlier']} of them before this run")
        lines += [f"  {count} × {code}: {sentence_of(code)}" for code, count in sorted(told["reasons"].items())]
        if told["skipped"]:
            lines.append(f"{len(self.passed_over)} passed over that are no photos")
            lines += [f"  {shown(left.relative)}: {sentence_of(left.reason)}" for left in self.passed_over[:NAMED]]
            if len(self.passed_over) > NAMED:
                lines.append(f"  and {len(self.passed_over) - NAMED} more, which the report names (--report)")
        if not self.complete:
            lines.append(f"Stopped with {self.todo} to do. Run the same command again to go on.")
        return "\n".join(lines)

    def as_html(self) -> str:
        """A page by itself: the counts, and every photo that is not protected, with what to do about it."""
        rows = "".join(f"<tr><th scope=row>{_WORDS[name]}<td>{self.counts()[name]}" for name in _WORDS)
        bad = "".join(
            f"<tr><th scope=row>{html.escape(shown(outcome.relative))}"
            f"<td>{html.escape(sentence_of(outcome.code or 'unprotected'))}"
            for outcome in self.outcomes
            if outcome.ending != "protected"
        )
        listed = f"<table><thead><tr><th scope=col>Photo<th scope=col>Why, and what to do<tbody>{bad}</table>" if bad else ""
        state = "Complete." if self.complete else f"Stopped with {self.todo} to do. Run the same command again to go on."
        passed_over = "".join(
            f"<tr><th scope=row>{html.escape(shown(left.relative))}<td>{html.escape(sentence_of(left.reason))}"
            for left in self.passed_over
        )
        if passed_over:
            head = "<h2>Passed over</h2><table><thead><tr><th scope=col>File<th scope=col>Why"
            passed_over = f"{head}<tbody>{passed_over}</table>"
        return _PAGE.format(state=state, rows=rows, listed=listed or "<p>Every photo is protected.", passed_over=passed_over)

    def write(self, path: Path) -> None:
        """Write it as JSON, and as a page with the same name beside it.

        Raises:
            OSError: it cannot be written there.
        """
        path.write_text(json.dumps(self.as_json(), indent=1) + "\n", encoding="ascii")
        path.with_suffix(".html").write_text(self.as_html(), encoding="utf-8")


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cloakroom: an album</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }}
body {{ max-inline-size: 900px; margin: 32px auto; padding-inline: 20px; }}
table {{ border-collapse: collapse; margin-block: 16px; }}
th, td {{ text-align: start; font-weight: 400; padding: 5px 18px 5px 0; vertical-align: top; }}
th, td {{ border-block-end: 1px solid #8885; }}
tbody th {{ overflow-wrap: anywhere; }}
</style>
<main>
<h1>What became of the album</h1>
<p>{state}
<table><thead><tr><th scope="col">Photos<th scope="col">How many<tbody>{rows}</table>
<h2>Not protected</h2>
{listed}
{passed_over}
</main>
</html>
"""
