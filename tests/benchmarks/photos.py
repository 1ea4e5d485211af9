"""Photos of several sizes for measurements: scikit-image's and COCO's, enlarged, with the grain of a sensor."""

import io
from collections.abc import Iterator

import numpy as np
import skimage.data
from PIL import Image, ImageOps

from protectors.archive import DEFAULT_FOLDER, Archive

SEED = 0
GRAIN = 3.0
"""Standard deviation of the grain, in 8-bit levels: without it an enlarged photo is too easy to encode."""

OWN = ("astronaut", "coffee", "chelsea", "rocket")
"""Photos of scikit-image; the others are of photos.npz where that is there."""

SIZES = {"photo512": (512, 512), "photo1080p": (1920, 1080), "photo12mp": (4000, 3000), "photo48mp": (8000, 6000)}


def photos(size: tuple[int, int], count: int) -> Iterator[bytes]:
    """Yield photos of a size as JPEG files of quality 90."""
    grain = np.random.default_rng(SEED)
    for source in _sources(count):
        yield camera_file(source, size, grain)


def camera_file(source: Image.Image, size: tuple[int, int], chance: np.random.Generator) -> bytes:
    """Return a JPEG of quality 90 of a photo's middle, enlarged to a size, with grain."""
    enlarged = ImageOps.fit(source, size, Image.Resampling.BICUBIC)
    grain = chance.normal(0.0, GRAIN, (size[1], size[0], 1))
    pixels = (np.asarray(enlarged) + grain).round().clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def _sources(count: int) -> list[Image.Image]:
    made = [Image.fromarray(getattr(skimage.data, name)()) for name in OWN]
    path = DEFAULT_FOLDER / "photos.npz"
    if path.is_file():
        archive = Archive(path)
        made += [Image.fromarray(archive.image(index)) for index in range(max(0, count - len(OWN)))]
    return made[:count]
