"""The parameters of an optimised perturbation: brightness at half and colour at a quarter of the working resolution.

Smooth brightness survives JPEG and resizing, and most files store colour at half the resolution anyway. Values are in just
noticeable differences (``perception``), so that most of the perturbation lies in the photo's textures.
"""

import torch
from torch import Tensor
from torch.nn import functional

from protectors.perception import VisibilityModel

TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
"""Matrix from JPEG's brightness and colour differences to red, green and blue (ITU-T T.871)."""

COLOUR_SHARE = 0.7
"""Length of a step in colour relative to one in brightness, and the generator's most, since files keep less of colour."""

LARGEST_COLOUR_UNIT = 0.03
"""Largest unit of colour, as a share of the full range. The unit of brightness is larger in dark textures, where as much colour
would show as a fringe."""

LARGEST_STEP = 3.0
"""Largest value of a step, in multiples of its root mean square."""

Maps = tuple[Tensor, Tensor]
"""Brightness [1, 1, H/2, W/2] and colour [1, 2, H/4, W/4]."""


class PerturbationField:
    """The space of perturbations of one photo [1, 3, H, W] in [0, 1]."""

    def __init__(self, original: Tensor) -> None:
        self.original = original
        self._unit = VisibilityModel(original).unit
        self._matrix = torch.tensor(TO_RGB).to(original)

    def nothing(self) -> Maps:
        """Return maps of zeros."""
        height, width = self.original.shape[2:]
        sizes = [(max(1, height // share), max(1, width // share)) for share in (2, 4)]
        return self.original.new_zeros(1, 1, *sizes[0]), self.original.new_zeros(1, 2, *sizes[1])

    def perturbation(self, maps: Maps) -> Tensor:
        """Turn maps into a perturbation [1, 3, H, W]; differentiable."""
        brightness, colour = self._enlarged(maps)
        units = (self._unit, self._unit.clamp(max=LARGEST_COLOUR_UNIT))
        return self._as_rgb(brightness * units[0], colour * units[1])

    def resampled(self, maps: Maps) -> Maps:
        """Resize maps of any size to those of this photo."""
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
        """Return the photo [1, 3, H, W] with the maps' perturbation; differentiable."""
        return (self.original + self.perturbation(maps)).clamp(0, 1)

    def _size(self, maps: Maps) -> Tensor:
        return self._as_rgb(*self._enlarged(maps)).square().mean().sqrt()

    def size(self, maps: Maps) -> float:
        """Return the root mean square of the perturbation in just noticeable differences."""
        return float(self._size(maps))

    def sized(self, maps: Maps, size: float) -> Maps:
        """Scale maps to a size; differentiable."""
        factor = size / self._size(maps).clamp(min=1e-12)
        return maps[0] * factor, maps[1] * factor

    def limited(self, maps: Maps, largest: float) -> Maps:
        """Scale maps down to the largest size if they exceed it."""
        factor = min(1.0, largest / max(self.size(maps), 1e-12))
        return maps[0] * factor, maps[1] * factor


class StepMemory:
    """Makes steps from the gradients of the maps, with momentum.

    Source: Dong et al., Boosting adversarial attacks with momentum (CVPR 2018), but with the direction's shape, not its sign.
    """

    def __init__(self, decay: float = 0.8) -> None:
        self._decay = decay
        self._sums: list[Tensor] = []

    def step(self, gradients: Maps, length: float) -> Maps:
        """Return the step to subtract. The root mean square of its brightness is ``length``."""
        scaled = [_unit_sized(gradient) for gradient in gradients]
        if self._sums:
            scaled = [self._decay * earlier + now for earlier, now in zip(self._sums, scaled, strict=True)]
        self._sums = scaled
        brightness, colour = (_unit_sized(total).clamp(-LARGEST_STEP, LARGEST_STEP) * length for total in scaled)
        return brightness, colour * COLOUR_SHARE


def _unit_sized(gradient: Tensor) -> Tensor:
    return gradient / gradient.square().mean().sqrt().clamp(min=1e-12)
