"""FSIM, the feature similarity of two photos' brightness, for many changed photos beside one original.

Source: Zhang, Zhang, Mou, Zhang, "FSIM: a feature similarity index for image quality assessment" (2011). Its first feature is
the phase congruency of Kovesi, "Image features from phase congruency" (1999), with the noise compensation and the constants of
the paper's programs. It is written here in PyTorch, since piq, which tests compare it with, reads the original and makes the
filters anew for every photo: fitting one cloak to its floor takes ten measurements or more.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

BRIGHTNESS = (0.299, 0.587, 0.114)

SCALES, ORIENTATIONS = 4, 4
SHORTEST = 6
"""Wavelength in pixels of the filters of the first scale; each further scale's is twice as long."""

BANDWIDTH = 0.55
"""Ratio of the deviation of a filter's Gaussian on the logarithmic frequency to its middle frequency."""

ANGLE = math.pi / ORIENTATIONS / 1.2
"""Standard deviation of a filter's Gaussian on the angle."""

CUTOFF, ORDER = 0.45, 15
"""Frequency and order of the low-pass filter (Butterworth) that keeps the corners of the spectrum out."""

NOISE_DEVIATIONS, NOISE_SCALE = 2.0, 1.7
"""The noise that is taken off the energy is its mean and so many standard deviations, over an empirical factor."""

CONGRUENCY_CONSTANT, GRADIENT_CONSTANT = 0.85, 160.0
"""The paper's T1 and T2, for levels up to 255."""

SCHARR = ((-3.0, 0.0, 3.0), (-10.0, 0.0, 10.0), (-3.0, 0.0, 3.0))

LEAST = 1.2e-7


@dataclass(frozen=True)
class _Filters:
    """Log-Gabor filters [ORIENTATIONS, SCALES, h, w] in the frequency plane.

    ``noise`` [ORIENTATIONS] is the energy that noise has, by the median response of the first scale.
    """

    planes: Tensor
    noise: Tensor


@dataclass(frozen=True)
class _Features:
    """Phase congruency and gradient [h, w] of a photo's brightness."""

    congruency: Tensor
    gradient: Tensor


class FeatureSimilarity:
    """Measures the similarity of changed photos to one original.

    Args:
        original: the photo [1, 3, h, w] in [0, 1], already as small as FSIM reads it.
    """

    def __init__(self, original: Tensor) -> None:
        self._features = _features(original)

    @torch.no_grad()
    def of(self, changed: Tensor) -> float:
        """Return the similarity, up to 1, of a photo [1, 3, h, w] in [0, 1]."""
        one, two = self._features, _features(changed)
        weights = torch.maximum(one.congruency, two.congruency)
        alike = _alike(one.congruency, two.congruency, CONGRUENCY_CONSTANT)
        alike = alike * _alike(one.gradient, two.gradient, GRADIENT_CONSTANT)
        value = float((alike * weights).sum() / weights.sum())
        # The similarity is not a number if a picture has no features, and then none can be lost.
        return 1.0 if math.isnan(value) else value


def _alike(one: Tensor, two: Tensor, constant: float) -> Tensor:
    return (2 * one * two + constant) / (one.square() + two.square() + constant)


@torch.no_grad()
def _features(photo: Tensor) -> _Features:
    brightness = torch.einsum("c,chw->hw", torch.tensor(BRIGHTNESS).to(photo), photo[0]) * 255
    kernel = torch.tensor(SCHARR).to(photo) / 16
    slopes = functional.conv2d(brightness[None, None], torch.stack([kernel, kernel.T])[:, None], padding=1)[0]
    return _Features(_phase_congruency(brightness), torch.hypot(slopes[0], slopes[1]))


def _phase_congruency(brightness: Tensor) -> Tensor:
    """Return the phase congruency [h, w] of a plane, in [0, 1]."""
    filters = _filters(brightness.shape[0], brightness.shape[1])
    spectrum = torch.fft.fft2(brightness)
    energies, amplitudes = torch.full_like(brightness, LEAST), torch.full_like(brightness, LEAST)
    for planes, noise in zip(filters.planes, filters.noise, strict=True):
        # The real part is the response of the even filter, the imaginary part that of the odd one.
        responses = torch.fft.ifft2(spectrum * planes)
        amplitude = responses.abs()
        total = responses.sum(0)
        length = total.abs()
        direction = total / (length + LEAST)
        # The sum over scales of a response's part along the mean direction is the length of their sum.
        across = (responses.imag * direction.real - responses.real * direction.imag).abs().sum(0)
        threshold = noise * amplitude[0].median()
        energies += (length - across - threshold).clamp(min=0)
        amplitudes += amplitude.sum(0)
    return energies / amplitudes


@lru_cache(maxsize=4)
def _filters(height: int, width: int) -> _Filters:
    rows, columns = _frequencies(height)[:, None], _frequencies(width)[None]
    radius = (rows**2 + columns**2).sqrt()
    low = 1 / (1 + (radius / CUTOFF) ** (2 * ORDER))
    # The paper's program measures angles with the rows' axis first.
    angle = torch.atan2(-columns.expand_as(radius), rows.expand_as(radius))
    radius[0, 0] = 1
    bands = []
    for scale in range(SCALES):
        ratio = (radius * (SHORTEST * 2**scale)).log()
        bands.append((-(ratio**2) / (2 * math.log(BANDWIDTH) ** 2)).exp() * low)
        bands[-1][0, 0] = 0
    spreads = []
    for orientation in range(ORIENTATIONS):
        turn = angle - orientation * math.pi / ORIENTATIONS
        distance = torch.atan2(turn.sin(), turn.cos())
        spreads.append((-(distance**2) / (2 * ANGLE**2)).exp())
    planes = torch.stack(spreads)[:, None] * torch.stack(bands)[None]
    return _Filters(planes.float(), torch.stack([_noise(one) for one in planes]).float())


def _noise(planes: Tensor) -> Tensor:
    """Return the threshold [] on the energy of one orientation's filters [SCALES, h, w], over the median of the responses.

    The squared responses of the first scale to noise have a median of -log(1/2) times their mean. From the mean follows the
    noise's power, from the power its energy in the sum of all scales, and from the energy a Rayleigh distribution.
    """
    kernels = torch.fft.ifft2(planes).real * math.sqrt(planes[0].numel())
    power = 1 / (-math.log(0.5) * planes[0].square().sum())
    # The square of the sum holds each filter's square once and each product of two filters twice.
    energy = 2 * power * kernels.sum(0).square().sum()
    threshold: Tensor = (
        (energy / 2).sqrt() * (math.sqrt(math.pi / 2) + NOISE_DEVIATIONS * math.sqrt(2 - math.pi / 2)) / NOISE_SCALE
    )
    return threshold


def _frequencies(length: int) -> Tensor:
    """Return the frequencies [length] of an axis, from zero, as the paper's program spaces them."""
    middle = length // 2
    spacing = max(1, length - length % 2)
    return torch.roll((torch.arange(length, dtype=torch.float64) - middle) / spacing, -middle)
