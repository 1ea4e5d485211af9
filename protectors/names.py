"""The protectors by name. Nothing here imports torch, so that a process that must stay light can know them."""

from typing import Literal, get_args

OBJECTS, SEARCH, SCENE = "objects", "search", "scene"

VISUAL = "visual"
"""By the embedded generator; ``visual-NAME`` by one that was imported."""

Strength = Literal["instant", "subtle", "balanced", "strong"]
"""How much is asked of a cloak. ``instant`` is as visible as ``balanced``, and drawn at once instead of refined."""

STRENGTHS: tuple[Strength, ...] = get_args(Strength)

PROTECTORS = (OBJECTS, SEARCH, SCENE, VISUAL)

DEFAULT = (OBJECTS, SCENE)
"""What a photo gets on a social site. Search is a choice of the person's until most photos are lost to it: a photo that is not
protected from all that was chosen is held, and the search by EfficientNet's features still finds most originals. Visual, which
people cannot look through, is never among it."""


def is_visual(name: str) -> bool:
    return name == VISUAL or name.startswith(f"{VISUAL}-")
