"""The names of protectors and strengths. Nothing here imports torch, so that light processes can use them."""

from typing import Literal, get_args

OBJECTS, SEARCH, SCENE = "objects", "search", "scene"

VISUAL = "visual"
"""The protector that uses the embedded generator; ``visual-NAME`` uses an imported one."""

Strength = Literal["instant", "subtle", "balanced", "strong"]
"""How strong a cloak is. ``instant`` is as visible as ``balanced``, but drawn in one pass instead of refined."""

STRENGTHS: tuple[Strength, ...] = get_args(Strength)

PROTECTORS = (OBJECTS, SEARCH, SCENE, VISUAL)

DEFAULT = (OBJECTS, SCENE)
"""The protectors for social sites. Search is left out, because the search by EfficientNet's features still finds most
originals, and a photo that is not protected from everything chosen is held. Visual is never a default, since it spoils the
picture for people."""


def is_visual(name: str) -> bool:
    return name == VISUAL or name.startswith(f"{VISUAL}-")
