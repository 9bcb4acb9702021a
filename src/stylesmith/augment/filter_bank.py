"""Random gains of four octave bands of an image (ADA, group `filter`).

The bands are products of a half-band low-pass filter and its complement, both autocorrelations of
the symlet with two vanishing moments. Their sum changes nothing.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from stylesmith.augment.draws import Gates, expand
from stylesmith.augment.warp import reflect

LOW_PASS = np.array([-1, 0, 9, 16, 9, 0, -1]) / 32
"""Half-band filter; it and its complement `delta - LOW_PASS` sum to 1 at every frequency."""
BANDS = 4
BAND_COINS = tuple(f"band {band}" for band in range(BANDS))
GAIN_DEVIATION = 1.0
"""Standard deviation of log2 of a band's gain."""
POWER = np.array([10, 1, 1, 1]) / 13
"""Share of the power of natural images that each band holds, low to high: 1 / f."""
RADIUS = 21
"""Half the length of the kernels, less the tap at the center."""
SMALLEST_SIDE = RADIUS + 1
"""Below it, the reflected image is too small for the kernels."""


def amplify_bands(images: Tensor, gates: Gates) -> Tensor:
    """Multiply the bands of each image, rows and columns alike, `(N, C, H, W)`.

    Images are extended by reflection. Those of which no coin falls stay as they are.
    """
    changed = gates.any_happens(BAND_COINS)
    gains = band_gains(gates)
    vertical, horizontal = (
        torch.einsum("nb,bij->nij", gains, _band_matrices(side, gains.dtype, gains.device))
        for side in images.shape[2:]
    )
    result = vertical[:, None] @ (images @ horizontal.transpose(1, 2)[:, None])
    return torch.where(expand(changed), result, images)


def band_gains(gates: Gates) -> Tensor:
    """Gains of the bands, `(N, 4)`.

    Each band is drawn by itself, and what it adds or takes of the power of a natural image is
    divided out.
    """
    gains: list[Tensor] = []
    normalization = torch.ones_like(gates.draws.values[:, 0])
    for power, name in zip(POWER.tolist(), BAND_COINS, strict=True):
        gain = torch.exp2(gates.gated(name, gates.draws.normal(name) * GAIN_DEVIATION))
        normalization = normalization * (1 - power + power * gain.square()).rsqrt()
        gains.append(gain)
    return torch.stack(gains, dim=1) * normalization[:, None]


@cache
def band_kernels() -> np.ndarray:
    """Kernels of the bands, low to high, `(4, 43)`; they sum to 1 at the center and 0 elsewhere."""
    delta = (np.arange(7) == 3).astype(float)
    low = [_spread(LOW_PASS, step) for step in (1, 2, 4)]
    high = [_spread(delta - LOW_PASS, step) for step in (1, 2, 4)]
    coarse = np.convolve(low[0], low[1])
    bands = [np.convolve(coarse, low[2]), np.convolve(coarse, high[2])]
    bands += [np.convolve(low[0], high[1]), high[0]]
    return np.stack([np.pad(band, RADIUS - len(band) // 2) for band in bands])


def _spread(taps: np.ndarray, step: int) -> np.ndarray:
    """The filter with zeros between its taps."""
    wide = np.zeros((len(taps) - 1) * step + 1)
    wide[::step] = taps
    return wide


@cache
def _band_matrices(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrices of the four bands along an axis that is extended by reflection, `(4, W, W)`."""
    matrices = np.zeros((BANDS, side, side))
    for tap in range(2 * RADIUS + 1):
        rows = np.arange(side)
        matrices[:, rows, reflect(rows + tap - RADIUS, side)] += band_kernels()[:, tap : tap + 1]
    with torch.inference_mode(False):
        return torch.from_numpy(matrices).to(dtype).to(device)
