"""The demo that the README promises, in both browsers, with the protectors that people get."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.end_to_end.verdict import MIN_JPEG_PSNR

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
async def test_the_demo_shows_a_cloaked_photo_arrive(browser: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.end_to_end.demo", "--browser", browser, "--output", str(tmp_path), "--json",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 300)
    told = json.loads(output.splitlines()[-1])
    assert process.returncode == 0, told
    assert told["ok"]
    assert told["arrived"]["original"] is False
    verdicts = {verdict["protector"]: verdict for verdict in told["report"]["verdicts"]}
    assert "person" in verdicts["objects"]["before"]
    assert verdicts["objects"]["after"] == []
    assert verdicts["scene"]["before"] != verdicts["scene"]["after"]
    assert told["report"]["psnr"] >= MIN_JPEG_PSNR
    for name in ("before-and-after.png", "page.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 400
