"""Which of the files that a cloaked photo can become goes out: the first that protects and is no larger than it may be.

The bytes that were judged are the bytes that are delivered.
"""

from collections.abc import Callable, Sequence

from daemon import photo
from daemon.encoding import GROWTH, Encoding, Pixels
from protectors.judging.judgement import Judgement

Judged = tuple[bytes, Judgement]
"""A file, and the judgement on it."""


def size_limit(came_in: int, site: int | None) -> int:
    """Bytes that may go out.

    Args:
        came_in: bytes of the file that was sent.
        site: bytes that the site takes, where that is known. A file that was larger already is the site's to make smaller.
    """
    grown = int(GROWTH * came_in)
    return min(grown, site) if site is not None and came_in <= site else grown


def saved_as(way: Encoding, most: int | None) -> Callable[[Pixels], Pixels | None]:
    """Encode and decode the pixels; return None where the file has more than ``most`` bytes."""

    def saved(pixels: Pixels) -> Pixels | None:
        made = way(pixels)
        return None if most is not None and len(made) > most else photo.decode(made).pixels

    return saved


def deliverable(
    ways: Sequence[Encoding],
    pixels: Pixels,
    limit: int,
    judge: Callable[[Pixels], Judgement],
    begin: Callable[[str], None],
) -> Judged:
    """Return the file that goes out, and the judgement on it.

    Args:
        ways: to write it, as they are to be tried. The last is taken whatever its size.
        limit: bytes that the others may have.
        judge: reads the pixels that a file is decoded to.
        begin: is told of each stage.
    """
    judged: list[Judged] = []
    for number, way in enumerate(ways, 1):
        begin("encode")
        encoded = way(pixels)
        if len(encoded) > limit and number < len(ways):
            continue
        begin("judge")
        judgement = judge(photo.decode(encoded).pixels)
        if judgement.protected:
            return encoded, judgement
        judged.append((encoded, judgement))
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
