"""Finds the similarity below which a search by embeddings no longer finds a cloaked photo's original first.

    python -m protectors.training.search_similarity --models FOLDER

Cloaks the tuning photos against all kinds of machines, and prints for each search the cosine similarity of a cloaked photo to
the most similar of the gallery's 2,000 photos, in the median: ``search.similarity`` of the manifest. It is lower than that of
uncloaked photos, since a cloak takes a photo away from all others. The values decide on further steps, so the command is to be
run again once they are changed.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from torch import Tensor

from protectors.archive import DEFAULT_FOLDER
from protectors.cloak import Cloakroom
from protectors.evaluation.delivery import delivered_pixels
from protectors.evaluation.gallery import embedded, gallery_photos
from protectors.evaluation.measurement import SEED
from protectors.evaluation.tuning_photos import tuning_photos
from protectors.names import OBJECTS, SCENE, SEARCH
from protectors.policy import Policy
from protectors.progress import end_of
from protectors.quality import as_tensor

POLICY = Policy((OBJECTS, SEARCH, SCENE))

ITSELF = 0.97
"""Similarity above which a photo of the gallery is the very photo that was cloaked: some tuning photos are among them."""


def nearest_other(query: Tensor, original: Tensor, gallery: Tensor) -> float:
    """Return the similarity of a cloaked photo's embedding [D] to the nearest of a gallery's [N, D] but the original's [D]."""
    return float((gallery[gallery @ original < ITSELF] @ query).max())


def main() -> None:
    parser = argparse.ArgumentParser(description="Find the similarities below which searches no longer find cloaked photos.")
    parser.add_argument("--models", type=Path, required=True, help="folder of the pretrained networks")
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="folder of the archives")
    options = parser.parse_args()
    room, photos = Cloakroom("cpu", options.models), tuning_photos(options.data)
    searches = room.adversaries.searches
    others = gallery_photos(options.data)
    galleries = [embedded(search, others, lambda done, total: _say(f"gallery: {done} of {total}")) for search in searches]
    found: dict[str, list[float]] = {search.name: [] for search in searches}
    for number, photo in enumerate(photos, 1):
        delivered = delivered_pixels(end_of(room.cloak(room.judge(POLICY, photo), SEED)))
        for search, gallery in zip(searches, galleries, strict=True):
            query, original = (search.network.embed(as_tensor(form))[0] for form in (delivered, photo))
            found[search.name].append(nearest_other(query, original, gallery))
        _say(f"cloaked: {number} of {len(photos)}")
    for name, values in found.items():
        sys.stdout.write(f"{name}: {np.median(values):.3f}\n")


def _say(line: str) -> None:
    sys.stderr.write(f"\r{line}")


if __name__ == "__main__":
    main()
