"""Frames that come with other nodes begin blank, and a page does not notice."""

import pytest

from tests.end_to_end.paths import PATHS
from tests.end_to_end.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMES_WITH_OTHERS = """(async () => {
  const frame = document.createElement('iframe');
  const loads = [];
  frame.onload = () => loads.push(frame.contentWindow.location.pathname);
  frame.src = '/frame.html';
  const group = document.createElement('div');
  group.append('text', frame);
  document.body.append(group);
  const entries = history.length;
  await new Promise((done) => setTimeout(done, 1000));
  return [loads, group.outerHTML, history.length - entries];
})()"""

HAS_OTHERS_PUT_BEFORE_IT = """(async () => {
  const frame = document.createElement('iframe');
  let loads = 0;
  frame.onload = () => { loads += 1; };
  frame.src = '/frame.html';
  document.body.append(frame);
  await new Promise((done) => setTimeout(done, 700));
  document.body.insertBefore(document.createElement('p'), frame);
  frame.before(document.createElement('p'));
  frame.insertAdjacentElement('afterend', document.createElement('p'));
  await new Promise((done) => setTimeout(done, 700));
  return [loads, frame.contentDocument.querySelectorAll('input').length];
})()"""

IS_WRITTEN = """(async () => {
  const box = document.body.appendChild(document.createElement('div'));
  box.innerHTML = '<p>a<iframe src="/frame.html"></iframe><b onclick="1">c</b>';
  box.firstChild.insertAdjacentHTML('beforebegin', '<i>d</i><iframe src="/frame.html?2"></iframe>');
  await new Promise((done) => setTimeout(done, 1000));
  return [box.innerHTML, Array.from(box.querySelectorAll('iframe'), (frame) => frame.contentWindow.location.pathname)];
})()"""


@pytest.mark.parametrize("script", [COMES_WITH_OTHERS, HAS_OTHERS_PUT_BEFORE_IT, IS_WRITTEN], ids=["with", "before", "written"])
async def test_a_frame_is_what_it_is_without_the_extension(stage: Stage, script: str) -> None:
    told = []
    for protected in (False, True):
        page, _ = await stage.visit(PATHS[0], protected=protected)
        told.append(await page.evaluate(script))
        await page.close()
    assert told[0] == told[1]
