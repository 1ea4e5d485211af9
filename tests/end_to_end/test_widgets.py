"""The upload widgets that sites use, in both browsers."""

import pytest

from tests.end_to_end.site import BUNDLES
from tests.end_to_end.stage import Stage
from tests.end_to_end.upload_widgets import Widget, faults, widgets_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_BROWSER = [(browser, widget) for browser in ("chromium", "firefox") for widget in widgets_in(browser)]


@pytest.fixture(scope="module", autouse=True)
def bundled() -> None:
    assert BUNDLES.is_dir(), "run `npm ci && npm run build` in tests/end_to_end/widgets first"


# Without a scope, an argument of each test's own beside it would make the stage each test's own as well.
@pytest.mark.parametrize(("stage", "widget"), BY_BROWSER, indirect=["stage"], ids=str, scope="session")
async def test_a_widget_uploads_cloaked(stage: Stage, widget: Widget) -> None:
    assert await faults(stage, widget) == []
