"""Every page of the extension as axe sees it, with everything on it that uploads leave behind."""

import asyncio
import json
from pathlib import Path as FilePath

from tests.end_to_end.browser import Page
from tests.end_to_end.chromium import ChromiumPage
from tests.end_to_end.paths import PATHS
from tests.end_to_end.site import HOST
from tests.end_to_end.stage import Stage, open_popup, set_rule, tell

AXE = FilePath(__file__).parents[1] / "extension" / "node_modules" / "axe-core" / "axe.min.js"
HOLD_SECONDS = 60.0
PAGES = ("popup/popup.html", "options/options.html", "onboarding/onboarding.html")


async def violations(page: Page) -> list[str]:
    """Return axe's violations and their places."""
    source = await asyncio.to_thread(AXE.read_text)
    await page.evaluate(f"(() => {{ {source}\n }})()")
    told = await page.evaluate(
        "axe.run(document).then(({ violations }) => JSON.stringify(violations.flatMap(({ id, nodes }) =>"
        " nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`))))"
    )
    found: list[str] = json.loads(told)
    return found


async def _show_everything(stage: Stage) -> None:
    """Store what uploads would have left for the pages to show."""
    page = await stage.browser.open_extension("options/options.html")
    verdict = {"protector": "scene", "adversary": "scenes", "protected": True, "before": ["street"], "after": ["forest"]}
    report = {"models": "embedded", "verdicts": [verdict]}
    last = {
        "host": HOST,
        "when": 0,
        "photos": 1,
        "outcome": "cloaked",
        "seconds": 2,
        "psnr": 40,
        "codes": [],
        "reports": [report],
    }
    picture = {"host": HOST, "before": "../pictures/photo.jpg", "after": "../pictures/photo.jpg", "report": report}
    entry = {"when": 0, "host": HOST, "photos": 1, "outcome": "cloaked", "seconds": 2}
    await page.evaluate(f"chrome.storage.session.set({json.dumps({'last': last, 'pictures': [picture]})})")
    await page.evaluate(f"chrome.storage.local.set({json.dumps({'history': {'on': True, 'entries': [entry]}})})")
    await page.close()


async def everything_wrong(stage: Stage) -> dict[str, list[str]]:
    """Return axe's violations on each page of the extension, with all there is to see on it."""
    await _show_everything(stage)
    await set_rule(stage.browser, HOST, mode="ask")
    await set_rule(stage.browser, "revoked.example", mode="cloak")
    page, run = await stage.visit(PATHS[0])
    await stage.act(PATHS[0], page)
    window = await stage.browser.hold_window(HOLD_SECONDS)
    await window.wait_for("document.querySelector('article img')?.naturalWidth")
    popup = await open_popup(stage.browser, run)
    await popup.wait_for("document.querySelectorAll('#pictures .compare').length")
    pages = {"hold": window, "popup of a site": popup}
    pages |= {name: await stage.browser.open_extension(name) for name in PAGES}
    await pages["options/options.html"].wait_for("document.querySelectorAll('#sites details').length === 2")
    # All there is to see, also what lies folded up.
    for shown in pages.values():
        await shown.evaluate("void document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    found = {}
    for name, shown in pages.items():
        for scheme in ("light", "dark") if isinstance(shown, ChromiumPage) else ("light",):
            if isinstance(shown, ChromiumPage):
                await shown.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            if wrong := await violations(shown):
                found[f"{name}, {scheme}"] = wrong
    await window.click("button[name=cancel]")
    for shown in [page, *(shown for shown in pages.values() if shown is not window)]:
        await shown.close()
    # What comes next finds the site as it was.
    await set_rule(stage.browser, HOST, mode="cloak")
    await tell(stage.browser, {"type": "set-site", "host": "revoked.example", "rule": None})
    await tell(stage.browser, {"type": "set-history", "on": False})
    await tell(stage.browser, {"type": "erase-history"})
    return found
