"""The upload widgets that sites use, as their packages ship them, and two composers modelled on Mastodon's and Bluesky's."""

import asyncio
import itertools
from dataclasses import dataclass
from typing import Literal

from tests.end_to_end.browser import Page
from tests.end_to_end.paths import Path
from tests.end_to_end.photos import decode
from tests.end_to_end.received import Run
from tests.end_to_end.stage import Stage
from tests.end_to_end.verdict import arrived_original, problems, scene_of

SECONDS = 120.0
RUNS = itertools.count()


@dataclass(frozen=True)
class Widget:
    """A widget's page, and the element that a person acts on."""

    name: str
    action: Literal["pick", "drop", "paste"]
    element: str
    file: str = "jpeg"

    def __str__(self) -> str:
        return f"{self.name}-{self.action}"


WIDGETS = (
    Widget("uppy_dashboard", "pick", ".uppy-Dashboard-browse"),
    Widget("uppy_dashboard", "drop", ".uppy-Dashboard-AddFiles"),
    Widget("uppy_drag_drop", "pick", ".uppy-DragDrop-container"),
    Widget("uppy_drag_drop", "drop", ".uppy-DragDrop-container"),
    Widget("filepond", "pick", ".filepond--label-action"),
    Widget("filepond", "drop", ".filepond--root"),
    Widget("dropzone", "pick", ".dropzone"),
    Widget("dropzone", "drop", ".dropzone"),
    Widget("react_dropzone", "pick", "#zone"),
    Widget("react_dropzone", "drop", "#zone"),
    Widget("blueimp", "pick", "#place"),
    Widget("blueimp", "drop", "#place"),
    Widget("quill", "paste", ".ql-editor", "png"),
    Widget("tiptap", "paste", ".ProseMirror", "png"),
    Widget("tiptap", "drop", ".ProseMirror"),
    Widget("mastodon", "pick", "#add"),
    Widget("mastodon", "drop", "#text"),
    Widget("mastodon", "paste", "#text", "png"),
    Widget("bluesky", "pick", "#add"),
    Widget("bluesky", "drop", "#text"),
    Widget("bluesky", "paste", "#text", "png"),
    Widget("plupload", "pick", "#browse"),
    Widget("plupload", "drop", "#place"),
    Widget("fine_uploader", "pick", "#browse"),
    Widget("fine_uploader", "drop", "#place"),
    Widget("tinymce", "paste", "iframe", "png"),
    Widget("ckeditor", "paste", ".ck-editor__editable", "png"),
    Widget("ckeditor", "drop", ".ck-editor__editable"),
    Widget("slate", "paste", "#text", "png"),
    Widget("toast_ui", "paste", ".toastui-editor-ww-container .ProseMirror", "png"),
    Widget("jodit", "paste", ".jodit-wysiwyg", "png"),
    Widget("filepond_resize", "pick", ".filepond--label-action"),
    Widget("cropper", "pick", "#add"),
    Widget("image_compression", "pick", "#place"),
    Widget("tus", "pick", "#place"),
    Widget("active_storage", "pick", "#place"),
)

REDRAWING = frozenset({"bluesky", "filepond_resize", "cropper", "image_compression"})
"""Widgets that draw every picture anew: what arrives is never the file, but reads as it does or does not."""

UNTOLD = {
    # It asks each dropped file for its handle, of which the DevTools protocol's drags have none.
    ("chromium", "react_dropzone-drop"),
    # They look for more in a drop than is in one that Firefox's own test hook makes.
    ("firefox", "filepond-drop"),
    ("firefox", "tiptap-drop"),
    ("firefox", "fine_uploader-drop"),
}
"""Ways that no test here can go, with the site off as little as with it on."""


def widgets_in(browser: str) -> list[Widget]:
    """Every widget and way that can be tested in a browser."""
    return [widget for widget in WIDGETS if (browser, str(widget)) not in UNTOLD]


async def centre(page: Page, selector: str) -> tuple[int, int]:
    """The middle of an element, once it is there and moves no more."""
    box = f"document.querySelector({selector!r})?.getBoundingClientRect()"
    look = (
        f"let last = ''; const look = () => {{ const now = {box};"
        " const middle = now ? [now.left + now.width / 2, now.top + now.height / 2] : [];"
        " if (now?.width && String(middle) === last) done(middle);"
        " else { last = String(middle); setTimeout(look, 200); } }; look();"
    )
    async with asyncio.timeout(20):
        x, y = await page.evaluate(f"new Promise((done) => {{ {look} }})")
    return round(x), round(y)


async def upload(stage: Stage, widget: Widget, *, protected: bool) -> Run:
    """Open the widget's page, act, and wait until the file is there and the widget itself is content."""
    run = f"widget-{widget}-{next(RUNS)}"
    page = await stage.browser.open(stage.site.url(f"widgets/{widget.name}", run, protected=protected))
    file = stage.uploads[widget.file].path
    try:
        point = await centre(page, widget.element)
        if widget.action == "pick":
            await page.pick([file], point)
        elif widget.action == "drop":
            await page.drop([file], point)
        else:
            await page.copy({"image/png": await asyncio.to_thread(file.read_bytes)})
            await page.click_at(point)
            await page.press("Control", "v")
        await stage.site.wait(run, 1, SECONDS)
        await page.wait_for("document.title === 'sent'")
        return stage.site.runs[run]
    finally:
        await page.close()


async def faults(stage: Stage, widget: Widget) -> list[str]:
    """Return the faults of a widget's uploads, with the site off and with it on."""
    original = stage.uploads[widget.file]
    off = await upload(stage, widget, protected=False)
    on = await upload(stage, widget, protected=True)
    if widget.name not in REDRAWING:
        unseen = [] if arrived_original(off, [original]) else ["without the extension no original arrived"]
        return unseen + problems(Path(str(widget), (widget.file,), widget.action, keeps_stamps=False), on, [original])
    found = []
    if [scene_of(decode(part.data)) for part in off.parts] != [scene_of(original.pixels)]:
        found.append("without the extension the scene was not read")
    if [scene_of(decode(part.data)) != scene_of(original.pixels) for part in on.parts] != [True]:
        found.append("the scene is read as before")
    return found + ["the original arrived"] * arrived_original(on, [original])
