"""Reads the NumPy archives of JPEG images described in ``../shared/data/README.md``."""

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DEFAULT_FOLDER = Path(os.environ.get("CLOAKROOM_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
"""CLOAKROOM_DATA, or the folder that lies beside the repository in our workplaces."""


class Archive:
    """One archive. Arrays are attributes by ``archive["name"]``; images decode on demand."""

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

    def image(self, index: int) -> NDArray[np.uint8]:
        """One image as uint8 [H, W, 3]."""
        start, end = self._arrays["offsets"][index : index + 2]
        with Image.open(io.BytesIO(self._arrays["jpeg"][start:end].tobytes())) as picture:
            return np.array(picture.convert("RGB"), dtype=np.uint8)

    def images(self, indices: Iterable[int]) -> list[NDArray[np.uint8]]:
        return [self.image(index) for index in indices]

    def stack(self, indices: Iterable[int]) -> NDArray[np.uint8]:
        """Images of one size as uint8 [N, 3, H, W]."""
        return np.ascontiguousarray(np.stack(self.images(indices)).transpose(0, 3, 1, 2))

    def boxes(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Boxes [N, 4] (xyxy pixels) and labels [N] of one image, in the archive's own class numbers."""
        start, end = self._arrays["box_offsets"][index : index + 2]
        return (
            self._arrays["boxes"][start:end].astype(np.float32),
            self._arrays["box_labels"][start:end].astype(np.int64),
        )
