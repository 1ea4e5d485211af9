"""The objective against a classifier's network: its class (scene), its embedding (search), and the features behind both."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.pretrained_classifier import PretrainedClassifier
from protectors.lanes import side_by_side
from protectors.names import OBJECTS, SCENE, SEARCH
from protectors.refinement.objective import Aim, NetworkObjective, feature_loss
from protectors.scene import unlikely

MARGIN = 1.0
"""Lead in logits of the target class that the class term aims for."""

LIKENESS = 8.0
"""Weight of the embeddings' cosine similarity against the terms of class and features, whatever the photo is protected from.

On the photos of ``protectors/evaluation/tuning_photos.py``, before features were compared by their cosine too,
EfficientNet-Lite3 no longer found the original of 38 % of the cloaks at weight 1, and of 88 % at weight 8; a detector that no
cloak is made against found 46 % of its objects, and 40 %."""


class Misleading(NetworkObjective):
    """Makes a classifier's network read another class, find other photos similar, or at least see other features.

    Args:
        network: the network.
        original: the photo [1, 3, H, W].
        protectors: which of ``scene`` and ``search`` this is for; features and embedding are changed in any case.
        target: the class to be read, drawn by ``draw_target``; with None, ``scene`` aims for any other class.
        similarity: cosine similarity of embeddings below which a search takes the photo for another one.
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
        # For neither protector, it stands in for unknown detectors.
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
        likeness = functional.cosine_similarity(look.embedding, self._embedding).sum()
        total, is_reached = feature_loss(self._features, look.features) + LIKENESS * likeness, True
        if self._is_misread:
            total = total + self._class_term(look.logits) / self._reference
            is_reached = int(look.logits.argmax()) != self._class
        if self._similarity is not None:
            is_reached = is_reached and float(likeness.detach()) < self._similarity
        return Aim(total, is_reached)

    def _class_term(self, logits: Tensor) -> Tensor:
        """Return the loss of the target's lead over all other classes or, without one, of any other over the original."""
        chosen = self._class if self._target is None else self._target
        others = logits.scatter(1, torch.tensor([[chosen]], device=logits.device), -torch.inf).amax(1)
        lead = logits[:, chosen] - others
        return functional.softplus(MARGIN + (lead if self._target is None else -lead)).sum()


def draw_target(networks: Sequence[PretrainedClassifier], original: Tensor, chance: torch.Generator) -> int:
    """Draw one class for all networks, uniformly from those that none of them takes for likely.

    Source: P-FGSM (Li et al., Scene privacy protection, 2019), equation 4: the likeliest classes that together reach 0.99 are
    never drawn, so that the class that is read does not reveal the true one.
    """
    probabilities = torch.stack(side_by_side([partial(network.read, original) for network in networks], original.device))
    candidates = unlikely(probabilities)
    return int(torch.multinomial(candidates.float().cpu(), 1, generator=chance)[0, 0])
