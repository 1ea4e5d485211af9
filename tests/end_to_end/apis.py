"""The built-ins that the extension replaces: which they are, and whether a page can tell by calling them."""

from dataclasses import dataclass

from tests.end_to_end.paths import Path
from tests.end_to_end.stage import Stage

PAGE = Path("apis")


@dataclass(frozen=True)
class Compared:
    """Names as "Owner.member".

    Attributes:
        wrapped: what is not the browser's own where the site is on.
        untried: those of them that the page does not call.
        differing: what came of each call that differs, without the extension and with it.
    """

    wrapped: list[str]
    untried: list[str]
    differing: dict[str, tuple[str, str]]


async def compare(stage: Stage) -> Compared:
    """Call every replaced built-in in its ordinary ways, on a site that is off and on one that is on."""
    off, _ = await stage.visit(PAGE, protected=False)
    on, _ = await stage.visit(PAGE)
    try:
        assert await off.evaluate("replacedBuiltIns()") == []
        wrapped: list[str] = await on.evaluate("replacedBuiltIns()")
        await off.activate()
        without: dict[str, str] = await off.evaluate("trace()")
        await on.activate()
        within: dict[str, str] = await on.evaluate("trace()")
    finally:
        await off.close()
        await on.close()
    return Compared(
        wrapped,
        [name for name in wrapped if name not in within],
        {name: (told, within.get(name, "")) for name, told in without.items() if within.get(name) != told},
    )
