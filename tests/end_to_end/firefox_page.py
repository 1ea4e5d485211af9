"""A tab of Debian's Firefox, driven over WebDriver BiDi."""

import asyncio
import base64
import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.end_to_end.bidi import BiDi, BiDiError, plain
from tests.end_to_end.browser import TARGET, Page

KEYS = {"Control": "\ue009", "Delete": "\ue017", "Enter": "\ue007"}

DISPATCH = """
addMessageListener('cloakroom-test', function run({ data: { x, y, files } }) {
  removeMessageListener('cloakroom-test', run);
  try {
    const view = content;
    const target = view.document.elementFromPoint(x, y);
    for (const kind of ['dragenter', 'dragover', 'drop']) {
      // Filled as the page would fill it: it may not read what someone more privileged put in.
      const transfer = new view.DataTransfer();
      for (const { bytes, name, type, lastModified } of files) {
        // Before the drop itself a page sees that there are files, and not what is in them.
        const content = kind === 'drop' ? [Cu.cloneInto(bytes, view)] : [];
        const file = new view.File(Cu.cloneInto(content, view), name, { type, lastModified });
        transfer.wrappedJSObject.items.add(Cu.waiveXrays(file));
      }
      const drag = view.document.createEvent('DragEvent');
      drag.initDragEvent(kind, true, true, view, 0, 0, 0, x, y, false, false, false, false, 0, null, transfer);
      view.windowUtils.dispatchDOMEventViaPresShellForTesting(target, drag);
    }
    sendAsyncMessage('cloakroom-test-done', '');
  } catch (error) {
    sendAsyncMessage('cloakroom-test-done', String(error));
  }
});
"""
"""Dispatches a trusted drop, in the way of Firefox's own tests: no headless desktop has a file to drag."""


async def privileged(bidi: BiDi, expression: str) -> Any:
    """The value of an expression in the browser's own window."""
    tree = await bidi.send("browsingContext.getTree", {"moz:scope": "chrome"})
    target = {"context": tree["contexts"][0]["context"]}
    result = await bidi.send("script.evaluate", {"expression": expression, "target": target, "awaitPromise": True})
    if result["type"] == "exception":
        raise BiDiError(result["exceptionDetails"]["text"])
    return plain(result["result"])


class FirefoxPage(Page):
    """A tab of Firefox."""

    def __init__(self, bidi: BiDi, context: str) -> None:
        self.bidi = bidi
        self.context = context

    async def evaluate(self, expression: str) -> Any:
        result = await self.bidi.send(
            "script.evaluate",
            {
                "expression": f"(async () => ({expression}))()",
                "target": {"context": self.context},
                "awaitPromise": True,
                "serializationOptions": {"maxObjectDepth": 10},
            },
        )
        if result["type"] == "exception":
            raise BiDiError(result["exceptionDetails"]["text"])
        return plain(result["result"])

    async def click(self, selector: str) -> None:
        button = f"document.querySelector({json.dumps(selector)})"
        if await self.evaluate(f"{button}.disabled"):
            # The hold window's buttons take a moment of being in front.
            await self.activate()
            await self.wait_for(f"!{button}.disabled")
        x, y = await self.evaluate(
            f"(() => {{ const node = document.querySelector({json.dumps(selector)}); node.scrollIntoView({{block: 'center'}});"
            " const box = node.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        await self.click_at((round(x), round(y)))

    async def click_at(self, point: tuple[int, int]) -> None:
        x, y = point
        pointer = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        await self._act({"type": "pointer", "id": "mouse", "actions": pointer})

    async def type(self, selector: str, text: str) -> None:
        await self.click(selector)
        await self._press(["Control", "a"])
        await self._press(["Delete"])
        for letter in text:
            await self._press([letter])

    async def pick(self, files: Sequence[Path], point: tuple[int, int] = TARGET) -> None:
        opened: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        def listener(name: str, params: dict[str, Any]) -> None:
            if name == "input.fileDialogOpened" and not opened.done():
                opened.set_result(params)

        with self.bidi.listening(listener):
            await self.click_at(point)
            async with asyncio.timeout(60):
                dialog = await opened
        await self.bidi.send(
            "input.setFiles",
            {"context": dialog["context"], "element": dialog["element"], "files": [str(file) for file in files]},
        )

    async def drop(self, files: Sequence[Path], point: tuple[int, int] = TARGET) -> None:
        types = {".jpg": "image/jpeg", ".png": "image/png", ".pdf": "application/pdf"}
        told = [
            {
                "name": file.name,
                "type": types.get(file.suffix, ""),
                "lastModified": int(file.stat().st_mtime * 1000),
                "data": base64.b64encode(file.read_bytes()).decode(),
            }
            for file in files
        ]
        await self._dispatch_drop(point, told)

    async def copy(self, contents: Mapping[str, bytes]) -> None:
        await self.click_at(TARGET)
        told = {kind: base64.b64encode(data).decode() for kind, data in contents.items()}
        # Only a click of a person may write the clipboard; the pages of the tests do not mind one more.
        await self.evaluate(
            f"""void addEventListener('mousedown', () => {{
              const blobs = {{}};
              for (const [type, text] of Object.entries({json.dumps(told)})) {{
                blobs[type] = new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], {{ type }});
              }}
              window.written = navigator.clipboard.write([new ClipboardItem(blobs)]).then(() => 'written', String);
            }}, {{ once: true }})"""
        )
        await self.click_at(TARGET)
        if (answer := await self.evaluate("window.written")) != "written":
            raise BiDiError(f"the clipboard was not written: {answer}")

    async def press(self, *keys: str) -> None:
        await self._press(keys)

    async def go(self, url: str) -> None:
        await self.bidi.send("browsingContext.navigate", {"context": self.context, "url": url, "wait": "complete"})

    async def activate(self) -> None:
        await self.bidi.send("browsingContext.activate", {"context": self.context})

    async def close(self) -> None:
        with contextlib.suppress(BiDiError):
            await self.bidi.send("browsingContext.close", {"context": self.context})

    async def screenshot(self, path: Path) -> None:
        shot = await self.bidi.send("browsingContext.captureScreenshot", {"context": self.context})
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))

    async def _act(self, source: dict[str, Any]) -> None:
        await self.bidi.send("input.performActions", {"context": self.context, "actions": [source]})

    async def _press(self, keys: Sequence[str]) -> None:
        values = [KEYS.get(key, key) for key in keys]
        down = [{"type": "keyDown", "value": value} for value in values]
        up = [{"type": "keyUp", "value": value} for value in reversed(values)]
        await self._act({"type": "key", "id": "keyboard", "actions": [*down, *up]})

    async def _dispatch_drop(self, point: tuple[int, int], files: list[dict[str, Any]]) -> None:
        script = f"""new Promise((done) => {{
          const told = {json.dumps({"x": point[0], "y": point[1], "files": files})};
          for (const file of told.files) file.bytes = Uint8Array.from(atob(file.data), (letter) => letter.charCodeAt(0));
          const manager = gBrowser.selectedBrowser.messageManager;
          manager.addMessageListener('cloakroom-test-done', function heard({{ data }}) {{
            manager.removeMessageListener('cloakroom-test-done', heard);
            done(data);
          }});
          manager.loadFrameScript('data:application/javascript,' + encodeURIComponent({json.dumps(DISPATCH)}), false);
          manager.sendAsyncMessage('cloakroom-test', told);
        }})"""
        if problem := await privileged(self.bidi, script):
            raise BiDiError(problem)
