"""A search by embeddings: photos whose embeddings are most alike are found first."""

import torch
from torch import Tensor

from protectors.adversaries.pretrained_classifier import PretrainedClassifier
from protectors.adversaries.reading import Reading


class EmbeddingSearch:
    """A search by the embeddings of a classifier's network.

    ``similarity`` is how alike (cosine) the most alike of 2,000 other photos is to a photo, in the median over photos as people
    post them: a copy that is less alike than that is no longer found first.
    """

    def __init__(self, network: PretrainedClassifier, similarity: float) -> None:
        self.name = network.name
        self.network = network
        self.similarity = similarity

    @torch.no_grad()
    def readings(self, images: Tensor) -> list[Reading]:
        """Return the embedding of each image."""
        return [Reading(embedding=embedding) for embedding in self.network.embed(images)]
