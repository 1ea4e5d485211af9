"""The photos on which the methods' constants were chosen; no figure of real networks is measured on them.

They are 12 of photos.npz, and 28 photos with people of people.npz that are no test photos: figures use test photos only.
"""

from protectors.archive import Archive

TUNED_ON = frozenset({5, 12, 20, 33, 47, 58, 71, 90, 101, 110, 120, 125})


def not_tuned_on(archive: Archive) -> list[int]:
    """Return the numbers of the photos of photos.npz on which no constant was chosen."""
    return [number for number in range(len(archive)) if number not in TUNED_ON]
