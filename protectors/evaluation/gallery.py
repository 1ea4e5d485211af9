"""The gallery of a search by embeddings: 2,000 photos unrelated to the measured ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from protectors.adversaries.embedding_search import EmbeddingSearch
from protectors.archive import Archive
from protectors.quality import as_tensor
from protectors.saving import Pixels

SIZE = 2000
SEED = 0


def gallery_photos(data: Path, size: int = SIZE) -> list[Pixels]:
    """Return the gallery's photos: training photos of people.npz except streets, filled up from scenes6.npz."""
    people, scenes = Archive(data / "people.npz"), Archive(data / "scenes6.npz")
    chosen = np.where(~people["is_test"] & (people["source"] != "street"))[0][:size]
    order = np.random.default_rng(SEED).permutation(np.where(~scenes["is_test"])[0])
    return [*people.images(chosen.tolist()), *scenes.images(order[: size - len(chosen)].tolist())]


def embedded(search: EmbeddingSearch, photos: list[Pixels], report: Callable[[int, int], None]) -> Tensor:
    """Return the embeddings [N, D] of photos; ``report`` receives the number of finished ones and the total."""
    made = []
    for number, photo in enumerate(photos, 1):
        made.append(search.network.embed(as_tensor(photo))[0])
        report(number, len(photos))
    return torch.stack(made)


def rank(query: Tensor, target: Tensor, gallery: Tensor) -> int:
    """Return how many photos of a gallery [N, D] are more similar to a query [D] than the target [D] is."""
    return int((gallery @ query > query @ target).sum())
