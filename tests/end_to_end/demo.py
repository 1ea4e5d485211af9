"""Shows the whole path: a photo picked on a page arrives cloaked, in a real browser, through a real daemon.

    python -m tests.end_to_end.demo [--photo FILE] [--browser chromium|firefox] [--output DIR] [--json]

Exit status 0 only if the site received a cloaked photo that looks well, and never the original. It says what machines still
read.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path as FilePath
from typing import Any

from protectors.cloak import Cloakroom
from protectors.names import DEFAULT
from protectors.policy import Policy
from tests.end_to_end.browser import Browser, Page
from tests.end_to_end.drawing import before_and_after
from tests.end_to_end.photos import Upload, astronaut, decode, jpeg
from tests.end_to_end.received import Part
from tests.end_to_end.site import HOST
from tests.end_to_end.stage import Stage, last_reports, open_stage, set_rule
from tests.pretrained import ARE_HERE, FOLDER

CLOAK_SECONDS = 900.0


class Lines:
    """Progress as plain lines, or nothing but one JSON object at the end."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def say(self, line: str) -> None:
        if not self._quiet:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


async def show(options: argparse.Namespace, lines: Lines) -> dict[str, Any]:
    """Run the demo; the answer's `ok` is whether all went as it should."""
    headless = sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    output = FilePath(options.output)
    await asyncio.to_thread(output.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cloakroom-demo-") as folder:
        photo = _photo(options.photo, FilePath(folder))
        lines.say(f"starting the daemon and {options.browser}{' without a window' if headless else ''}")
        async with open_stage(options.browser, DEFAULT, headless=headless, pretrained=True) as stage:
            # What cannot be hidden from every machine is shown too, and said.
            await set_rule(stage.browser, HOST, unprotected="attempt")
            lines.say(f"the daemon listens on 127.0.0.1:{stage.daemon.port}; {options.browser} is paired, and on for 127.0.0.1")
            return await _upload(stage, photo, output, lines)


async def _upload(stage: Stage, photo: Upload, output: FilePath, lines: Lines) -> dict[str, Any]:
    page = await stage.browser.open(stage.site.url("composer", "demo"))
    lines.say(f"picked: {photo.name}, {len(photo.data)} bytes, SHA-256 {photo.sha256[:16]}…")
    begun = time.monotonic()
    x, y = await page.evaluate(
        "(() => { const box = document.querySelector('#photo').getBoundingClientRect(); return [box.x + 20, box.y + 15]; })()"
    )
    await page.pick([photo.path], (round(x), round(y)))
    lines.say("Cloakroom holds the upload; the page still sees nothing")
    held = await _held(stage.browser, page)
    if held:
        lines.say(f"held: {held}")
        return {"ok": False, "held": held, "arrived": len(stage.site.runs["demo"].parts)}
    cloaked_after = time.monotonic() - begun
    await page.click("#post")
    run = await stage.site.wait("demo", 1, 60)
    await page.wait_for("document.title === 'Posted'")
    await page.screenshot(output / "page.png")
    part = run.parts[0]
    report = (await last_reports(stage.browser))[0]
    # Not the daemon's word for it: the models read what arrived, here.
    read = await asyncio.to_thread(_read_back, photo, part)
    before_and_after(photo.pixels, decode(part.data), read).save(output / "before-and-after.png")
    leaked = run.holds(photo.data)
    told = {
        "ok": not leaked and read.get("floor") is True and read["max_difference"] > 0,
        "browser": f"{stage.browser.name} {stage.browser.version}",
        "picked": {"bytes": len(photo.data), "sha256": photo.sha256},
        "arrived": {"bytes": len(part.data), "name": part.name, "original": leaked},
        "report": {**report, **read},
        "seconds": round(cloaked_after, 2),
        "pictures": [str(output / "before-and-after.png"), str(output / "page.png")],
    }
    _tell(told, lines)
    return told


async def _held(browser: Browser, page: Page) -> str:
    """Empty once the page has its photo, or why the upload is held."""

    async def reason() -> str:
        window = await browser.hold_window(CLOAK_SECONDS)
        return str(await window.wait_for("document.querySelector('article p')?.textContent"))

    async def arrived() -> str:
        await page.wait_for("!document.querySelector('#post').disabled", CLOAK_SECONDS)
        return ""

    tasks = [asyncio.create_task(reason()), asyncio.create_task(arrived())]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return done.pop().result()


def _read_back(photo: Upload, part: Part) -> dict[str, Any]:
    """Return the models' readings of the picked and the arrived photo, and the photos' difference."""
    before, after = photo.pixels, decode(part.data)
    if before.shape != after.shape:
        return {"protected": False, "verdicts": [], "psnr": 0.0, "ssim": 0.0, "max_difference": 0, "shape": after.shape}
    return Cloakroom(model_folder=FOLDER).judge(Policy(), before).judgement(after).as_json()


def _tell(told: dict[str, Any], lines: Lines) -> None:
    arrived, report = told["arrived"], told["report"]
    kind = "THE ORIGINAL" if arrived["original"] else "not the original"
    lines.say(f"arrived: {arrived['name']}, {arrived['bytes']} bytes, {kind}")
    if not ARE_HERE:
        lines.say("the pretrained networks are not here: these are demonstration models, and real machines may read otherwise")
    for verdict in report["verdicts"]:
        before, after = (", ".join(verdict[key]) or "nothing" for key in ("before", "after"))
        name = f"{verdict['protector']}: {verdict['adversary']}"
        if verdict.get("judge_only"):
            name += " (a judge that no cloak is made against)"
        lines.say(f"{name} read before: {before}")
        lines.say(f"{name} reads now: {after}")
    machines = {verdict["adversary"] for verdict in report["verdicts"]}
    reading = {verdict["adversary"] for verdict in report["verdicts"] if not verdict["protected"]}
    lines.say(f"{len(machines - reading)} of {len(machines)} machines no longer read what they read before")
    psnr = "identical" if report["psnr"] is None else f"{report['psnr']:.1f} dB"
    lines.say(f"PSNR {psnr}, SSIM {report['ssim']:.4f}")
    stages = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in report["seconds"].items())
    lines.say(f"{stages}; from the pick to the page {told['seconds']} s")
    for picture in told["pictures"]:
        lines.say(f"picture: {picture}")
    lines.say("the site received a cloaked photo, and never the original" if told["ok"] else "this is NOT what should happen")


def _photo(chosen: str | None, folder: FilePath) -> Upload:
    """The person's own file, copied so that nothing can happen to it, or the astronaut."""
    if chosen is None:
        return jpeg(astronaut(), folder / "astronaut.jpg")
    copy = folder / FilePath(chosen).name
    shutil.copyfile(chosen, copy)
    return Upload(copy, copy.read_bytes())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.end_to_end.demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photo", metavar="FILE", help="your own photo instead of scikit-image's astronaut")
    parser.add_argument("--browser", choices=["chromium", "firefox"], default="chromium")
    parser.add_argument("--output", metavar="DIR", default="demo-output", help="where the pictures go (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    options = parser.parse_args()
    told = asyncio.run(show(options, Lines(quiet=options.json)))
    if options.json:
        sys.stdout.write(json.dumps(told) + "\n")
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
