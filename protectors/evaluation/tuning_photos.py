"""The photos of photos.npz that were used to choose the methods' constants; no figure of real networks is measured on them."""

from protectors.archive import Archive

TUNED_ON = frozenset({5, 12, 20, 33, 47, 58, 71, 90, 101, 110, 120, 125})


def not_tuned_on(archive: Archive) -> list[int]:
    """Return the numbers of the photos of photos.npz that chose no constant."""
    return [number for number in range(len(archive)) if number not in TUNED_ON]
