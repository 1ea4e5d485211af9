"""Augmented training samples for the detector, with mosaics, scale jitter, flips and colour, on a square canvas."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from protectors.archive import Archive
from protectors.saving import Pixels

FILL = 114  # the grey around a photo that is smaller than the canvas
SMALLEST_BOX = 5.0  # pixels; smaller boxes are too little to learn from at stride 8
KEPT_PART = 0.35  # a box cut by the crop stays when this much of it is left


@dataclass(frozen=True)
class Sample:
    """A canvas uint8 [S, S, 3] with boxes [N, 4] (xyxy pixels) and labels [N] (1 is the first class)."""

    canvas: Pixels
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


class SampleSource:
    """Draws samples from the training split; ``shares`` gives the share of each source, so that rare ones come more often."""

    def __init__(self, archive: Archive, shares: dict[str, float], seed: int) -> None:
        self.random = np.random.default_rng(seed)
        (self.indices,) = np.where(~archive["is_test"])
        self.photos = {int(index): archive.image(int(index)) for index in self.indices}
        self.boxes = {int(index): archive.boxes(int(index)) for index in self.indices}
        sources = archive["source"][self.indices]
        weights = np.zeros(len(self.indices))
        for source, share in shares.items():
            members = sources == source
            weights[members] = share / members.sum()
        self.weights = weights / weights.sum()

    def _placed(self, side: int, scale: float) -> Sample:
        """Draw one photo, resize its longest side to ``scale * side``, and crop or pad it to a square of ``side``."""
        index = int(self.random.choice(self.indices, p=self.weights))
        photo, (boxes, labels) = self.photos[index], self.boxes[index]
        height, width = photo.shape[:2]
        factor = scale * side / max(height, width)
        stretch = float(np.exp(self.random.uniform(-0.15, 0.15)))
        new_width, new_height = max(16, round(width * factor * stretch)), max(16, round(height * factor / stretch))
        resized = np.asarray(Image.fromarray(photo).resize((new_width, new_height), Image.Resampling.BILINEAR))
        left, top = (round(self.random.uniform(0, 1) * (side - new)) for new in (new_width, new_height))
        canvas = np.full((side, side, 3), FILL, np.uint8)
        canvas[max(top, 0) : top + new_height, max(left, 0) : left + new_width] = resized[
            max(-top, 0) : side - top, max(-left, 0) : side - left
        ]
        moved = boxes * np.array([new_width / width, new_height / height] * 2, np.float32)
        moved += np.array([left, top] * 2, np.float32)
        return Sample(canvas, moved, labels + 1)

    def _clipped(self, sample: Sample, left: int, top: int, right: int, bottom: int) -> Sample:
        clipped = sample.boxes.copy()
        clipped[:, 0::2] = clipped[:, 0::2].clip(left, right)
        clipped[:, 1::2] = clipped[:, 1::2].clip(top, bottom)
        size = sample.boxes[:, 2:] - sample.boxes[:, :2]
        left_over = clipped[:, 2:] - clipped[:, :2]
        keep = (left_over.min(1) >= SMALLEST_BOX) & (left_over.prod(1) >= KEPT_PART * size.prod(1))
        return Sample(sample.canvas, clipped[keep], sample.labels[keep])

    def _mosaic(self, side: int) -> Sample:
        """Join four photos around a random point: each step has four times the scenes, with objects in unusual places."""
        x, y = (int(side * self.random.uniform(0.3, 0.7)) for _ in range(2))
        canvas = np.empty((side, side, 3), np.uint8)
        boxes, labels = [], []
        for left, top, right, bottom in ((0, 0, x, y), (x, 0, side, y), (0, y, x, side), (x, y, side, side)):
            part = self._placed(side, float(np.exp(self.random.uniform(np.log(0.45), np.log(1.1)))))
            part = self._clipped(part, left, top, right, bottom)
            canvas[top:bottom, left:right] = part.canvas[top:bottom, left:right]
            boxes.append(part.boxes)
            labels.append(part.labels)
        return Sample(canvas, np.concatenate(boxes), np.concatenate(labels))

    def _coloured(self, canvas: Pixels) -> Pixels:
        pixels = canvas.astype(np.float32)
        grey = pixels.mean(2, keepdims=True)
        saturation = 0.0 if self.random.random() < 0.05 else self.random.uniform(0.5, 1.5)
        pixels = grey + (pixels - grey) * saturation
        mean = pixels.mean()
        pixels = (mean + (pixels - mean) * self.random.uniform(0.6, 1.4)) * self.random.uniform(0.6, 1.4)
        pixels *= self.random.uniform(0.9, 1.1, 3).astype(np.float32)
        recoloured: Pixels = pixels.clip(0, 255).astype(np.uint8)
        return recoloured

    def draw(self, side: int, mosaic_share: float) -> Sample:
        if self.random.random() < mosaic_share:
            sample = self._mosaic(side)
        else:
            scale = float(np.exp(self.random.uniform(np.log(0.7), np.log(1.7))))
            sample = self._clipped(self._placed(side, scale), 0, 0, side, side)
        canvas, boxes = self._coloured(sample.canvas), sample.boxes
        if self.random.random() < 0.5:
            canvas = canvas[:, ::-1]
            boxes = np.stack([side - boxes[:, 2], boxes[:, 1], side - boxes[:, 0], boxes[:, 3]], 1)
        return Sample(canvas, boxes, sample.labels)

    def batch(self, size: int, side: int, mosaic_share: float) -> tuple[Tensor, list[dict[str, Tensor]]]:
        """Return images uint8 [B, 3, S, S] and their targets as torchvision expects them."""
        samples = [self.draw(side, mosaic_share) for _ in range(size)]
        images = torch.from_numpy(np.stack([sample.canvas for sample in samples])).permute(0, 3, 1, 2)
        targets = [
            {"boxes": torch.from_numpy(np.ascontiguousarray(sample.boxes)), "labels": torch.from_numpy(sample.labels)}
            for sample in samples
        ]
        return images, targets
