"""Chooses the file that goes out, among those that a cloaked photo can become: the first that protects and is not too large.

The bytes that were judged are the bytes that are delivered.
"""

from collections.abc import Callable, Generator, Sequence

from daemon.worker import photo
from daemon.worker.encoding import GROWTH, Encoding
from protectors.cloak import Cloaked
from protectors.judging.judgement import Judgement
from protectors.progress import Progress
from protectors.saving import Pixels, Save, SavedFile


def size_limit(came_in: int, site: int | None) -> int:
    """Bytes that may go out.

    Args:
        came_in: bytes of the file that was sent.
        site: bytes that the site takes, where that is known. A file that was larger already is the site's to make smaller.
    """
    grown = int(GROWTH * came_in)
    return min(grown, site) if site is not None and came_in <= site else grown


def saves_within(limit: int, encodings: Sequence[Encoding]) -> list[Save]:
    """Return the ways to save a photo, in the order of its encodings.

    Args:
        limit: bytes that a file may have. The last way is taken whatever its size.
        encodings: from pixels to a file.
    """
    last = len(encodings)
    return [save_with(encoding, limit if number < last else None) for number, encoding in enumerate(encodings, 1)]


def save_with(encoding: Encoding, most: int | None) -> Save:
    """Return the way to save a photo that encodes and decodes it; a file of more than ``most`` bytes is None."""

    def save(pixels: Pixels) -> SavedFile | None:
        data = encoding(pixels)
        return None if most is not None and len(data) > most else SavedFile(data, photo.decode(data).pixels)

    return save


def deliverable(
    saves: Sequence[Save], cloaked: Cloaked, judge: Callable[[Pixels], Judgement]
) -> Generator[Progress, None, tuple[bytes, Judgement]]:
    """Return the bytes of the file that goes out, and the judgement on it.

    Where the cloak was brought to its floor in a file, that very file goes out.

    Args:
        saves: the ways to save the photo, as they are to be tried.
        cloaked: the cloaked photo.
        judge: judges the pixels that a file is decoded to.
    """
    judged: list[tuple[bytes, Judgement]] = []
    candidates: Sequence[SavedFile | Save] = saves if cloaked.file is None else [cloaked.file]
    for candidate in candidates:
        yield Progress("encode", 0, 1)
        file = candidate if isinstance(candidate, SavedFile) else candidate(cloaked.pixels)
        if file is None:
            continue
        yield Progress("judge", 0, 1)
        judgement = judge(file.pixels)
        if judgement.protected:
            return file.data, judgement
        judged.append((file.data, judgement))
    return next((one for one in judged if one[1].above_floor), judged[-1])


def size_notes(came_in: int, goes_out: int, site: int | None) -> list[str]:
    """Notes for the person where a file is larger than its limit."""
    if goes_out <= size_limit(came_in, site):
        return []
    grown = f"{in_words(came_in)} to {in_words(goes_out)}"
    note = f"The file grew from {grown}, as no smaller one was found that keeps it protected."
    if site is not None and came_in <= site < goes_out:
        note += f" The site takes {in_words(site)} at most."
    return [note]


def in_words(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"
