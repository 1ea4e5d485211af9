"""Draws every page that a person sees, to be looked at: in light and dark, in a language twice as long, and from right to left.

python -m tests.end_to_end.screenshots [--output DIR] [--language en|pseudo|ar]
"""

import argparse
import asyncio
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path as FilePath

from daemon.figures import say
from tests.end_to_end.browser import EXTENSION
from tests.end_to_end.chromium import ChromiumPage
from tests.end_to_end.paths import Path
from tests.end_to_end.photos import animation, astronaut, jpeg
from tests.end_to_end.site import HOST
from tests.end_to_end.stage import Stage, keeps, open_popup, open_stage, set_rule, tell

OUTPUT = FilePath("demo-output") / "pages"
LANGUAGES = ("en", "pseudo", "ar")
ATTACHED = Path("attached", ("portrait",))
WIDTHS = {"popup": 380, "hold": 560, "options": 1000, "onboarding": 1000}
ACCENTS = str.maketrans("aceinouyACEINOUY", "áçéíñöüýÁÇÉÍÑÖÜÝ")


def speaking(language: str, folder: FilePath) -> FilePath:
    """The extension with a language's words in the place of English: Debian's Chromium comes without any other."""
    copy = folder / language
    shutil.copytree(EXTENSION, copy)
    words = copy / "_locales" / ("en" if language == "pseudo" else language) / "messages.json"
    messages = json.loads(words.read_text())
    if language == "pseudo":
        lengthen(messages)
    (copy / "_locales" / "en" / "messages.json").write_text(json.dumps(messages))
    return copy


def lengthen(messages: dict[str, dict[str, object]]) -> None:
    """Accents, brackets, and half as much again: what is cut off or was not translated shows."""
    for key in messages.keys() - {"language", "direction"}:
        text = str(messages[key]["message"])
        # All but the names of placeholders.
        words = re.sub(r"\$\w+\$|[^$]+", lambda match: match[0] if match[0][0] == "$" else match[0].translate(ACCENTS), text)
        messages[key]["message"] = f"[{words}{' ~' * (len(text) // 4)}]"


async def draw(language: str, output: FilePath) -> None:
    """Every page in one language."""
    with tempfile.TemporaryDirectory(prefix="cloakroom-pages-") as folder:
        async with open_stage("chromium", extension=speaking(language, FilePath(folder))) as stage:
            photos = next(iter(stage.uploads.values())).path.parent
            stage.uploads["portrait"] = jpeg(astronaut(), photos / "me in space.jpg")
            stage.uploads["animation"] = animation(photos / "cat.gif")
            await _pages(stage, output / language)


async def _pages(stage: Stage, output: FilePath) -> None:
    await tell(stage.browser, {"type": "set-history", "on": True})
    onboarding = await stage.browser.open_extension("onboarding/onboarding.html")
    await onboarding.wait_for("document.querySelector('#mood').classList.contains('good')")
    await onboarding.click("#test")
    await onboarding.wait_for("document.querySelectorAll('#tested .pictures img').length === 2", 300)
    await shoot(onboarding, output, "onboarding")
    await stage.upload(ATTACHED)
    for host in ("mastodon.social", "bsky.app"):
        await set_rule(stage.browser, host, mode="cloak")
    options = await stage.browser.open_extension("options/options.html")
    await options.wait_for("document.querySelectorAll('#sites details').length === 3")
    await options.evaluate("document.querySelector('#sites details').open = true")
    await shoot(options, output, "options")
    page, run = await stage.visit(ATTACHED)
    popup = await open_popup(stage.browser, run)
    await popup.wait_for("document.querySelectorAll('#pictures .compare').length")
    await shoot(popup, output, "popup")
    await page.pick([stage.uploads["animation"].path])
    window = await stage.browser.hold_window(60)
    await window.wait_for("document.querySelector('article img')?.naturalWidth")
    await shoot(window, output, "hold")
    await window.click("button[name=cancel]")
    await page.close()
    await set_rule(stage.browser, HOST, mode="ask")
    await stage.daemon.stop()
    page, run = await stage.visit(ATTACHED)
    await stage.act(ATTACHED, page)
    window = await stage.browser.hold_window(60)
    await window.wait_for("document.querySelector('article img')?.naturalWidth")
    await shoot(window, output, "hold", "asked")
    await window.click("button[name=cloak]")
    await stage.browser.hold_window_gone()
    window = await stage.browser.hold_window(60)
    await window.wait_for("document.querySelector('button[name=retry]')?.name")
    await shoot(window, output, "hold", "no daemon")
    popup = await open_popup(stage.browser, run)
    await shoot(popup, output, "popup", "no daemon")
    await keeps(popup, "kept.last", "session")


async def shoot(page: object, output: FilePath, name: str, state: str = "") -> None:
    """A page as wide as it is shown, in light and dark."""
    assert isinstance(page, ChromiumPage)
    await page.page.set_viewport_size({"width": WIDTHS[name], "height": 600})
    await page.page.wait_for_timeout(500)
    for scheme in ("light", "dark"):
        await page.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        path = output / f"{' '.join(filter(None, (name, state, scheme)))}.png"
        # Playwright makes the folder.
        await page.page.screenshot(path=path, full_page=True)
        say(str(path))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.end_to_end.screenshots", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=FilePath, default=OUTPUT, metavar="DIR", help="where to (%(default)s)")
    parser.add_argument("--language", choices=LANGUAGES, help="only this one")
    options = parser.parse_args()
    for language in [options.language] if options.language else LANGUAGES:
        asyncio.run(draw(language, options.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
