"""The upload widgets that sites use, in both browsers."""

import pytest

from tests.end_to_end.site import BUNDLES
from tests.end_to_end.stage import Stage
from tests.end_to_end.upload_widgets import Widget, faults, widgets_in

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module", autouse=True)
def bundled() -> None:
    assert BUNDLES.is_dir(), "run `npm ci && npm run build` in tests/end_to_end/widgets first"


# One function a browser: an argument of pairs of a browser and a widget would begin another browser for every widget.
@pytest.mark.parametrize("widget", widgets_in("chromium"), ids=str)
@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_a_widget_uploads_cloaked_in_chromium(stage: Stage, widget: Widget) -> None:
    assert await faults(stage, widget) == []


@pytest.mark.parametrize("widget", widgets_in("firefox"), ids=str)
@pytest.mark.parametrize("stage", ["firefox"], indirect=True)
async def test_a_widget_uploads_cloaked_in_firefox(stage: Stage, widget: Widget) -> None:
    assert await faults(stage, widget) == []
