"""Exit statuses by which a worker process tells the supervisor why it ended."""

from typing import Final

DEVICE_LOST: Final = 77
"""The graphics card is gone, or has no room for the models."""

CANNOT_CLOAK: Final = 78
"""The small photo of the self-check could not be cloaked."""
