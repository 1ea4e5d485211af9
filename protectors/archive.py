"""Reads the NumPy archives of JPEG images that ``../shared/data/README.md`` describes."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protectors.saving import Pixels, decoded

DEFAULT_FOLDER = Path(os.environ.get("CLOAKROOM_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
"""The folder of the archives: the environment variable CLOAKROOM_DATA, or ``shared/data`` beside the repository."""


class Archive:
    """One archive. ``archive["name"]`` gives its arrays; images are decoded on demand."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there")
        with np.load(path, allow_pickle=False) as stored:
            self._arrays: dict[str, NDArray[Any]] = {name: stored[name] for name in stored.files}

    def __len__(self) -> int:
        return len(self._arrays["offsets"]) - 1

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    @property
    def classes(self) -> list[str]:
        return [str(name) for name in self._arrays["classes"]]

    def image(self, index: int) -> Pixels:
        """Return one image as uint8 [H, W, 3]."""
        start, end = self._arrays["offsets"][index : index + 2]
        return decoded(self._arrays["jpeg"][start:end].tobytes())

    def images(self, indices: Iterable[int]) -> list[Pixels]:
        return [self.image(index) for index in indices]

    def stack(self, indices: Iterable[int]) -> Pixels:
        """Return images of one size as uint8 [N, 3, H, W]."""
        return np.ascontiguousarray(np.stack(self.images(indices)).transpose(0, 3, 1, 2))

    def boxes(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the boxes [N, 4] (xyxy pixels) and labels [N] of one image; labels are the archive's class numbers."""
        start, end = self._arrays["box_offsets"][index : index + 2]
        return (
            self._arrays["boxes"][start:end].astype(np.float32),
            self._arrays["box_labels"][start:end].astype(np.int64),
        )
