"""A picture of what detectors see before and after."""

from typing import Any

from PIL import Image, ImageDraw, ImageFont

from tests.end_to_end.photos import Pixels

GAP = 16
CAPTION = 44
INK = (29, 31, 35)
GROUND = (247, 246, 243)
BOX = (217, 70, 60)


def before_and_after(before: Pixels, after: Pixels, report: dict[str, Any]) -> Image.Image:
    """Both photos side by side for each detector, with what it finds drawn in."""
    verdicts = [verdict for verdict in report["verdicts"] if verdict["protector"] == "objects"]
    height, width = before.shape[:2]
    row = height + CAPTION + GAP
    canvas = Image.new("RGB", (2 * width + 3 * GAP, max(1, len(verdicts)) * row), GROUND)
    for number, verdict in enumerate(verdicts):
        for index, (pixels, key, word) in enumerate(((before, "before", "Picked"), (after, "after", "Arrived"))):
            found = verdict.get(f"detections_{key}") or []
            left, top = GAP + index * (width + GAP), number * row
            canvas.paste(_drawn(pixels, found), (left, top + CAPTION))
            text = f"{word}: {verdict['adversary']} sees {_counted(found)}"
            ImageDraw.Draw(canvas).text((left, top + CAPTION // 3), text, INK, ImageFont.load_default(14))
    return canvas


def _counted(found: list[dict[str, Any]]) -> str:
    names = [str(item["class"]) for item in found]
    return ", ".join(f"{name} ({names.count(name)})" for name in dict.fromkeys(names)) or "nothing"


def _drawn(pixels: Pixels, found: list[dict[str, Any]]) -> Image.Image:
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    stroke = max(2, image.width // 200)
    font = ImageFont.load_default(max(12, image.width // 36))
    for item in found:
        x0, y0, x1, y1 = item["box"]
        draw.rectangle((x0, y0, x1, y1), outline=BOX, width=stroke)
        label = f"{item['class']} {item['score']:.0%}"
        box = draw.textbbox((x0 + stroke, y0 + stroke), label, font)
        draw.rectangle((box[0] - 3, box[1] - 3, box[2] + 3, box[3] + 3), fill=BOX)
        draw.text((x0 + stroke, y0 + stroke), label, "white", font)
    return image
