"""The objectives of a policy against pretrained networks, for one photo."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from protectors.adversaries.loaded import Adversaries
from protectors.adversaries.one_stage import OneStageDetector
from protectors.adversaries.pretrained_classifier import PretrainedClassifier
from protectors.lanes import side_by_side
from protectors.names import OBJECTS, SCENE
from protectors.policy import Policy
from protectors.refinement.hiding import ObjectHiding
from protectors.refinement.misleading import Misleading, draw_target
from protectors.refinement.objective import NetworkObjective

Value = TypeVar("Value")


def objectives_for(
    policy: Policy, adversaries: Adversaries, original: Tensor, chance: torch.Generator
) -> list[NetworkObjective]:
    """Return one objective for each network that a policy concerns, except judges only.

    If all objects are to be hidden, classifiers' features and embeddings are changed as well, since other detectors see similar
    features.

    Args:
        policy: the person's choices.
        adversaries: all networks.
        original: the photo [1, 3, H, W] at the working resolution.
        chance: the random generator of the class that a scene is read as.

    Raises:
        ValueError: the policy names a class that no detector knows.
    """
    optimised = adversaries.optimised
    classifiers = [classifier for classifier in optimised.classifiers if isinstance(classifier, PretrainedClassifier)]
    groups: list[list[Callable[[], NetworkObjective]]] = []
    if OBJECTS in policy.protectors:
        groups.append(
            [
                partial(ObjectHiding, detector, original, [detector.label(name) for name in classes])
                for detector, classes in optimised.hiding(policy.sensitive)
                if isinstance(detector, OneStageDetector)
            ]
        )
    others = [name for name in policy.protectors if name != OBJECTS]
    if others or not policy.sensitive:
        target = draw_target(classifiers, original, chance) if SCENE in others else None
        similar = {search.network.name: search.similarity for search in optimised.searches}
        groups.append(
            [partial(Misleading, network, original, others, target, similar.get(network.name, 0.0)) for network in classifiers]
        )
    objectives = side_by_side(list(_in_turn(groups)), original.device)
    # Without any, the photo would not be changed, and nobody could tell that from a failure.
    return [objective for objective in objectives if objective.is_needed] or objectives


def _in_turn(groups: Sequence[Sequence[Value]]) -> Iterator[Value]:
    """Yield one value of each group in turn, so that no kind of network waits for all of another kind."""
    for place in range(max(len(group) for group in groups)):
        yield from (group[place] for group in groups if place < len(group))
