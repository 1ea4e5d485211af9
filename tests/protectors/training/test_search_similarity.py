"""How similar a cloaked photo is to the nearest of other photos."""

import pytest
import torch
from torch.nn import functional

from protectors.training.search_similarity import nearest_other


def test_the_photo_itself_is_no_other_photo_of_the_gallery() -> None:
    original, far, near = functional.normalize(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.6, 0.8, 0.0]]), dim=1)
    query = functional.normalize(torch.tensor([0.9, 0.3, 0.3]), dim=0)
    gallery = torch.stack([far, original, near])
    assert nearest_other(query, original, gallery) == pytest.approx(float(near @ query))
    assert float(original @ query) > float(near @ query), "else the test would tell nothing"
