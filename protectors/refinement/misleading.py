"""Objectives against a classifier's network: the class that is read (scene), the embedding that is searched by (search), and
the features that both are made of."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.pretrained_classifier import PretrainedClassifier
from protectors.names import OBJECTS, SCENE, SEARCH
from protectors.refinement.objective import Aim, NetworkObjective, feature_loss
from protectors.scene import unlikely

MARGIN = 1.0
"""By how much the drawn class's logit leads where the term of the class is content."""


class Misleading(NetworkObjective):
    """A classifier's network shall read a drawn class, or find other photos alike, or only see other features.

    Args:
        network: what shall be misled.
        original: the photo [1, 3, H, W].
        protectors: of ``scene`` and ``search``, those that this is for; features are pushed away in any case.
        target: the class that shall be read, drawn by ``draw_target``; without one, ``scene`` asks for any other class than
            the one that is read now.
        similarity: of embeddings, below which a search takes the photo for another one.
    """

    def __init__(
        self,
        network: PretrainedClassifier,
        original: Tensor,
        protectors: Sequence[str],
        target: int | None = None,
        similarity: float = 0.0,
    ) -> None:
        self.name = network.name
        # Without a protector of its own, it stands for detectors that are not at hand.
        self.stage = protectors[0] if protectors else OBJECTS
        self._network = network
        self._is_misread = SCENE in protectors
        self._similarity = similarity if SEARCH in protectors else None
        with torch.no_grad():
            look = network.look(original)
            self._features = look.features
            self._embedding = look.embedding
            self._target = target
            self._class = int(look.logits.argmax())
            self._reference = float(self._class_term(look.logits).clamp(min=1.0))

    def aim(self, view: Tensor) -> Aim:
        look = self._network.look(view)
        total, is_reached = feature_loss(self._features, look.features), True
        if self._is_misread:
            total = total + self._class_term(look.logits) / self._reference
            is_reached = int(look.logits.argmax()) != self._class
        if self._similarity is not None:
            likeness = functional.cosine_similarity(look.embedding, self._embedding).sum()
            total = total + likeness
            is_reached = is_reached and float(likeness.detach()) < self._similarity
        return Aim(total, is_reached)

    def _class_term(self, logits: Tensor) -> Tensor:
        """How far the drawn class is from leading all others by the margin, or any other from leading the original's."""
        chosen = self._class if self._target is None else self._target
        others = logits.scatter(1, torch.tensor([[chosen]], device=logits.device), -torch.inf).amax(1)
        lead = logits[:, chosen] - others
        return functional.softplus(MARGIN + (lead if self._target is None else -lead)).sum()


def draw_target(networks: Sequence[PretrainedClassifier], original: Tensor, chance: torch.Generator) -> int:
    """Draw one class evenly among those that no network takes for likely, for all of them.

    Source: P-FGSM (Li et al., Scene privacy protection, 2019), equation 4: the likeliest classes that together reach 0.99 are
    never drawn, so that the class which is read tells nothing of the true one.
    """
    probabilities = torch.stack([network.read(original) for network in networks])
    candidates = unlikely(probabilities)
    return int(torch.multinomial(candidates.float().cpu(), 1, generator=chance)[0, 0])
