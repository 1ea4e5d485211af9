"""The colour difference CIEDE2000, which sees what FSIM, SSIM and PSNR weigh little: a tint over a whole area.

Source: Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula: implementation notes, supplementary test data, and
mathematical observations" (2005). It is written here in PyTorch, since scikit-image, which tests compare it with, is not part
of the installed product.
"""

import math

import torch
from torch import Tensor

from protectors.saving import Pixels

SAMPLES = 65_536
"""About the largest number of pixels that are compared: the mean over so many is within a hundredth of the mean over all."""

TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
"""Matrix from linear sRGB to XYZ (ITU-R BT.709 primaries, D65)."""

WHITE = (0.95047, 1.0, 1.08883)
"""XYZ of white (D65, 2 degrees)."""


def mean_colour_difference(first: Pixels, second: Pixels) -> float:
    """Return the mean CIEDE2000 of two photos uint8 [H, W, 3], over a grid of their pixels; about 1 is just noticeable."""
    step = math.ceil(math.sqrt(first.shape[0] * first.shape[1] / SAMPLES))
    # With an odd distance, the grid meets all places of JPEG's blocks.
    step += 1 - step % 2
    one, two = (lab(torch.from_numpy(photo[::step, ::step].reshape(-1, 3).copy()).float() / 255) for photo in (first, second))
    return float(ciede2000(one, two).mean())


def lab(rgb: Tensor) -> Tensor:
    """Turn sRGB [N, 3] in [0, 1] into CIE L*a*b* [N, 3]."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ torch.tensor(TO_XYZ).to(rgb).T / torch.tensor(WHITE).to(rgb)
    x, y, z = torch.where(xyz > 0.008856, xyz ** (1 / 3), 7.787 * xyz + 16 / 116).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def ciede2000(first: Tensor, second: Tensor) -> Tensor:
    """Return the colour differences [N] of L*a*b* colours [N, 3]; names are the paper's."""
    (l1, a1, b1), (l2, a2, b2) = first.unbind(1), second.unbind(1)
    c_mean7 = ((torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - (c_mean7 / (c_mean7 + 25.0**7)).sqrt())
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = torch.hypot(a1, b1), torch.hypot(a2, b2)
    h1, h2 = (torch.rad2deg(torch.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))

    grey = c1 * c2 == 0
    turn = (h2 - h1 + 180) % 360 - 180
    dl, dc = l2 - l1, c2 - c1
    dh = torch.where(grey, 0.0, 2 * (c1 * c2).sqrt() * torch.sin(torch.deg2rad(turn / 2)))

    lightness, c = (l1 + l2) / 2, (c1 + c2) / 2
    # The mean of two hues lies between them on the shorter way; of a grey and a hue it is the hue.
    h = torch.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    t = 1 - 0.17 * _cosine(h - 30) + 0.24 * _cosine(2 * h) + 0.32 * _cosine(3 * h + 6) - 0.20 * _cosine(4 * h - 63)
    s_l = 1 + 0.015 * (lightness - 50) ** 2 / (20 + (lightness - 50) ** 2).sqrt()
    s_c, s_h = 1 + 0.045 * c, 1 + 0.015 * c * t
    c7 = c**7
    rotation = torch.sin(torch.deg2rad(60 * torch.exp(-(((h - 275) / 25) ** 2))))
    r_t = -2 * (c7 / (c7 + 25.0**7)).sqrt() * rotation
    dl, dc, dh = dl / s_l, dc / s_c, dh / s_h
    return (dl**2 + dc**2 + dh**2 + r_t * dc * dh).clamp(min=0).sqrt()


def _cosine(degrees: Tensor) -> Tensor:
    return torch.cos(torch.deg2rad(degrees))
