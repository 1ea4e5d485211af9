"""The protectors by name. Nothing here imports torch, so that a process that must stay light can know them."""

VISUAL = "visual"
"""By the embedded generator; ``visual-NAME`` by one that was imported."""

PROTECTORS = ("objects", "search", "scene", VISUAL)

DEFAULT = ("objects", "search", "scene")
"""What a photo gets on a social site; visual, which people cannot look through, is never among it."""


def is_visual(name: str) -> bool:
    return name == VISUAL or name.startswith(f"{VISUAL}-")
