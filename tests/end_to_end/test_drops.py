"""Folders and handles, which Chromium alone lets a test choose or drop: each with its control on a site that is off."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.end_to_end.matrix import outcome
from tests.end_to_end.paths import CHROMIUM_PATHS, Path
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.stamping_daemon import StampingDaemon

pytestmark = pytest.mark.asyncio(loop_scope="session")

DIRECTORY = next(path for path in CHROMIUM_PATHS if path.name == "webkitdirectory")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def quick() -> AsyncIterator[Stage]:
    """A stage with a stamping daemon: choosing a folder waits for the page's event, and no longer than Playwright allows."""
    async with open_stage("chromium", daemon_type=StampingDaemon) as opened:
        yield opened


@pytest.mark.parametrize("path", CHROMIUM_PATHS, ids=lambda path: path.name)
async def test_a_photo_arrives_cloaked(quick: Stage, path: Path) -> None:
    assert await outcome(quick, path, protected=True) == "cloaked"


@pytest.mark.parametrize("path", CHROMIUM_PATHS, ids=lambda path: path.name)
async def test_on_a_site_that_is_off_the_original_arrives(quick: Stage, path: Path) -> None:
    assert await outcome(quick, path, protected=False) == "ORIGINAL"


async def test_a_file_keeps_its_path_in_the_folder_that_was_picked(quick: Stage) -> None:
    page, run = await quick.visit(DIRECTORY)
    await quick.act(DIRECTORY, page)
    await quick.site.wait(run, 1, 60)
    assert await page.evaluate("document.title") == "album/beach.jpg"
    await page.close()


async def test_a_handle_is_refused_wherever_a_worker_could_take_it_from(quick: Stage) -> None:
    path = Path("drop-handle", ("jpeg",), "drop")
    page, run = await quick.visit(path)
    await page.evaluate(
        """void zone.addEventListener('drop', (event) => {
          window.handle = event.dataTransfer.items[0].getAsFileSystemHandle();
        }, true)"""
    )
    await quick.act(path, page)
    await quick.site.wait(run, 1, 60)
    refused = await page.evaluate(
        """(async () => {
          const handle = await window.handle;
          const database = await new Promise((resolve) => {
            const request = indexedDB.open('handles', 1);
            request.onupgradeneeded = () => request.result.createObjectStore('all');
            request.onsuccess = () => resolve(request.result);
          });
          let reads = 0;
          const changing = { get file() { reads += 1; return reads > 1 ? handle : null; } };
          const worker = new Worker(URL.createObjectURL(new Blob([''], { type: 'text/javascript' })));
          const attempts = {
            worker: () => worker.postMessage({ deep: new Map([[1, [handle]]]) }),
            port: () => new MessageChannel().port1.postMessage(handle),
            channel: () => new BroadcastChannel('handles').postMessage({ handle }),
            database: () => database.transaction('all', 'readwrite').objectStore('all').put(handle, 1),
          };
          const names = [];
          for (const [name, attempt] of Object.entries(attempts)) {
            try { attempt(); } catch (error) { names.push(`${name} ${error.name}`); }
          }
          worker.postMessage(changing);
          names.push(`read ${reads}`);
          return names;
        })()"""
    )
    assert refused == [f"{name} DataCloneError" for name in ("worker", "port", "channel", "database")] + ["read 1"]
    await page.close()


async def test_other_messages_go_as_they_are(quick: Stage) -> None:
    path = Path("drop-handle", ("jpeg",), "drop")
    page, run = await quick.visit(path)
    await quick.act(path, page)
    await quick.site.wait(run, 1, 60)
    answer = await page.evaluate(
        """new Promise((done) => {
          const source = 'onmessage = ({ data, ports }) => ports[0].postMessage([data.size, data.buffer.byteLength])';
          const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
          const { port1, port2 } = new MessageChannel();
          const buffer = new ArrayBuffer(8);
          port1.onmessage = ({ data }) => done([...data, buffer.byteLength]);
          worker.postMessage({ size: 3, buffer }, [buffer, port2]);
        })"""
    )
    assert answer == [3, 8, 0]
    await page.close()
