"""Clipboards that try to run script in the site that they are pasted into: nothing runs, and the words arrive."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Error as PlaywrightError

from tests.end_to_end.bidi import BiDiError
from tests.end_to_end.browser import TARGET, Page
from tests.end_to_end.chromium import Chromium
from tests.end_to_end.firefox import Firefox
from tests.end_to_end.native_clipboard import NativeClipboard
from tests.end_to_end.paths import Path
from tests.end_to_end.photos import cat, png
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.stamping_daemon import StampingDaemon

pytestmark = pytest.mark.asyncio(loop_scope="session")

BARE = Path("case-bare")
RUN = "top.ran=(top.ran||0)+1"
META = '<meta http-equiv="content-type" content="text/html; charset=utf-8">'

TRIES = {
    "error handler": f'<img src="data:," onerror="{RUN}">',
    "svg handler": f'<svg onload="{RUN}"><circle r="9"/></svg>',
    "svg script": f"<svg><script>{RUN}</script></svg>",
    "javascript link": f'<a href="javascript:void({RUN})">press</a>',
    "frame of its own": f'<iframe srcdoc="&lt;script&gt;{RUN}&lt;/script&gt;"></iframe>',
    "javascript frame": f'<iframe src="javascript:void({RUN})"></iframe>',
    "style": f'<style>@keyframes a{{from{{top:0}}}}p{{animation:a 1s}}</style><p onanimationstart="{RUN}">moves</p>',
    "meta": '<meta http-equiv="refresh" content="0;url=/blank?gone">',
    "nested templates": (
        f'<div><template shadowrootmode="open"><template><b></b></template><img src="data:," onerror="{RUN}"></template></div>'
        f'<template><img src="data:," onerror="{RUN}"></template><details open ontoggle="{RUN}"><summary>s</summary></details>'
    ),
    "markup that changes when it is read again": (
        f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=data:, onerror={RUN}&gt;">'
        f'<video><source onerror="{RUN}"></video>'
    ),
    "javascript form": f'<form action="javascript:void({RUN})"><button>press</button></form>',
}
"""Each as a browser would run it, were it put into a page as it is."""

PRESS = (
    "editor.removeAttribute('contenteditable'),"
    " document.querySelectorAll('#editor a, #editor button').forEach((node) => node.click())"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["chromium", "firefox"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with open_stage(request.param, daemon_type=StampingDaemon, on_display=True) as opened:
        small = png(cat(96), opened.uploads["png"].path.with_name("small.png"))
        opened.uploads["small"] = small
        yield opened


async def has_run(page: Page) -> bool:
    """Whether anything of a clipboard ran, also where it is pressed, or took the page elsewhere."""
    try:
        await page.evaluate(f"void ({PRESS})")
        await asyncio.sleep(0.4)
        return bool(await page.evaluate("window.ran > 0 || location.search.includes('gone')"))
    except (PlaywrightError, BiDiError):
        # The page that was asked is gone.
        return True


async def open_bare(stage: Stage, *, protected: bool, trusted: bool = False) -> Page:
    page, run = await stage.visit(BARE, protected=protected)
    if trusted:
        await page.go(stage.site.url("case-bare", run, protected=protected) + "&trusted")
    return page


@pytest.mark.parametrize("html", TRIES.values(), ids=TRIES)
async def test_it_would_run_as_it_is(stage: Stage, html: str) -> None:
    """Or the test below would tell nothing."""
    page = await open_bare(stage, protected=False)
    in_frame = await page.evaluate(
        f"""(async () => {{
          const frame = document.body.appendChild(Object.assign(document.createElement('iframe'), {{ srcdoc: {html!r} }}));
          const pause = () => new Promise((done) => setTimeout(done, 500));
          await pause();
          frame.contentDocument.querySelectorAll('a, button').forEach((node) => node.click());
          await pause();
          return window.ran > 0 || frame.contentWindow.location.search.includes('gone');
        }})()"""
    )
    if not in_frame:
        # Where such a frame stays where it is, as in Firefox, the page itself goes elsewhere.
        await page.evaluate(f"void editor.append(document.createRange().createContextualFragment({html!r}))")
        assert await has_run(page)
    await page.close()


@pytest.mark.parametrize("with_text", [False, True], ids=["picture", "words"])
@pytest.mark.parametrize("trusted", [False, True], ids=["any", "trusted types"])
@pytest.mark.parametrize("html", TRIES.values(), ids=TRIES)
async def test_nothing_of_a_clipboard_runs(stage: Stage, html: str, trusted: bool, with_text: bool) -> None:
    assert isinstance(stage.browser, Chromium | Firefox)
    contents = {"text/html": f"{META}<p>before</p>{html}<p>after</p>".encode(), "image/png": stage.uploads["small"].data}
    if with_text:
        contents["text/plain"] = b"before after"
    page = await open_bare(stage, protected=True, trusted=trusted)
    with NativeClipboard(stage.browser.display.name, contents):
        await page.click_at(TARGET)
        await page.press("Control", "v")
        assert await page.wait_for("/before[^]*after/.test(editor.textContent)", 20)
    assert not await has_run(page)
    await page.close()
