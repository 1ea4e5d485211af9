"""Whether what arrived is what should have: cloaked, of the same shape and name, and without a trace of the original."""

import functools
import math

import numpy as np
import torch

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.loading import load_classifier
from protectors.manifest import entry
from protectors.quality import as_tensor
from tests.end_to_end.paths import Path
from tests.end_to_end.photos import SECRET, Pixels, Upload, decode
from tests.end_to_end.received import Part, Run

MIN_JPEG_PSNR = 34.0
MAX_PNG_DIFFERENCE = 8


@functools.cache
def _classifier() -> Classifier:
    return load_classifier(entry("scenes"), torch.device("cpu"))


def scene_of(pixels: Pixels) -> str:
    """Return the reading of the scene classifier that every path's photos are cloaked against."""
    classifier = _classifier()
    return classifier.classes[int(classifier.read(as_tensor(pixels)).argmax())]


def psnr(before: Upload, part: Part) -> float:
    """dB between decoded pixels, infinite when they are the same."""
    error = np.mean((before.pixels.astype(np.float64) - decode(part.data).astype(np.float64)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / float(error))


def is_original(upload: Upload, part: Part) -> bool:
    """By its bytes, or for a photo that was encoded anew on the way, as by a clipboard, by its pixels."""
    if part.data == upload.data:
        return True
    if not upload.is_photo:
        return False
    pixels = decode(part.data)
    return pixels.shape == upload.pixels.shape and bool(np.array_equal(pixels, upload.pixels))


def arrived_original(run: Run, uploads: list[Upload]) -> bool:
    """Whether any photo's original came, in any body or part."""
    photos = [upload for upload in uploads if upload.is_photo]
    return any(run.holds(upload.data) for upload in photos) or any(
        is_original(upload, part) for upload, part in zip(uploads, run.parts, strict=False) if upload.is_photo
    )


def problems(path: Path, run: Run, uploads: list[Upload]) -> list[str]:
    """Return the faults of a run that should have been cloaked."""
    found = []
    if arrived_original(run, uploads):
        found.append("the original arrived")
    if len(run.parts) != len(uploads):
        return [*found, f"{len(run.parts)} files arrived instead of {len(uploads)}"]
    for upload, part in zip(uploads, run.parts, strict=True):
        found += [f"{upload.name}: {problem}" for problem in _problems(path, upload, part)]
    if any(SECRET in body for body in run.bodies):
        found.append("metadata arrived")
    return found


def _problems(path: Path, upload: Upload, part: Part) -> list[str]:
    found = []
    if path.action != "paste" and part.name != upload.name:
        found.append(f"the name is {part.name!r}")
    if path.keeps_stamps and path.action == "pick" and part.last_modified != int(upload.path.stat().st_mtime * 1000):
        found.append(f"lastModified is {part.last_modified}")
    if not upload.is_photo:
        return found if part.data == upload.data else [*found, "a file that is no photo was changed"]
    found += [f"metadata: {mark!r}" for mark in (SECRET, b"Exif\0\0", b"eXIf", b"http://ns.adobe") if mark in part.data]
    before, after = upload.pixels, decode(part.data)
    if before.shape != after.shape:
        return [*found, f"its shape is {after.shape}"]
    if upload.path.suffix == ".png":
        difference = int(np.abs(before.astype(int) - after.astype(int)).max())
        if not 0 < difference <= MAX_PNG_DIFFERENCE:
            found.append(f"it differs by up to {difference}")
    elif not MIN_JPEG_PSNR <= psnr(upload, part) < math.inf:
        found.append(f"PSNR is {psnr(upload, part):.2f} dB")
    # Encoding anew changes pixels too: only a model's reading tells a cloaked photo.
    if scene_of(before) == scene_of(after):
        found.append("the scene is read as before")
    return found
