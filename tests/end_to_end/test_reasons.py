"""Why there is no daemon to talk to: in the popup and in the hold window, each by its name and with what to do next."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.end_to_end.browser import Page
from tests.end_to_end.chromium import Chromium
from tests.end_to_end.paths import PATHS
from tests.end_to_end.stage import Stage, open_popup, pair

pytestmark = pytest.mark.asyncio(loop_scope="session")

ATTACHED = PATHS[0]
HOLD_SECONDS = 60.0
REFUSED = 4403


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def another_program(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def a_daemon_that_refuses(request: web.Request) -> web.WebSocketResponse:
    line = web.WebSocketResponse(protocols=("cloakroom.v1",))
    await line.prepare(request)
    await line.receive()
    await line.close(code=REFUSED)
    return line


async def an_impostor(request: web.Request) -> web.WebSocketResponse:
    """Knows the protocol, and not the key."""
    line = web.WebSocketResponse(protocols=("cloakroom.v1",))
    await line.prepare(request)
    await line.receive()
    await line.send_json({"type": "challenge", "nonce": "0" * 64, "pairing": "closed"})
    await line.receive()
    await line.send_json({"type": "welcome", "proof": "0" * 64, "limits": {}, "protectors": [], "version": "0.1.0"})
    await line.receive()
    return line


@contextlib.asynccontextmanager
async def answering(answer: object) -> AsyncIterator[int]:
    """A port on which something else than the daemon answers; nothing at all where that is None."""
    if answer is None:
        yield unused_port()
        return
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)  # type: ignore[arg-type]
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def looking_elsewhere(stage: Stage, port: int) -> AsyncIterator[Page]:
    """The extension with its pairing for another port, or with none where that is 0; yields one of its pages."""
    # One that asks the background nothing by itself.
    page = await stage.browser.open_extension("_locales/en/messages.json")
    kept = await page.evaluate("chrome.storage.local.get('pairing').then(({ pairing }) => JSON.stringify(pairing))")
    change = f"set({{ pairing: {{ ...{kept}, port: {port} }} }})" if port else "remove('pairing')"
    await page.evaluate(f"chrome.storage.local.{change}")
    # The connection that it has would be used as long as it lasts.
    await stage.browser.kill_background()
    try:
        yield page
    finally:
        await page.evaluate(f"chrome.storage.local.set({{ pairing: {kept} }})")
        await stage.browser.kill_background()
        await page.close()


REASONS = {
    "unpaired": ("not paired", "settings"),
    "unreachable": ("does not answer", "cloakroom serve"),
    "foreign": ("cannot talk to", "same version"),
    "refused": ("Pair it again", "settings"),
    "impostor": ("your daemon", "no"),
}
"""Words that each reason has to have: what is wrong, and what to do, or that no photo went there."""

ANSWERS = {"foreign": another_program, "refused": a_daemon_that_refuses, "impostor": an_impostor}


@pytest.mark.parametrize("reason", REASONS)
async def test_the_popup_and_the_hold_window_name_it(stage: Stage, reason: str) -> None:
    async with answering(ANSWERS.get(reason)) as port, looking_elsewhere(stage, reason != "unpaired" and port) as words:
        said = {}
        for stem in ("daemon", "why"):
            said[stem] = await words.evaluate(f"chrome.i18n.getMessage({json.dumps(f'{stem}_{reason}')})")
            for part in REASONS[reason]:
                assert part.lower() in said[stem].lower(), said[stem]
        page, run = await stage.visit(ATTACHED)
        await stage.act(ATTACHED, page)
        window = await stage.browser.hold_window(HOLD_SECONDS)
        shown = f"document.querySelector('article')?.textContent.includes({json.dumps(said['why'])})"
        await window.wait_for(shown, HOLD_SECONDS)
        popup = await open_popup(stage.browser, run)
        await popup.wait_for(f"document.querySelector('#daemon').textContent === {json.dumps(said['daemon'])}", HOLD_SECONDS)
        await popup.close()
        await window.click("button[name=cancel]")
        await stage.browser.hold_window_gone()
        assert stage.site.runs[run].bodies == []
        await page.close()


async def test_a_photo_goes_again_once_the_daemon_is_back(stage: Stage) -> None:
    """The control: what `looking_elsewhere` undoes, it undoes."""
    async with asyncio.timeout(120):
        run = await stage.upload(ATTACHED)
    assert len(run.parts) == 1


# Firefox has no such permission for what an extension does.
@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_local_network_access_does_not_keep_the_background_from_the_daemon(stage: Stage) -> None:
    # Without any site's permission, which might count as one for the daemon's address too.
    async with Chromium(()) as browser:
        page = await browser.open_extension("_locales/en/messages.json")
        state = await page.evaluate("navigator.permissions.query({ name: 'loopback-network' }).then(({ state }) => state)")
        assert state == "denied"
        await pair(browser, stage.daemon)
