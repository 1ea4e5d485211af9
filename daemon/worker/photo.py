"""Photos between bytes and pixels: JPEG, PNG and WebP in, the same type and size out, without metadata.

Only pixels, alpha and the colour profile are carried over into a new file, so whatever else a file held (EXIF, XMP,
IPTC, GPS, comments, thumbnails, texts) is gone because nothing copies it, not because something removes it.
Runs in the worker only: decoders meet hostile files.
"""

import hashlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageFile

from daemon.formats import jpeg_file, png_file, webp_file
from daemon.formats.containers import MIME, Facts, Kind, kind_of
from daemon.formats.orientation import orientation
from daemon.wire.errors import CloakroomError
from daemon.wire.protocol import LIMITS
from daemon.worker import encoding
from daemon.worker.colour import read_colours
from daemon.worker.encoding import MAX_WEBP_SIDE, Encoding, Frame, Source
from protectors.saving import Pixels

# We refuse by our own limit before a pixel is decoded, and want its name for it.
Image.MAX_IMAGE_PIXELS = None
ImageFile.LOAD_TRUNCATED_IMAGES = False

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_THEIR_SIDE = frozenset({5, 6, 7, 8})

_FACTS: dict[Kind, Callable[[bytes], Facts]] = {"jpeg": jpeg_file.facts, "png": png_file.facts, "webp": webp_file.facts}


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
        source: how the file that it came in was encoded.
    """

    pixels: Pixels
    alpha: Pixels | None
    profile: bytes | None
    kind: Kind
    lossless: bool
    colour: tuple[tuple[bytes, bytes], ...] = ()
    notes: tuple[str, ...] = ()
    source: Source = field(default_factory=lambda: Source(0))

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
    facts = _FACTS[kind](data)
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata, which is not carried over anyway.
            warnings.simplefilter("ignore")
            if facts.doubts is not None:
                _compare(facts.file, facts.doubts, kind)
            with Image.open(io.BytesIO(facts.file), formats=[kind]) as image:
                return _read(image, kind, facts, len(data))
    except CloakroomError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError, MemoryError):
        # The signature was right and the rest was not: whatever the decoder stumbled over, the file is damaged.
        raise CloakroomError("truncated") from None


def _compare(first: bytes, second: bytes, kind: Kind) -> None:
    """Raises CloakroomError truncated where two files are not the same picture."""
    read = []
    for data in (first, second):
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            _check_size(image)
            read.append(hashlib.sha256(np.asarray(image).tobytes()).digest())
    if read[0] != read[1]:
        raise CloakroomError("truncated")


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > LIMITS.pixels:
        raise CloakroomError("too-many-pixels")


def _read(image: Image.Image, kind: Kind, facts: Facts, size: int) -> Photo:
    _check_size(image)
    if getattr(image, "is_animated", False):
        raise CloakroomError("animated")
    image.load()
    notes = list(facts.notes)
    if facts.depth == 16:
        notes.append("The 16-bit PNG was reduced to 8 bits a channel.")
    stated = facts.profile if kind == "png" else image.info.get("icc_profile")
    colours = read_colours(image, stated, facts.depth, notes, outranked=any(name == b"cICP" for name, _ in facts.colour))
    turned = orientation(facts.exif)
    turn = _TRANSPOSE.get(turned)
    rgb, alpha = colours.rgb, colours.alpha
    if turn is not None:
        rgb = rgb.transpose(turn)
        alpha = alpha.transpose(turn) if alpha is not None else None
    return Photo(
        pixels=np.array(rgb, dtype=np.uint8),
        alpha=np.array(alpha, dtype=np.uint8) if alpha is not None else None,
        profile=colours.profile,
        kind=kind,
        lossless=facts.lossless,
        colour=_kept_colour(facts),
        notes=tuple(notes),
        source=Source.of(image, size, turned in _ON_THEIR_SIDE),
    )


def _kept_colour(facts: Facts) -> tuple[tuple[bytes, bytes], ...]:
    """They also hold for the RGB of a grey PNG: its numbers are the same, thrice. A profile overrules all but cICP."""
    if facts.profile is None:
        return facts.colour
    return tuple((name, body) for name, body in facts.colour if name == b"cICP")


def encodings(photo: Photo, limit: int) -> tuple[Encoding, ...]:
    """The ways to write other pixels uint8[H, W, 3] as a file of the photo's own type, the most like its own first.

    Args:
        photo: says type, alpha, profile, and how it was encoded.
        limit: bytes that the file should have at most.
    """
    frame = Frame(photo.kind, photo.alpha, photo.profile or b"", photo.colour, photo.lossless)
    return encoding.encodings(frame, photo.source, limit)


def encode(photo: Photo, pixels: Pixels) -> bytes:
    """Write a file of the photo's own type with other pixels, as finely as is of use.

    Args:
        photo: says type, alpha, profile.
        pixels: uint8[H, W, 3] of the photo's size.

    Raises:
        CloakroomError: internal if the size differs.
    """
    if pixels.shape != photo.pixels.shape or pixels.dtype != np.uint8:
        raise CloakroomError("internal")
    if photo.kind == "webp" and max(pixels.shape) > MAX_WEBP_SIDE:
        raise CloakroomError("internal")
    return encodings(photo, 0)[-1](pixels)
