"""The files that a cloaked photo can become: as its own was encoded first, then finer, as far as its size allows.

A fine encoding keeps every cloak, and makes a photo from the web several times as large. The source's own quantisation tables
and subsampling change the picture least for their size. Whether a cloak survives them is the judge's to say, not this file's.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin

from protectors.saving import Pixels

Tables = tuple[tuple[int, ...], ...]

GROWTH: Final = 1.5
"""Times the file that came in that the one which goes out may be."""

JPEG_QUALITY: Final = 98
WEBP_QUALITIES: Final = (85, 90, 95, 100)
"""A WebP does not say what quality it was made with. Encoded anew at 95, a grainy photo can be below the floor."""
MAX_WEBP_SIDE: Final = 16383

PALETTES: Final = (64, 256)
"""Colours that a palette is tried with, where the source had one."""

FACTORS: Final = (0.7, 0.5, 0.35, 0.25, 0.18, 0.12)
"""Factors of a JPEG's own quantisation tables, to find the finest that fits."""

ROOM: Final = 0.85
"""Share of the limit that a fitted JPEG may take: a cloaked photo compresses less than the one it is tried on."""

Sampling = Literal[0, 1, 2]
"""Pillow's numbers for 4:4:4, 4:2:2 and 4:2:0."""


@dataclass(frozen=True)
class Source:
    """How the file that came in was encoded.

    Attributes:
        size: its bytes.
        tables: a JPEG's quantisation tables for brightness and colours, 64 values each, row by row; empty for others.
        sampling: a JPEG's chroma subsampling.
        grey: whether it has no colours.
        palette: whether it is a PNG with a palette.
    """

    size: int
    tables: Tables = ()
    sampling: Sampling = 0
    grey: bool = False
    palette: bool = False

    @classmethod
    def of(cls, image: Image.Image, size: int, turned: bool) -> "Source":
        """Args:
        image: loaded, as it is stored.
        size: bytes of its file.
        turned: whether its rows become columns.
        """
        grey = image.mode in ("1", "L", "LA") or image.mode.startswith("I")
        if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.mode not in ("L", "RGB"):
            return cls(size, grey=grey, palette=image.mode == "P" and image.format == "PNG")
        by_layer = [tuple(image.quantization[layer[3]]) for layer in image.layer]
        # Pillow writes one table for both colours: the finer of the two is fine enough for each.
        chroma = tuple(map(min, *by_layer[1:])) if len(by_layer) > 2 else by_layer[-1]
        tables: Tables = (by_layer[0], chroma)
        sampling = JpegImagePlugin.get_sampling(image)
        if turned:
            tables = tuple(_transposed(table) for table in tables)
            # 4:2:2 on its side is 4:4:0, which Pillow does not write.
            sampling = 0 if sampling == 1 else sampling
        known: dict[int, Sampling] = {1: 1, 2: 2}
        return cls(size, tables, known.get(sampling, 0), grey)


def _transposed(table: Sequence[int]) -> tuple[int, ...]:
    return tuple(table[8 * column + row] for row in range(8) for column in range(8))


@dataclass(frozen=True)
class Frame:
    """The parts of a file around its pixels.

    Attributes:
        kind: of the file.
        alpha: uint8[H, W], or None.
        profile: ICC, may be empty.
        colour: PNG chunks that say what the numbers mean.
        lossless: of a WebP.
    """

    kind: str
    alpha: Pixels | None
    profile: bytes
    colour: tuple[tuple[bytes, bytes], ...]
    lossless: bool


Encoding = Callable[[Pixels], bytes]
"""From uint8[H, W, 3] to a file."""


def encodings(frame: Frame, source: Source, limit: int) -> tuple[Encoding, ...]:
    """The ways to write a photo, in the order that they are to be tried; the last is the finest.

    Args:
        limit: bytes that a file should have at most. The finest may have more.
    """
    if frame.kind == "jpeg":
        finest = partial(_jpeg, frame, None)
        if not source.tables:
            return (finest,)
        return (partial(_jpeg, frame, source), FittedJpeg(frame, source, limit), finest)
    if frame.kind == "png":
        palettes = [partial(_palette, frame, colours) for colours in PALETTES] if source.palette and frame.alpha is None else []
        greys = [partial(_png, frame, limit, True)] if source.grey else []
        return (*palettes, *greys, partial(_png, frame, limit, False))
    if frame.lossless:
        return (partial(_webp, frame, 70),)
    return tuple(partial(_webp, frame, quality) for quality in WEBP_QUALITIES)


class FittedJpeg:
    """A JPEG with the source's own tables, made as much finer as its size allows for the first pixels that it is given."""

    def __init__(self, frame: Frame, source: Source, limit: int) -> None:
        self._frame = frame
        self._source = source
        self._limit = limit
        self._tables: Tables | None = None

    def __call__(self, pixels: Pixels) -> bytes:
        if self._tables is not None:
            return _jpeg(self._frame, self._with(self._tables), pixels)
        self._tables, best = self._source.tables, b""
        for factor in FACTORS:
            tables = tuple(tuple(max(1, round(factor * step)) for step in table) for table in self._source.tables)
            made = _jpeg(self._frame, self._with(tables), pixels)
            if best and len(made) > ROOM * self._limit:
                break
            self._tables, best = tables, made
        return best

    def _with(self, tables: Tables) -> Source:
        return Source(self._source.size, tables, self._source.sampling, self._source.grey)


def _image(frame: Frame, pixels: Pixels, grey: bool = False) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels), "RGB")
    if grey:
        image = image.convert("L")
    if frame.alpha is not None:
        image.putalpha(Image.fromarray(frame.alpha))
    return image


def _jpeg(frame: Frame, source: Source | None, pixels: Pixels) -> bytes:
    """By the source's tables, or in the finest way."""
    image = Image.fromarray(np.ascontiguousarray(pixels), "RGB")
    options: dict[str, object] = {"quality": JPEG_QUALITY, "subsampling": 0}
    if source is not None:
        image = image.convert("L") if source.grey else image
        options = {"qtables": [list(table) for table in source.tables], "subsampling": source.sampling}
    out = io.BytesIO()
    save = partial(image.save, out, "JPEG", icc_profile=frame.profile, **options)
    try:
        save(optimize=True)
    except OSError:
        # Optimising takes the whole file in one buffer, for which Pillow reserves two bytes a pixel: too few for noise.
        out.seek(0)
        out.truncate()
        save()
    return out.getvalue()


def _png(frame: Frame, limit: int, grey: bool, pixels: Pixels) -> bytes:
    """Packed harder, which takes several times as long, only where it would be too large."""
    image = _image(frame, pixels, grey)
    quick = _saved_png(frame, image, compress_level=6)
    if len(quick) <= limit:
        return quick
    return min(quick, _saved_png(frame, image, compress_level=9), key=len)


def _palette(frame: Frame, colours: int, pixels: Pixels) -> bytes:
    image = _image(frame, pixels).quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return _saved_png(frame, image, optimize=True)


def _saved_png(frame: Frame, image: Image.Image, **options: object) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    for name, body in frame.colour:
        chunks.add(name, body)
    out = io.BytesIO()
    image.save(out, "PNG", icc_profile=frame.profile, pnginfo=chunks, **options)
    return out.getvalue()


def _webp(frame: Frame, quality: int, pixels: Pixels) -> bytes:
    out = io.BytesIO()
    # exact keeps the colours under transparent pixels; alpha at quality 100 is lossless also in a lossy WebP.
    _image(frame, pixels).save(
        out,
        "WEBP",
        quality=quality,
        lossless=frame.lossless,
        alpha_quality=100,
        exact=True,
        method=4,
        icc_profile=frame.profile,
    )
    return out.getvalue()
