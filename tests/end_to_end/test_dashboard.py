"""The dashboard in a real browser: it shows what happens, to one page alone, and everyone can read it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from daemon.wire.protocol import PolicyRequest
from tests.end_to_end.accessibility import violations
from tests.end_to_end.chromium import Chromium
from tests.end_to_end.stamping_daemon import StampingDaemon

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROW = "[...document.querySelectorAll('#counts tr')].find((row) => row.textContent.startsWith('Photosdone'))"
DONE = f"{ROW}?.lastChild.textContent"
POLICY = PolicyRequest(protectors=("scene",), strength="balanced", sensitive=())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StampingDaemon]:
    async with StampingDaemon(tmp_path_factory.mktemp("dashboard") / "state") as running:
        await running.ready()
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Chromium]:
    """A browser without the extension, as any of the person's."""
    opened = Chromium([], extension=None)
    await opened.start()
    yield opened
    await opened.stop()


@asynccontextmanager
async def dashboard(state: Path) -> AsyncIterator[str]:
    """`cloakroom dashboard`, and the address that it gives."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "daemon.cli", "dashboard", "--no-browser", "--json", "--state", str(state),
        cwd=state.parent, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    try:
        yield str(json.loads(await process.stdout.readline())["url"])
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def hostile(text: str) -> AsyncIterator[str]:
    """A page of another origin on this machine."""

    async def page(_: web.BaseRequest) -> web.Response:
        return web.Response(text=text, content_type="text/html")

    runner = web.ServerRunner(web.Server(page))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def cloak_one(daemon: StampingDaemon) -> None:
    photo = (Path(__file__).parents[2] / "extension" / "pictures" / "photo.jpg").read_bytes()
    async with daemon.client() as client:
        await client.protect(photo, POLICY)


async def test_the_numbers_change_when_a_photo_was_cloaked(daemon: StampingDaemon, browser: Chromium) -> None:
    async with dashboard(daemon.state) as address:
        page = await browser.open(address)
        await page.wait_for("document.querySelectorAll('.plot').length >= 10")
        before = int(await page.evaluate(f"{DONE} ?? '0'"))
        await cloak_one(daemon)
        await page.wait_for(f"{DONE} === '{before + 1}'")
        await page.wait_for("document.querySelector('[data-plot=throughput] strong').textContent !== '–'")
        assert await page.evaluate("document.querySelector('[data-plot=front] strong').textContent.endsWith(' MB')")
        assert float(await page.evaluate("parseFloat(document.querySelector('[data-plot=front] strong').textContent)")) > 1
        points = "document.querySelector('[data-plot=front] polyline').getAttribute('points').split(' ').length"
        drawn = int(await page.evaluate(points))
        await page.wait_for(f"{points} > {drawn}")
        # The token is neither in the address nor in the tab's history, and a reload does without it.
        assert await page.evaluate("location.href") == address.partition("#")[0]
        await page.page.reload()
        await page.wait_for(f"document.readyState === 'complete' && {DONE} === '{before + 1}'")
        assert await page.evaluate("document.cookie") == ""
        await page.close()


async def test_a_second_page_with_the_same_address_is_shown_nothing(daemon: StampingDaemon, browser: Chromium) -> None:
    async with dashboard(daemon.state) as address:
        first = await browser.open(address)
        await first.wait_for("document.querySelectorAll('.plot').length")
        second = await browser.open(address)
        await second.wait_for("document.querySelector('#state').textContent.includes('used already')")
        assert await second.evaluate("document.querySelectorAll('.plot').length") == 0
        await second.close()
        await first.close()


async def test_axe_finds_nothing_wrong(daemon: StampingDaemon, browser: Chromium) -> None:
    await cloak_one(daemon)
    async with dashboard(daemon.state) as address:
        page = await browser.open(address)
        await page.wait_for(f"{DONE}")
        grounds = []
        for scheme in ("light", "dark"):
            await page.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert await violations(page) == [], scheme
            grounds.append(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert grounds[0] != grounds[1]
        await page.close()


async def test_a_hostile_page_reads_nothing_and_frames_nothing(daemon: StampingDaemon, browser: Chromium) -> None:
    """It even knows the address with the token."""
    async with dashboard(daemon.state) as address, hostile("<!doctype html><title>social</title><body>") as origin:
        base, _, token = address.partition("#")
        page = await browser.open(origin)
        for method, path in (("GET", ""), ("GET", "numbers"), ("POST", "session")):
            headers = f"{{ Authorization: 'Bearer {token}' }}" if path else "{}"
            asked = (
                f"fetch('{base}{path}', {{ method: '{method}', headers: {headers} }}).then((a) => a.text(), () => 'refused')"
            )
            assert await page.evaluate(asked) == "refused"
        blind = f"fetch('{base}numbers', {{ mode: 'no-cors' }}).then((a) => a.status, () => 'refused')"
        assert await page.evaluate(blind) in (0, "refused")
        await page.evaluate(
            f"new Promise((done) => {{ const frame = document.createElement('iframe'); frame.src = '{address}';"
            " frame.onload = done; document.body.append(frame); })"
        )
        frames = [frame for frame in page.page.frames if frame is not page.page.main_frame]
        assert [await frame.evaluate("document.querySelector('#state') === null") for frame in frames] == [True]
        await page.close()
        # And all that did not spend the token.
        tab = await browser.open(address)
        await tab.wait_for("document.querySelectorAll('.plot').length")
        await tab.close()
