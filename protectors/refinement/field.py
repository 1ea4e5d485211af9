"""The perturbation as it is optimised: brightness at half and colour at a quarter of the working resolution.

Smooth brightness is what survives JPEG and resizing, and colour is stored at half the resolution by most files anyway. Values
are in units of what is just noticeable at each place (``perception``), so that a photo's textures carry most of it.
"""

import torch
from torch import Tensor
from torch.nn import functional

from protectors.perception import VisibilityModel

TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
"""JPEG's brightness and colour differences to red, green and blue (ITU-T T.871)."""

COLOUR_SHARE = 0.7
"""A step of colour over one of brightness: files keep less of it."""

LARGEST_COLOUR_UNIT = 0.03
"""Of the full range: the unit of brightness is larger in dark textures, where as much colour would be seen as a fringe."""

LARGEST_STEP = 3.0
"""Of a step's root mean square, at one place."""

Maps = tuple[Tensor, Tensor]
"""Brightness [1, 1, H/2, W/2] and colour [1, 2, H/4, W/4]."""


class PerturbationField:
    """The space of perturbations of one photo [1, 3, H, W] in [0, 1]."""

    def __init__(self, original: Tensor) -> None:
        self.original = original
        self._unit = VisibilityModel(original).unit
        self._matrix = torch.tensor(TO_RGB).to(original)

    def nothing(self) -> Maps:
        """Return the maps of no perturbation."""
        height, width = self.original.shape[2:]
        sizes = [(max(1, height // share), max(1, width // share)) for share in (2, 4)]
        return self.original.new_zeros(1, 1, *sizes[0]), self.original.new_zeros(1, 2, *sizes[1])

    def perturbation(self, maps: Maps) -> Tensor:
        """Return the perturbation [1, 3, H, W] of maps; differentiable."""
        brightness, colour = self._enlarged(maps)
        units = (self._unit, self._unit.clamp(max=LARGEST_COLOUR_UNIT))
        return self._as_rgb(brightness * units[0], colour * units[1])

    def resampled(self, maps: Maps) -> Maps:
        """Return maps of any size at the size of this photo's."""
        sizes = [tuple(plane.shape[2:]) for plane in self.nothing()]
        brightness, colour = (
            functional.interpolate(plane, size, mode="bilinear", align_corners=False, antialias=True)
            for plane, size in zip(maps, sizes, strict=True)
        )
        return brightness, colour

    def _enlarged(self, maps: Maps) -> Maps:
        size = (self.original.shape[2], self.original.shape[3])
        brightness, colour = (functional.interpolate(plane, size, mode="bilinear", align_corners=False) for plane in maps)
        return brightness, colour

    def _as_rgb(self, brightness: Tensor, colour: Tensor) -> Tensor:
        return torch.einsum("ij,bjhw->bihw", self._matrix, torch.cat([brightness, colour], 1))

    def cloaked(self, maps: Maps) -> Tensor:
        """Return the photo [1, 3, H, W] with the perturbation of maps; differentiable."""
        return (self.original + self.perturbation(maps)).clamp(0, 1)

    def _size(self, maps: Maps) -> Tensor:
        return self._as_rgb(*self._enlarged(maps)).square().mean().sqrt()

    def size(self, maps: Maps) -> float:
        """Return the root mean square of the perturbation in units of what is just noticeable."""
        return float(self._size(maps))

    def sized(self, maps: Maps, size: float) -> Maps:
        """Return maps scaled to a size; differentiable."""
        factor = size / self._size(maps).clamp(min=1e-12)
        return maps[0] * factor, maps[1] * factor

    def limited(self, maps: Maps, largest: float) -> Maps:
        """Return maps made smaller where their size is above the largest."""
        factor = min(1.0, largest / max(self.size(maps), 1e-12))
        return maps[0] * factor, maps[1] * factor


class StepMemory:
    """Steps along the gradients of the maps, of which earlier ones count less and less.

    Source: Dong et al., Boosting adversarial attacks with momentum (CVPR 2018), with the direction's shape kept instead of its
    sign.
    """

    def __init__(self, decay: float = 0.8) -> None:
        self._decay = decay
        self._sums: list[Tensor] = []

    def step(self, gradients: Maps, length: float) -> Maps:
        """Return the step to subtract: its root mean square is ``length`` for brightness."""
        scaled = [_unit_sized(gradient) for gradient in gradients]
        if self._sums:
            scaled = [self._decay * earlier + now for earlier, now in zip(self._sums, scaled, strict=True)]
        self._sums = scaled
        brightness, colour = (_unit_sized(total).clamp(-LARGEST_STEP, LARGEST_STEP) * length for total in scaled)
        return brightness, colour * COLOUR_SHARE


def _unit_sized(gradient: Tensor) -> Tensor:
    return gradient / gradient.square().mean().sqrt().clamp(min=1e-12)
