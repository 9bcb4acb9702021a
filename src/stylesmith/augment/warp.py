"""Affine warps of images, resampled with an orthogonal wavelet filter (ADA, appendix B).

The input is extended by reflection and doubled in resolution, sampled bilinearly on a grid of
double resolution, and halved again. Doubling and halving are matrix products along each axis.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

from stylesmith.augment.geometry import AffineMap
from stylesmith.ops.banded import BandedMatrix, constant_band, multiply_axes
from stylesmith.ops.bilinear import sample_bilinear

SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633,
    0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252,
    -0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
"""Low-pass filter of the symlet with six vanishing moments; not symmetric."""
CENTER = 5
"""Tap of the filter that lies on the pixel it doubles: the largest."""
FIRST_SAMPLE, SAMPLES_BEYOND = 1, 10
"""Of side W, halving takes 2 W + 10 samples, the first at half a pixel times 1 - 6."""

Margins = tuple[int, int, int, int]
"""Pixels of reflection that are computed to the left and right, above and below."""


def warp(images: Tensor, to_input: AffineMap, margins: Margins) -> Tensor:
    """Show each image through an affine map; images that it leaves in place stay as they are.

    What lies beyond the reflected images is 0.

    Args:
        images: `(N, C, H, W)`.
        to_input: The map of each image.
        margins: From `reflection_margins`; larger ones change nothing.
    """
    height, width = images.shape[2:]
    left, right, above, below = margins
    kind = images.dtype, images.device
    fine = multiply_axes(
        images,
        _doubling(height, above, below, *kind),
        _doubling(width, left, right, *kind),
    )
    across, down = _sample_positions(width, *kind), _sample_positions(height, *kind)
    m = to_input.reshape(-1, 1, 1)
    x0, y0 = m.x0 + ((width - 1) / 2 + left), m.y0 + ((height - 1) / 2 + above)
    x = m.xx * across + (m.xy * down[:, None] + x0)
    y = m.yx * across + (m.yy * down[:, None] + y0)
    sampled = sample_bilinear(fine, torch.stack([x, y], dim=-1) * 2)
    warped = multiply_axes(sampled, _halving(height, *kind), _halving(width, *kind))
    return torch.where(to_input.moved()[:, None, None, None], warped, images)


def reflection_margins(to_input: AffineMap, size: tuple[int, int]) -> Margins:
    """How much of the reflected images a batch shows; at most all of it, a side less one pixel.

    Args:
        to_input: Maps of all images, on the CPU.
        size: Height and width.
    """
    height, width = size
    half_width, half_height = (_reach(side) for side in (width, height))
    lowest, highest = (edge.tolist() for edge in to_input.bounds(half_width, half_height))
    margins: list[int] = []
    for low, high, side in zip(lowest, highest, (width, height), strict=True):
        edge = (side - 1) / 2
        margins += [_whole_margin(-edge - low, side), _whole_margin(high - edge, side)]
    return margins[0], margins[1], margins[2], margins[3]


def _whole_margin(overhang: float, side: int) -> int:
    """A margin of whole pixels; one more, since samples lie between two fine pixels."""
    return min(max(int(np.ceil(overhang)) + 1, 0), side - 1)


def _reach(side: int) -> float:
    """Distance from the center to the outermost sample, in pixels."""
    return (side - 1) / 2 + 3


@cache
def _sample_positions(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Positions of the output's samples from the center, in pixels, `(2 * side + 10,)`."""
    sample = np.arange(2 * side + SAMPLES_BEYOND) + FIRST_SAMPLE
    with torch.inference_mode(False):
        return torch.from_numpy(sample / 2 - 3 - (side - 1) / 2).to(dtype).to(device)


def _doubling(
    side: int, before: int, after: int, dtype: torch.dtype, device: torch.device
) -> BandedMatrix:
    """Extend an axis by reflection and double its resolution, `(2 (W + before + after), W)`."""
    first = 2 * (side - 1 - before)
    matrix = _whole_doubling(side, dtype, device)
    return matrix.rows(first, first + 2 * (before + side + after))


@cache
def _whole_doubling(side: int, dtype: torch.dtype, device: torch.device) -> BandedMatrix:
    """`_doubling` with the largest margins."""
    return constant_band(doubling_matrix(side), dtype, device)


@cache
def _halving(side: int, dtype: torch.dtype, device: torch.device) -> BandedMatrix:
    return constant_band(halving_matrix(side), dtype, device)


def doubling_matrix(side: int) -> np.ndarray:
    """Extend by reflection, a side less one pixel at each end, and double: `(6W - 4, W)`.

    Pixel i lies on fine pixel 2 i, and what lies beyond the reflection is 0.
    """
    sources = reflect(np.arange(3 * side - 2) - (side - 1), side)
    matrix = np.zeros((2 * len(sources), side))
    for pixel, source in enumerate(sources):
        _add_taps(matrix, 2 * pixel, source, np.sqrt(2))
    return matrix


def halving_matrix(side: int) -> np.ndarray:
    """Half the adjoint of doubling, for samples that begin and end half a filter outside."""
    matrix = np.zeros((2 * side + SAMPLES_BEYOND, side))
    for pixel in range(side):
        _add_taps(matrix, 2 * pixel + CENTER, pixel, np.sqrt(0.5))
    return matrix.T


def _add_taps(matrix: np.ndarray, center: int, column: int, gain: float) -> None:
    rows = center - CENTER + np.arange(len(SYM6))
    inside = (rows >= 0) & (rows < len(matrix))
    matrix[rows[inside], column] += gain * np.array(SYM6)[inside]


def reflect(positions: np.ndarray | Sequence[int], side: int) -> np.ndarray:
    """Pixels that positions show in an image extended by reflection; the edge is not repeated."""
    period = max(2 * (side - 1), 1)
    return (side - 1) - np.abs((side - 1) - np.asarray(positions) % period)
