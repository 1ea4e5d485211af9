"""A search by embeddings, which ranks photos by the similarity of their embeddings."""

from torch import Tensor

from protectors.adversaries.pretrained_classifier import PretrainedClassifier
from protectors.adversaries.reading import Reading


class EmbeddingSearch:
    """A search by the embeddings of a classifier's network.

    ``similarity`` is the cosine similarity of a cloaked photo to the most similar of 2,000 other photos, in the median
    (``protectors/training/search_similarity.py``). A copy that is less similar to its original is usually not found first.
    """

    def __init__(self, network: PretrainedClassifier, similarity: float) -> None:
        self.name = network.name
        self.network = network
        self.similarity = similarity

    def readings(self, images: Tensor) -> list[Reading]:
        """Return the network's readings, which have embeddings."""
        return self.network.readings(images)
