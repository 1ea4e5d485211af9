"""The objective against a classifier's network: its embedding has to turn, whatever the photo is protected from."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.pretrained_classifier import PretrainedClassifier, Stages
from protectors.names import SCENE, SEARCH
from protectors.refinement import misleading
from protectors.refinement.misleading import Misleading

SIDE = 8
PHOTO = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
REDDER = PHOTO * torch.tensor([1.0, 0.05, 0.05])[None, :, None, None]


class Colours(Stages):
    """Takes the colours for features, so that the embedding is the mean colour, and reads the strongest one as the class."""

    def __init__(self) -> None:
        super().__init__()
        # A network is on the device of its weights, of which this one needs none.
        self.register_buffer("place", torch.zeros(1))

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        return images.mean((2, 3)), [images]


def objective(*protectors: str) -> Misleading:
    network = PretrainedClassifier("colours", Colours(), SIDE, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), ("red", "green", "blue"))
    return Misleading(network, PHOTO, protectors, similarity=0.9)


@pytest.mark.parametrize("protectors", [(), (SCENE,), (SEARCH,), (SCENE, SEARCH)])
def test_the_embedding_counts_whatever_the_photo_is_protected_from(
    protectors: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = objective(*protectors)
    whole = float(made.aim(REDDER).loss)
    monkeypatch.setattr(misleading, "LIKENESS", 0.0)
    likeness = float(functional.cosine_similarity(REDDER.mean((2, 3)), PHOTO.mean((2, 3))))
    assert whole - float(made.aim(REDDER).loss) == pytest.approx(8 * likeness, rel=1e-4)


def test_a_search_is_fooled_only_by_an_embedding_below_its_similarity() -> None:
    assert not objective(SEARCH).aim(PHOTO).is_reached
    assert objective(SEARCH).aim(REDDER).is_reached
    assert objective().aim(PHOTO).is_reached, "no protector asks for more"
