"""A fixed random convolutional network: features and a distance without any weights file.

Random convolutions keep much of what differs between images. Values distinguish runs on
the same data; they are not FID or LPIPS and are never called so.

Four levels of 3x3 convolution and ReLU, each at half the resolution of the one before:

| level | 1 | 2 | 3 | 4 |
|---|---|---|---|---|
| channels | 32 | 64 | 64 | 64 |
| resolution | all | 1/2 | 1/4 | 1/8 |

The first half of each level's kernels sums to zero and has no bias: it is still where an image is
flat, so that faint noise shows. The other half answers to color and brightness.
"""

import hashlib
import math
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.perception.preprocessing import (
    MAX_SIZE,
    ImageDistance,
    downscale,
    signed_to_rgb,
    uint8_to_rgb,
)

LEVEL_CHANNELS = (32, 64, 64, 64)
"""Channels of the levels, from the finest."""

GRID_SIZE, GRID_CHANNELS = 4, 4
"""Rows and columns of cells, and channels of the last level, whose means describe the layout."""

SEED = 0
VERSION = "stylesmith random features 1"
"""Raised whenever the same images would give other features."""

MIN_SIZE = 8
"""Height and width of the images that the last level sees as one pixel."""


class RandomFeatures(ImageDistance):
    """Features and a distance from random convolutions.

    The features are means over the image of each channel and of its root, and coarse means of the
    last level. A mean and a mean root are a channel's first two moments, of its root: how much and
    how evenly. The distance is the mean squared difference of the levels, each place divided by its
    contrast as in LPIPS.
    """

    name = "random"
    dimension = 2 * sum(LEVEL_CHANNELS) + GRID_CHANNELS * GRID_SIZE**2
    min_size = MIN_SIZE

    def __init__(self, device: torch.device):
        self.weights_hash = definition_hash()
        self.device = device
        self.layers = [
            (
                torch.from_numpy(kernels).to(device, memory_format=torch.channels_last),
                torch.from_numpy(biases).to(device),
            )
            for kernels, biases in random_layers()
        ]

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """uint8 `(N, 1, 3 or 4, H, W)` -> float32 `(N, 512)`; images above 256 are reduced.

        Raises:
            ShapeError: If they are not uint8, or smaller than 8 pixels.
        """
        x = uint8_to_rgb(images, self.device, min_size=self.min_size)
        levels = self.levels(downscale(x, MAX_SIZE) / 127.5 - 1)
        cells = F.adaptive_avg_pool2d(levels[-1][:, -GRID_CHANNELS:], GRID_SIZE).flatten(1)
        moments = [x.mean(dim=(2, 3)) for level in levels for x in (level, level.sqrt())]
        return torch.cat([*moments, cells], 1)

    def embed(self, images: Tensor) -> Tensor:
        """`(N, 3, H, W)`, -1..1 -> `(N, D)`; D depends on the size of the images.

        Raises:
            ShapeError: If the images are smaller than 8 pixels.
        """
        x = signed_to_rgb(images, self.device, min_size=self.min_size)
        levels = self.levels(downscale(x, MAX_SIZE))
        parts = [_normalize_contrast(x) / math.sqrt(len(levels) * x[0, 0].numel()) for x in levels]
        return torch.cat([part.flatten(1) for part in parts], 1)

    def levels(self, images: Tensor) -> list[Tensor]:
        """RGB `(N, 3, H, W)`, -1..1 -> activations of the four levels."""
        x, found = images.contiguous(memory_format=torch.channels_last), []
        for index, (kernels, biases) in enumerate(self.layers):
            x = F.avg_pool2d(x, 2) if index > 0 else x
            x = F.conv2d(x, kernels, biases, padding=1).relu()
            found.append(x)
        return found


@cache
def random_layers() -> list[tuple[np.ndarray, np.ndarray]]:
    """Kernels `(O, I, 3, 3)` and biases `(O,)` of each level, float32.

    Made of whole numbers by numpy's frozen generator, with exact steps: the same on every machine.
    """
    rng = np.random.RandomState(SEED)
    layers, in_channels = [], 3
    for width in LEVEL_CHANNELS:
        kernels = rng.randint(-(2**15), 2**15, (width, in_channels, 3, 3), dtype=np.int32) * 9
        biases = rng.randint(-(2**15), 2**15, width, dtype=np.int32)
        still = width // 2
        kernels[:still] -= kernels[:still].sum((2, 3), keepdims=True) // 9
        biases[:still] = 0
        gain = math.sqrt(6 / (in_channels * 9)) / (9 * 2**15)  # He's, for uniform numbers
        layers.append(((kernels * gain).astype(np.float32), (biases * 2.0**-16).astype(np.float32)))
        in_channels = width
    return layers


@cache
def definition_hash() -> str:
    """SHA-256 of the version and every weight."""
    digest = hashlib.sha256(VERSION.encode())
    for layer in random_layers():
        for array in layer:
            digest.update(array.astype("<f4").tobytes())
    return digest.hexdigest()


def _normalize_contrast(x: Tensor) -> Tensor:
    """Channels over their length, which is kept from vanishing where an image is flat."""
    return x * torch.rsqrt(x.square().sum(dim=1, keepdim=True) + 0.01)
