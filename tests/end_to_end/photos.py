"""The files that are uploaded: real photos with metadata that must not survive, and one that is no photo."""

import hashlib
import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, PngImagePlugin
from skimage import data as samples

SECRET = b"CLOAKROOM-TEST-SECRET"
"""Stands in every file's metadata. No byte of it may arrive."""

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Upload:
    """A file on the disk that a person picks."""

    path: Path
    data: bytes

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_photo(self) -> bool:
        return self.path.suffix != ".pdf"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pixels(self) -> Pixels:
        return decode(self.data)


def decode(data: bytes) -> Pixels:
    """uint8[H, W, 3] of a file's bytes, upright, as people see it."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = SECRET.decode()
    exif[ExifTags.Base.Make] = SECRET.decode()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (Fraction(52), Fraction(31), Fraction(12)),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (Fraction(13), Fraction(24), Fraction(36)),
        }
    )
    return exif


def jpeg(pixels: Pixels, path: Path, quality: int = 92) -> Upload:
    """A JPEG with GPS coordinates and a comment."""
    Image.fromarray(pixels).save(path, "JPEG", quality=quality, exif=_exif(), comment=SECRET)
    return Upload(path, path.read_bytes())


def png(pixels: Pixels, path: Path) -> Upload:
    """A PNG with a text chunk and EXIF."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", SECRET.decode())
    Image.fromarray(pixels).save(path, "PNG", pnginfo=texts, exif=_exif())
    return Upload(path, path.read_bytes())


def _sample(name: str) -> Image.Image:
    """A photo that scikit-image ships."""
    return Image.open(Path(samples.__file__).parent / f"{name}.png").convert("RGB")


def astronaut() -> Pixels:
    """A person, uint8[512, 512, 3]."""
    return np.asarray(_sample("astronaut"))


def cat(width: int = 451) -> Pixels:
    """A cat, uint8[about two thirds of the width, width, 3]: a photo that is quickly cloaked."""
    image = _sample("chelsea")
    height = round(image.height * width / image.width)
    return np.asarray(image if width == image.width else image.resize((width, height), Image.Resampling.LANCZOS))


def twelve_megapixels() -> Pixels:
    """A person among sky and grass, uint8[3000, 4000, 3]."""
    return np.asarray(Image.fromarray(astronaut()).resize((4000, 3000), Image.Resampling.BICUBIC))


def animation(path: Path) -> Upload:
    """A GIF of two frames, which nothing can cloak."""
    frames = [Image.fromarray(cat(width)).resize((120, 80)) for width in (240, 300)]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    return Upload(path, path.read_bytes())


def _saved(path: Path, data: bytes) -> Upload:
    path.write_bytes(data)
    return Upload(path, data)


def _image(path: Path, kind: str, width: int) -> Upload:
    Image.fromarray(cat(width)).save(path, kind)
    return Upload(path, path.read_bytes())


def make_every_kind(folder: Path) -> dict[str, Upload]:
    """Files of more kinds than the paths use: photos, pictures that nothing here can cloak, and files that are none."""
    photo = jpeg(cat(250), folder / "whole.jpg")
    return {
        "webp": _image(folder / "cat.webp", "WEBP", 260),
        "plain": jpeg(cat(280), folder / "plain.jpg"),
        "tiny": jpeg(cat(64), folder / "tiny.jpg"),
        # A photo without a suffix has no type.
        "nameless": _saved(folder / "photo", jpeg(cat(270), folder / "nameless.jpg").data),
        **{f"crowd-{number}": jpeg(cat(200 + number), folder / f"crowd {number}.jpg") for number in range(8)},
        "large": jpeg(twelve_megapixels(), folder / "large.jpg", quality=90),
        "animation": animation(folder / "cat.gif"),
        "bitmap": _image(folder / "cat.bmp", "BMP", 120),
        # The head of one: nothing here reads more of it.
        "heic": _saved(folder / "phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + SECRET * 40),
        "truncated": _saved(folder / "broken.jpg", photo.data[: len(photo.data) // 2]),
        "text": _saved(folder / "diary.txt", b"No photo at all, but words.\n" * 40),
        # No photo, whatever its name says.
        "letter": _saved(folder / "letter.jpg", b"Dear reader, this is no photo.\n" * 30),
        "empty": _saved(folder / "empty.jpg", b""),
    }


def make_all(folder: Path) -> dict[str, Upload]:
    """Every file the paths use, by the name that a path gives it."""
    pdf = folder / "terms.pdf"
    pdf.write_bytes(PDF)
    disguised = jpeg(cat(220), folder / "holiday.jpg")
    (folder / "notes.txt").write_bytes(disguised.data)
    (folder / "album").mkdir()
    return {
        "album": jpeg(cat(230), folder / "album" / "beach.jpg"),
        "jpeg": jpeg(cat(240), folder / "me at home.jpg"),
        "png": png(cat(), folder / "cat.png"),
        "pdf": Upload(pdf, PDF),
        # A photo by its content only: neither its name nor the type that browsers derive from it say so.
        "disguised": Upload(folder / "notes.txt", disguised.data),
    }
