"""Every upload path, in both browsers."""

import pytest

from tests.end_to_end.paths import PATHS, Path
from tests.end_to_end.photos import jpeg, twelve_megapixels
from tests.end_to_end.stage import Stage
from tests.end_to_end.verdict import arrived_original, problems

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
async def test_a_photo_arrives_cloaked(stage: Stage, path: Path) -> None:
    run = await stage.upload(path)
    assert problems(path, run, [stage.uploads[name] for name in path.files]) == []


# A drop that Firefox's test hook dispatches does not make Firefox itself fill an input: that control would tell nothing.
CONTROLS = [
    (browser, path)
    for path in PATHS
    for browser in ("chromium", "firefox")
    if (browser, path.name) != ("firefox", "drop-input")
]


@pytest.mark.parametrize(("stage", "path"), CONTROLS, indirect=["stage"], ids=lambda value: getattr(value, "name", value))
async def test_on_a_site_that_is_off_the_original_arrives(stage: Stage, path: Path) -> None:
    run = await stage.upload(path, protected=False)
    assert arrived_original(run, [stage.uploads[name] for name in path.files])


@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_a_photo_of_twelve_megapixels(stage: Stage) -> None:
    folder = stage.uploads["jpeg"].path.parent
    stage.uploads["large"] = jpeg(twelve_megapixels(), folder / "large.jpg", quality=90)
    path = Path("attached", ("large",))
    run = await stage.upload(path, seconds=300)
    assert problems(path, run, [stage.uploads["large"]]) == []


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
