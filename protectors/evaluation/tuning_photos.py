"""The photos on which the methods' constants were chosen; no figure of real networks is measured on them.

They are 12 of photos.npz, and 28 photos with people of people.npz that are no test photos: figures use test photos only.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protectors.archive import Archive
from protectors.saving import Pixels

TUNED_ON = frozenset({5, 12, 20, 33, 47, 58, 71, 90, 101, 110, 120, 125})
"""Their numbers in photos.npz."""

PEOPLE, SEED = 28, 1


def tuning_photos(data: Path) -> list[Pixels]:
    """Return the photos, from the archives in a folder."""
    coco, people = Archive(data / "photos.npz"), Archive(data / "people.npz")
    chosen = with_people(people, ~people["is_test"], SEED)[:PEOPLE]
    return [*coco.images(sorted(TUNED_ON)), *people.images(chosen)]


def with_people(people: Archive, part: NDArray[np.bool_], seed: int) -> list[int]:
    """Return the numbers of the photos of people.npz with a person, in random order; ``part`` [N] marks those to draw from."""
    person = people.classes.index("person")
    order = np.random.default_rng(seed).permutation(np.where(part)[0]).tolist()
    return [number for number in order if person in people.boxes(number)[1].tolist()]


def not_tuned_on(archive: Archive) -> list[int]:
    """Return the numbers of the photos of photos.npz on which no constant was chosen."""
    return [number for number in range(len(archive)) if number not in TUNED_ON]
