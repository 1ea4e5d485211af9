"""The demo that the README promises, in both browsers, with the protectors that people get."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from protectors.names import DEFAULT
from tests.end_to_end.verdict import MIN_JPEG_PSNR
from tests.pretrained import ARE_HERE

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
    verdicts = told["report"]["verdicts"]
    against = [verdict for verdict in verdicts if not verdict.get("judge_only")]
    assert {verdict["protector"] for verdict in against} >= set(DEFAULT)
    for verdict in against:
        if verdict["protector"] == "objects":
            assert {"person", "face"} & set(verdict["before"])
    # The astronaut and her face fill the photo: within the floor of quality, one to three of five real networks are fooled, by
    # the class that is drawn (ten seeds), and the demo says so. What is hidden on average is measured by `evaluate real`.
    misled = [verdict for verdict in against if verdict["protected"]]
    assert len(misled) >= (1 if ARE_HERE else len(against))
    for verdict in misled:
        assert verdict["before"] != verdict["after"]
    assert ("centernet_mobilenet_v3_coco" in {verdict["adversary"] for verdict in verdicts}) == ARE_HERE
    assert told["report"]["psnr"] >= MIN_JPEG_PSNR
    for name in ("before-and-after.png", "page.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 400
