"""Every upload path, in both browsers."""

import asyncio

import pytest

from tests.end_to_end.paths import PATHS, Path, tells_without
from tests.end_to_end.photos import cat, jpeg, twelve_megapixels
from tests.end_to_end.stage import Stage
from tests.end_to_end.verdict import arrived_original, problems

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
async def test_a_photo_arrives_cloaked(stage: Stage, path: Path) -> None:
    run = await stage.upload(path)
    assert problems(path, run, [stage.uploads[name] for name in path.files]) == []


def controls_in(browser: str) -> list[Path]:
    """Paths of which a test can tell that the original would arrive."""
    return [path for path in PATHS if tells_without(browser, path)]


async def arrives_as_it_is(stage: Stage, path: Path) -> bool:
    run = await stage.upload(path, protected=False)
    return arrived_original(run, [stage.uploads[name] for name in path.files])


# One function a browser: an argument of pairs of a browser and a path would begin another browser for every path.
@pytest.mark.parametrize("path", controls_in("chromium"), ids=lambda path: path.name)
@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_on_a_site_that_is_off_the_original_arrives_in_chromium(stage: Stage, path: Path) -> None:
    assert await arrives_as_it_is(stage, path)


@pytest.mark.parametrize("path", controls_in("firefox"), ids=lambda path: path.name)
@pytest.mark.parametrize("stage", ["firefox"], indirect=True)
async def test_on_a_site_that_is_off_the_original_arrives_in_firefox(stage: Stage, path: Path) -> None:
    assert await arrives_as_it_is(stage, path)


@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_a_photo_of_twelve_megapixels(stage: Stage) -> None:
    folder = stage.uploads["jpeg"].path.parent
    stage.uploads["large"] = jpeg(twelve_megapixels(), folder / "large.jpg", quality=90)
    path = Path("attached", ("large",))
    run = await stage.upload(path, seconds=300)
    assert problems(path, run, [stage.uploads["large"]]) == []


async def test_more_photos_at_once_than_the_daemon_lets_wait(stage: Stage) -> None:
    folder = stage.uploads["jpeg"].path.parent
    names = tuple(f"crowd-{number}" for number in range(20))
    for number, name in enumerate(names):
        stage.uploads[name] = jpeg(cat(200 + number), folder / f"{name}.jpg")
    path = Path("multiple", names)
    # Had the person to be asked about one of them, none would ever arrive.
    run = await stage.upload(path, seconds=300)
    assert problems(path, run, [stage.uploads[name] for name in names]) == []


# In Firefox such a frame's upload is refused.
@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_a_frame_without_an_origin(stage: Stage) -> None:
    path = Path("sandboxed", keeps_stamps=False)
    page, run = await stage.visit(path)
    try:
        # Its process is another one, for which the page's load does not wait.
        await asyncio.sleep(1)
        await stage.act(path, page)
        await stage.site.wait(run, 1, 120)
        assert problems(path, stage.site.runs[run], [stage.uploads["jpeg"]]) == []
    finally:
        await page.close()


async def test_a_form_in_a_closed_root_of_a_reopened_page(stage: Stage) -> None:
    path = Path("reopened-form", press=True, keeps_stamps=False)
    page, run = await stage.visit(path)
    try:
        await page.wait_for("document.title === 'ready'")
        await stage.act(path, page)
        await stage.site.wait(run, 1, 120)
        assert problems(path, stage.site.runs[run], [stage.uploads["jpeg"]]) == []
    finally:
        await page.close()


# Firefox's automation hears of no chooser in a frame of another process.
@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
@pytest.mark.parametrize("top_is_on", [True, False])
async def test_a_frame_has_the_rule_of_its_own_host(stage: Stage, top_is_on: bool) -> None:
    """Whoever frames it: it is the frame that is sent to."""
    path = Path("cross-host")
    page, run = await stage.visit(path, protected=top_is_on)
    try:
        await asyncio.sleep(1)
        await stage.act(path, page)
        await stage.site.wait(run, 1, 120)
        assert arrived_original(stage.site.runs[run], [stage.uploads["jpeg"]]) is top_is_on
    finally:
        await page.close()


async def test_what_a_page_wrote_into_its_own_storage_is_no_pick(stage: Stage) -> None:
    path = Path("attached")
    page, run = await stage.visit(path)
    try:
        await stage.act(path, page)
        await stage.site.wait(run, 1, 120)
        await page.evaluate(
            """(async () => {
              const folder = await navigator.storage.getDirectory();
              const handle = await folder.getFileHandle('draft.jpg', { create: true });
              const writable = await handle.createWritable();
              await writable.write(new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]));
              await writable.close();
              await send.fetch([await (await folder.getFileHandle('draft.jpg')).getFile()]);
            })()"""
        )
        arrived = await stage.site.wait(run, 2, 20)
        assert arrived.parts[1].data == bytes([0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3])
    finally:
        await page.close()


async def test_a_page_of_a_site_that_is_off_is_untouched(stage: Stage) -> None:
    patched = "Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'files').get.toString().includes('native code')"
    on, _ = await stage.visit(PATHS[0])
    off, _ = await stage.visit(PATHS[0], protected=False)
    try:
        assert await on.evaluate(patched) is False
        assert await off.evaluate(patched) is True
        assert await on.evaluate("'cloakroom' in window") is False
    finally:
        await on.close()
        await off.close()


async def test_a_held_page_sees_an_empty_list_and_then_ordinary_events(stage: Stage) -> None:
    page, run = await stage.visit(PATHS[0])
    try:
        await page.evaluate(
            "void (window.seen = [], ['input', 'change'].forEach((name) => f.addEventListener(name, (event) =>"
            " seen.push([name, event.bubbles, event.target === f, f.files.length]))))"
        )
        await page.pick([stage.uploads["jpeg"].path])
        assert await page.evaluate("[f.files.length, f.value, seen.length]") == [0, "", 0]
        await stage.site.wait(run, 1, 120)
        assert await page.evaluate("seen") == [["input", True, True, 1], ["change", True, True, 1]]
        assert await page.evaluate("f.value") == "C:\\fakepath\\me at home.jpg"
    finally:
        await page.close()
