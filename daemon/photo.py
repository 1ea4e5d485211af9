"""Photos between bytes and pixels: JPEG, PNG and WebP in, the same type and size out, without metadata.

Only pixels, alpha and the colour profile are carried over into a new file, so whatever else a file held (EXIF, XMP,
IPTC, GPS, comments, thumbnails, texts) is gone because nothing copies it, not because something removes it.
Runs in the worker only: decoders meet hostile files.
"""

import io
import warnings
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, PngImagePlugin

from daemon.colour import Profile, kept_profile, to_rgb
from daemon.containers import MIME, Facts, Kind, facts_of, kind_of
from daemon.errors import CloakroomError
from daemon.protocol import LIMITS

# We refuse by our own limit before a pixel is decoded, and want its name for it.
Image.MAX_IMAGE_PIXELS = None
ImageFile.LOAD_TRUNCATED_IMAGES = False

Pixels = npt.NDArray[np.uint8]

JPEG_QUALITY = 98
WEBP_QUALITY = 95
MAX_WEBP_SIDE = 16383

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Photo:
    """A decoded photo, upright.

    Attributes:
        pixels: uint8[H, W, 3], RGB as stored.
        alpha: uint8[H, W], or None where the file has no transparency.
        profile: the ICC profile of these RGB values, or None.
        kind: the file type to go back to.
        lossless: whether a WebP was (PNG always is).
        colour: PNG chunks that say what the numbers mean.
        notes: what could not be kept, in words for people.
    """

    pixels: Pixels
    alpha: Pixels | None
    profile: bytes | None
    kind: Kind
    lossless: bool
    colour: tuple[tuple[bytes, bytes], ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def mime(self) -> str:
        return MIME[self.kind]

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


def decode(data: bytes) -> Photo:
    """Read a photo.

    Args:
        data: the whole file, of any size: our own results may be larger than what people may send.

    Raises:
        CloakroomError: empty, not-an-image, unsupported-format, animated, truncated, too-many-pixels.
    """
    kind = kind_of(data)
    facts = facts_of(data, kind)
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata, which is not carried over anyway.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=[kind]) as image:
                return _read(image, kind, facts)
    except CloakroomError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError, MemoryError):
        # The signature was right and the rest was not: whatever the decoder stumbled over, the file is damaged.
        raise CloakroomError("truncated") from None


def _read(image: Image.Image, kind: Kind, facts: Facts) -> Photo:
    if image.width * image.height > LIMITS.pixels:
        raise CloakroomError("too-many-pixels")
    # A Multi-Picture JPEG (depth maps, bursts) is no animation: its first picture is the photo.
    if kind != "jpeg" and getattr(image, "is_animated", False):
        raise CloakroomError("animated")
    image.load()
    notes: list[str] = []
    if facts.depth == 16:
        notes.append("The 16-bit PNG was reduced to 8 bits a channel.")
    profile = Profile.of(image.info.get("icc_profile"))
    turn = _TRANSPOSE.get(_orientation(image))
    rgb, alpha = to_rgb(image, profile, facts.depth, notes)
    if turn is not None:
        rgb = rgb.transpose(turn)
        alpha = alpha.transpose(turn) if alpha is not None else None
    return Photo(
        pixels=np.array(rgb, dtype=np.uint8),
        alpha=np.array(alpha, dtype=np.uint8) if alpha is not None else None,
        profile=kept_profile(profile, notes),
        kind=kind,
        lossless=facts.lossless,
        # They also hold for the RGB of a grey PNG: its numbers are the same, thrice. A profile overrules them.
        colour=() if profile is not None else facts.colour,
        notes=tuple(notes),
    )


def _orientation(image: Image.Image) -> int:
    """1 to 8, from EXIF alone as browsers read it; 1 where it is missing or damaged."""
    raw = image.info.get("exif")
    if not isinstance(raw, bytes):
        return 1
    exif = Image.Exif()
    try:
        exif.load(raw)
        value = exif.get(_ORIENTATION, 1)
    except Exception:
        # Cameras and editors write damaged EXIF in every way there is; the photo itself is fine.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def encode(photo: Photo, pixels: Pixels) -> bytes:
    """Write a file of the photo's own type with other pixels.

    Args:
        photo: says type, alpha, profile.
        pixels: uint8[H, W, 3] of the photo's size.

    Raises:
        CloakroomError: internal if the size differs.
    """
    if pixels.shape != photo.pixels.shape or pixels.dtype != np.uint8:
        raise CloakroomError("internal")
    if photo.alpha is not None:
        image = Image.fromarray(np.dstack([pixels, photo.alpha]), "RGBA")
    else:
        image = Image.fromarray(np.ascontiguousarray(pixels), "RGB")
    out = io.BytesIO()
    profile = photo.profile or b""
    if photo.kind == "jpeg":
        _save_jpeg(image, out, profile)
    elif photo.kind == "png":
        image.save(out, "PNG", icc_profile=profile, pnginfo=_colour_chunks(photo))
    else:
        _save_webp(image, out, photo, profile)
    return out.getvalue()


def _save_jpeg(image: Image.Image, out: io.BytesIO, profile: bytes) -> None:
    save = partial(image.convert("RGB").save, out, "JPEG", quality=JPEG_QUALITY, subsampling=0, icc_profile=profile)
    try:
        save(optimize=True)
    except OSError:
        # Optimising takes the whole file in one buffer, for which Pillow reserves two bytes a pixel: too few for noise.
        out.seek(0)
        out.truncate()
        save()


def _colour_chunks(photo: Photo) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for name, body in photo.colour:
        chunks.add(name, body)
    return chunks


def _save_webp(image: Image.Image, out: io.BytesIO, photo: Photo, profile: bytes) -> None:
    if max(image.size) > MAX_WEBP_SIDE:
        raise CloakroomError("internal")
    # exact keeps the colours under transparent pixels; alpha at quality 100 is lossless also in a lossy WebP.
    image.save(
        out,
        "WEBP",
        quality=70 if photo.lossless else WEBP_QUALITY,
        lossless=photo.lossless,
        alpha_quality=100,
        exact=True,
        method=4,
        icc_profile=profile,
    )
