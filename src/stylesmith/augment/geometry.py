"""Random affine maps of ADA's groups `blit` and `geom`, from the pixels of the output to the input.

Positions are in pixels from the center of the image, x to the right and y downwards, so a rotation
is rigid in images that are not square (ADA, appendix B).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.augment.draws import Gates

GEOMETRIC_COINS = ("scale", "first rotation", "stretch", "second rotation", "shift")
SCALE_DEVIATION = 0.2
"""Standard deviation of log2 of the scale, and of log2 of the stretch."""
SHIFT_DEVIATION = 0.125
"""Standard deviation of the shift, in sides of the image."""
INTEGER_SHIFT = 0.125
"""Largest shift by whole pixels, in sides of the image."""


@dataclass(frozen=True)
class AffineMap:
    """Maps from positions in the output to the positions in the input that they show.

    Fields are numbers of images, `(N,)`, or of several strengths too, `(K, N)`: x is mapped to
    `xx * x + xy * y + x0` and y to `yx * x + yy * y + y0`.
    """

    xx: Tensor
    xy: Tensor
    yx: Tensor
    yy: Tensor
    x0: Tensor
    y0: Tensor

    def bounds(self, half_width: float, half_height: float) -> tuple[Tensor, Tensor]:
        """How far left and right, and up and down, a centered rectangle reaches in the input.

        Two numbers each, `(2,)`, over all images: the lowest x and y, and the highest.
        """
        across = self.xx.abs() * half_width + self.xy.abs() * half_height
        down = self.yx.abs() * half_width + self.yy.abs() * half_height
        lowest = torch.stack([(self.x0 - across).min(), (self.y0 - down).min()])
        return lowest, torch.stack([(self.x0 + across).max(), (self.y0 + down).max()])

    def reshape(self, *shape: int) -> "AffineMap":
        """The same maps in another shape."""
        fields = (self.xx, self.xy, self.yx, self.yy, self.x0, self.y0)
        return AffineMap(*(field.reshape(shape) for field in fields))

    def moved(self) -> Tensor:
        """Images whose map is not the identity, bool `(N,)`."""
        from_identity = (self.xx - 1, self.xy, self.yx, self.yy - 1, self.x0, self.y0)
        return torch.stack(from_identity).any(dim=0)


def integer_shift(gates: Gates, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Whole pixels to the right and downwards, independent and with one coin, `(N,)` each."""
    height, width = size
    shifts = []
    for axis, side in (("x", width), ("y", height)):
        share = (2 * gates.draws.uniform(f"integer shift {axis}") - 1) * INTEGER_SHIFT
        shifts.append(gates.gated("integer shift", (share * side).round()))
    return shifts[0], shifts[1]


def sampling_map(blit: Gates | None, geom: Gates, size: tuple[int, int]) -> AffineMap:
    """The inverse of integer shift, scale, rotation, stretch, rotation and shift, in this order.

    Args:
        blit: Gates of the integer shift; None leaves it out.
        geom: Gates of the other transformations.
        size: Height and width of the images.
    """
    height, width = size
    draws = geom.draws
    rotations = Gates(draws, rotation_chance(geom.strength))
    first, second = (
        rotations.gated(name, (2 * draws.uniform(name) - 1) * math.pi)
        for name in ("first rotation", "second rotation")
    )
    log_scale = geom.gated("scale", draws.normal("scale") * SCALE_DEVIATION)
    log_stretch = geom.gated("stretch", draws.normal("stretch") * SCALE_DEVIATION)
    shift_x = geom.gated("shift", draws.normal("shift x") * (SHIFT_DEVIATION * width))
    shift_y = geom.gated("shift", draws.normal("shift y") * (SHIFT_DEVIATION * height))
    narrow, wide = torch.exp2(-log_scale - log_stretch), torch.exp2(log_stretch - log_scale)
    cos1, sin1, cos2, sin2 = first.cos(), first.sin(), second.cos(), second.sin()
    # rotation by -first, times diag(narrow, wide), times rotation by -second
    xx, xy = cos1 * narrow * cos2 - sin1 * wide * sin2, cos1 * narrow * sin2 + sin1 * wide * cos2
    yx, yy = -sin1 * narrow * cos2 - cos1 * wide * sin2, cos1 * wide * cos2 - sin1 * narrow * sin2
    x0, y0 = -(xx * shift_x + xy * shift_y), -(yx * shift_x + yy * shift_y)
    if blit is not None:
        whole_x, whole_y = integer_shift(blit, size)
        x0, y0 = x0 - whole_x, y0 - whole_y
    return AffineMap(xx, xy, yx, yy, x0, y0)


def rotation_chance(strength: Tensor) -> Tensor:
    """Chance of each of two rotations, of which one at least happens with chance `strength`."""
    return 1 - (1 - strength).clamp(min=0).sqrt()


def strengths_of_change(gates: Sequence[tuple[Gates, str]]) -> Tensor:
    """Strengths just above those at which the map of an image changes, `(K, N)`, and 0.

    A map changes only where a coin begins to fall, so the maps at these strengths are all there
    are. Gates come at strength 1, with their multipliers.
    """
    found = []
    for gate, name in gates:
        coin = gate.draws.coins[:, gate.draws.plan.coins.index(name)]
        level = 1 - (1 - coin) ** 2 if "rotation" in name else coin
        found.append((level * (1 + 1e-5) + 1e-6) / gate.strength.clamp(min=1e-6))
    return torch.stack([torch.zeros_like(found[0]), *found]).clamp(0, 1)
