"""Cases of public bug reports: pages that expect something of the browser at once get it although a photo is held."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from tests.end_to_end.browser import EXTENSION, TARGET
from tests.end_to_end.chromium import ChromiumPage
from tests.end_to_end.paths import Path
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.stamping_daemon import StampingDaemon, is_stamped
from tests.end_to_end.verdict import arrived_original

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECONDS = 30.0
WORDS = {"text/plain": b"north\t17", "text/html": b"<table><tr><td>north</td><td>17</td></tr></table>"}
"""The formats that an office program copies, besides a picture."""


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["chromium", "firefox"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with open_stage(request.param, daemon_type=StampingDaemon) as opened:
        yield opened


@pytest.fixture(autouse=True)
def quick(stage: Stage) -> None:
    delay(stage, 0)


def delay(stage: Stage, seconds: float) -> None:
    """How long the daemon takes over a photo from now on."""
    assert isinstance(stage.daemon, StampingDaemon)
    stage.daemon.set_delay(seconds)


def picture(stage: Stage) -> bytes:
    return stage.uploads["png"].data


async def arrived(stage: Stage, run: str) -> None:
    """One photo came, cloaked."""
    received = await stage.site.wait(run, 1, SECONDS)
    assert [is_stamped(part.data) for part in received.parts] == [True]
    assert not arrived_original(received, [stage.uploads["png"], stage.uploads["jpeg"]])


async def test_an_editor_that_reads_a_paste_from_beforeinput(stage: Stage) -> None:
    page, run = await stage.visit(Path("case-beforeinput"))
    await page.copy({"image/png": picture(stage)})
    await page.press("Control", "v")
    await arrived(stage, run)
    assert await page.evaluate("[foreign, editor.textContent]") == [0, "words"]
    await page.close()


async def test_words_with_a_picture_of_them_are_pasted_at_once(stage: Stage) -> None:
    delay(stage, 5)
    page, _ = await stage.visit(Path("case-words"))
    await page.copy({**WORDS, "image/png": picture(stage)})
    await page.click_at(TARGET)
    await page.press("Control", "v")
    assert await page.wait_for("field.value", 2) == "north\t17"
    await page.click_at((60, 190))
    await page.press("x")
    await page.click_at((200, 300))
    await page.press("Control", "v")
    text = await page.wait_for("/17/.test(bare.textContent) && bare.textContent", 2)
    assert "north" in text
    # No picture comes later, nor was the page shown one.
    await asyncio.sleep(6)
    assert await page.evaluate("[field.value, other.value, pictures, bare.querySelectorAll('img').length]") == [
        "north\t17",
        "x",
        0,
        0,
    ]
    await page.close()


async def test_words_are_pasted_also_without_a_daemon(stage: Stage) -> None:
    await stage.daemon.stop()
    try:
        page, _ = await stage.visit(Path("case-words"))
        await page.copy({**WORDS, "image/png": picture(stage)})
        await page.click_at(TARGET)
        await page.press("Control", "v")
        assert await page.wait_for("field.value", 2) == "north\t17"
        await page.close()
    finally:
        await stage.daemon.start()


async def test_a_page_is_not_told_of_a_chooser_that_was_cancelled(stage: Stage) -> None:
    delay(stage, 3)
    page, run = await stage.visit(Path("case-focus"))
    await page.pick([stage.uploads["jpeg"].path])
    # What a desktop tells when its chooser is closed.
    await page.evaluate("void dispatchEvent(new FocusEvent('focus'))")
    await arrived(stage, run)
    await asyncio.sleep(0.5)
    assert await page.evaluate("told") == ["focus", "change"]
    await page.close()


async def drag_own_picture(page: ChromiumPage, file: FilePath) -> None:
    """Drag what lies at `TARGET` onto the place beside it. Among its files is the picture's, as on the desktops where Chromium
    lists it; a headless browser does not."""
    session = await page.page.context.new_cdp_session(page.page)
    begun: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    session.on("Input.dragIntercepted", lambda told: begun.set_result(told["data"]))
    await session.send("Input.setInterceptDrags", {"enabled": True})
    button = {"button": "left", "buttons": 1, "clickCount": 1}
    await session.send("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": 50, "y": 50})
    await session.send("Input.dispatchMouseEvent", {"type": "mousePressed", "x": 50, "y": 50, **button})
    for place in (55, 60, 70, 80):
        await session.send("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": place, "y": place, **button})
    async with asyncio.timeout(10):
        data = await begun
    for kind in ("dragEnter", "dragOver", "drop"):
        told = {"type": kind, "x": 250, "y": 60, "data": {**data, "files": [str(file)]}}
        await session.send("Input.dispatchDragEvent", told)
    await session.send("Input.dispatchMouseEvent", {"type": "mouseReleased", "x": 250, "y": 60, "button": "left"})
    await session.send("Input.setInterceptDrags", {"enabled": False})
    await session.detach()


# Firefox's automation starts no drag of its own.
@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_a_picture_that_is_moved_within_a_page_is_no_upload(stage: Stage) -> None:
    page, run = await stage.visit(Path("case-move"))
    assert isinstance(page, ChromiumPage)
    await page.evaluate("from.querySelector('img').decode().then(() => 1)")
    await drag_own_picture(page, stage.uploads["jpeg"].path)
    assert await page.wait_for("drops.length") == 1
    # Trusted, with the picture among its files, and the page's own drag.
    assert await page.evaluate("[drops[0], to.querySelectorAll('img').length]") == [[True, 1, True], 1]
    # A file from outside is one, afterwards as before.
    await page.drop([stage.uploads["jpeg"].path], (250, 60))
    await arrived(stage, run)
    await page.close()


async def test_enter_waits_for_the_picture_that_was_pasted_before(stage: Stage) -> None:
    delay(stage, 2)
    page, run = await stage.visit(Path("case-chat"))
    await page.copy({"image/png": picture(stage)})
    await page.press("Control", "v")
    for key in ("h", "i"):
        await page.press(key)
    await page.press("Enter")
    assert await page.evaluate("sent") == []
    await arrived(stage, run)
    assert await page.evaluate("sent") == [["hi", 1]]
    # With nothing held Enter is the page's at once.
    await page.press("y")
    await page.press("Enter")
    assert await page.evaluate("sent[1]") == ["y", 0]
    await page.close()


async def test_enter_waits_in_an_editor_that_draws_itself_anew(stage: Stage) -> None:
    delay(stage, 2)
    page, run = await stage.visit(Path("case-redrawn"))
    await page.copy({"image/png": picture(stage)})
    await page.click_at(TARGET)
    await page.press("Control", "v")
    for key in ("h", "i"):
        await page.press(key)
    await page.press("Enter")
    assert await page.evaluate("sent") == []
    await arrived(stage, run)
    assert await page.evaluate("sent") == [["-hi", 1]]
    await page.close()


async def told_of_a_drop(stage: Stage, *, protected: bool) -> Any:
    page, run = await stage.visit(Path("case-drop-effect"), protected=protected)
    await page.drop([stage.uploads["jpeg"].path])
    await stage.site.wait(run, 1, SECONDS)
    told = await page.evaluate("told")
    await page.close()
    return told


async def test_a_drop_says_of_itself_what_the_real_one_says(stage: Stage) -> None:
    assert await told_of_a_drop(stage, protected=True) == await told_of_a_drop(stage, protected=False)


CLIPBOARDS = {
    "picture": {},
    "picture with its address": {"text/html": b'<img src="https://off.example/a.png">'},
    "picture with a caption": {"text/plain": b"a caption"},
    "words": WORDS,
}


async def pasted(stage: Stage, contents: dict[str, bytes], *, protected: bool) -> list[Any]:
    """Return a bare editor's content after a paste, without the picture's bytes, and the events it heard."""
    page, _ = await stage.visit(Path("case-bare"), protected=protected)
    await page.copy({**contents, "image/png": picture(stage)})
    await page.click_at(TARGET)
    await page.press("Control", "v")
    await page.wait_for("told.at(-1)?.[0] === 'input'", SECONDS)
    html = await page.evaluate("editor.innerHTML.replace(/base64,[^\"]*/, 'base64,')")
    source = await page.evaluate(
        "fetch(editor.querySelector('img[src^=data]')?.src ?? 'data:,').then((answer) => answer.text())"
    )
    told = await page.evaluate("told")
    await page.close()
    return [html, told, source == picture(stage).decode("latin-1")]


@pytest.mark.parametrize("contents", CLIPBOARDS.values(), ids=CLIPBOARDS)
async def test_a_bare_editor_is_given_what_the_browser_gives(stage: Stage, contents: dict[str, bytes]) -> None:
    off = await pasted(stage, contents, protected=False)
    on = await pasted(stage, contents, protected=True)
    html, told, is_original = on
    assert html.replace(' alt=""', "") == off[0].replace(' alt=""', "")
    assert [name for name, *_ in told] == [name for name, *_ in off[1]]
    assert not is_original


OUTLIVING = (Path("attached"), Path("drop", action="drop"), Path("paste", ("png",), "paste"))


async def test_a_tab_that_outlives_the_extension_says_so(stage: Stage) -> None:
    # In a browser of its own: one that was told on the command line to load an extension does not load it twice.
    async with open_stage(stage.browser.name, daemon_type=StampingDaemon) as other_stage:
        tabs = [(path, *await other_stage.visit(path)) for path in OUTLIVING]
        await other_stage.browser.reload_extension()
        for path, page, run in tabs:
            await page.activate()
            await other_stage.act(path, page)
            said = (
                "[...document.querySelectorAll('[role=status]')].map((node) => node.textContent)"
                ".find((text) => /reload/i.test(text))"
            )
            assert "nothing was sent" in await page.wait_for(said, 20), path.name
            assert other_stage.site.runs[run].parts == [], path.name


MANY = 12


def large_photos(folder: FilePath) -> list[FilePath]:
    """Twelve JPEGs of about five megabytes, more than one message between the extension's parts takes."""
    paths = []
    for number in range(MANY):
        random = np.random.default_rng(number)
        noise = random.integers(0, 256, (1500, 1600, 3), dtype=np.uint8)
        paths.append(folder / f"large-{number}.jpg")
        Image.fromarray(noise).save(paths[-1], quality=98, subsampling=0)
    assert sum(path.stat().st_size for path in paths) > 50_000_000
    return paths


async def test_many_large_photos_at_once_all_arrive(stage: Stage, tmp_path: FilePath) -> None:
    page, run = await stage.visit(Path("multiple"))
    await page.pick(large_photos(tmp_path))
    received = await stage.site.wait(run, MANY, 180)
    assert all(is_stamped(part.data) for part in received.parts)
    await page.close()


# A Chromium before 148, which the manifest refuses, or one whose messages carry no files for another reason.
@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_where_messages_carry_no_files_the_person_is_told(stage: Stage, tmp_path: FilePath) -> None:
    extension = tmp_path / "extension"
    shutil.copytree(EXTENSION, extension)
    manifest = json.loads((extension / "manifest.json").read_text())
    assert manifest["minimum_chrome_version"] == "148"
    del manifest["message_serialization"]
    (extension / "manifest.json").write_text(json.dumps(manifest))
    async with open_stage("chromium", daemon_type=StampingDaemon, extension=extension) as other_stage:
        page, run = await other_stage.visit(Path("attached"))
        await page.evaluate("void (window.heard = [], f.addEventListener('cancel', () => heard.push('cancel')))")
        await other_stage.act(Path("attached"), page)
        assert await page.wait_for("heard.length", 20) == 1
        # What the extension says to a person lies in a closed root.
        assert await page.evaluate("[...document.documentElement.children].at(-1).localName") == "div"
        assert other_stage.site.runs[run].parts == []
