"""What a generator computes inside while it draws: captured, measured, and made viewable.

Source: StyleGAN2, section 2 and appendix A (Figures 1, 3, 15 and 16).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch.nn.functional as F
from torch import Tensor

from stylesmith.formatting import format_image_size
from stylesmith.ops import instance_norm
from stylesmith.sampling import LatentCodes, SamplingPipeline

DISPLAY_STDS = 3.0
"""Standard deviations from gray to white, and to black."""
MAX_TILE_SIDE = 256
"""Pixels of the longer side of an image in a grid of feature maps."""


@dataclass(frozen=True)
class Activations:
    """Images, and the feature maps of every level in use that they were drawn from."""

    images: Tensor
    """`(N, C, H, W)`, -1..1."""
    features: list[Tensor]
    """Behind the last layer of each level, from the base up: `(N, F, h, w)`."""
    adain_inputs: list[Tensor]
    """The same in front of that layer's AdaIN; empty where a network has none."""


def capture_activations(pipeline: SamplingPipeline, codes: LatentCodes) -> Activations:
    """Draw, and keep what goes through the network."""
    states = pipeline.levels(codes)
    images = cast(Tensor, states[-1].image).clamp(-1, 1)
    adain_inputs = [state.adain_input for state in states if state.adain_input is not None]
    return Activations(images, [state.features for state in states], adain_inputs)


def resolution_names(features: Sequence[Tensor]) -> list[str]:
    """Resolutions in words: `4x4`, `8x8`."""
    return [format_image_size((maps.shape[-2], maps.shape[-1])) for maps in features]


def indices_by_std(maps: Tensor) -> list[int]:
    """Numbers of maps `(F, h, w)`, those with the largest standard deviation first."""
    deviations = maps.flatten(1).std(dim=1, correction=0)
    return [int(i) for i in deviations.argsort(descending=True, stable=True)]


def normalized_rms(maps: Tensor) -> Tensor:
    """How strong all normalized maps are together at each pixel: `(N, F, h, w)` -> `(N, h, w)`.

    The root of the mean square over instance-normalized maps, which is about 1 everywhere if each
    has its own shape; a droplet is a peak, for it is in all of them.
    """
    return instance_norm(maps.float()).square().mean(dim=1).sqrt()


def max_normalized_rms(maps: Tensor) -> Tensor:
    """Largest `normalized_rms` of each image, `(N, F, h, w)` -> `(N,)`.

    It is 1 where no pixel stands out, and sqrt(h * w - 1) where all maps are zero but for one
    pixel, the same for all.
    """
    return normalized_rms(maps).flatten(1).amax(dim=1)


def high_frequency_fraction(maps: Tensor) -> float:
    """High-frequency content: the share of variance that half the resolution could not hold.

    What means over 2x2 pixels take away from instance-normalized maps `(N, F, h, w)`, h and w even:
    0 where pixels come in equal blocks of four, 3/4 for white noise, 1 for a checkerboard.
    """
    normal = instance_norm(maps.cpu().double())
    total = normal.square().mean()
    if total == 0:
        return 0.0
    return float(1 - F.avg_pool2d(normal, 2).square().mean() / total)


def normalized_view(maps: Tensor) -> Tensor:
    """Maps `(F, h, w)` in the viewable range -1..1, each by its own mean and deviation."""
    return (instance_norm(maps[None].float())[0] / DISPLAY_STDS).clamp(-1, 1)


def common_scale_view(maps: Tensor) -> Tensor:
    """Maps `(F, h, w)` in the viewable range -1..1, all by one mean and deviation."""
    maps = maps.float()
    deviation = maps.std(correction=0)
    return ((maps - maps.mean()) / (DISPLAY_STDS * deviation).clamp(min=1e-12)).clamp(-1, 1)


def normalized_rms_view(maps: Tensor) -> Tensor:
    """`normalized_rms` of maps `(F, h, w)` as a plane `(1, h, w)`: black is 0, white 3 or more."""
    return (normalized_rms(maps[None]) / DISPLAY_STDS * 2 - 1).clamp(-1, 1)


def feature_map_grid(image: Tensor, levels: Sequence[Tensor]) -> Tensor:
    """An image `(C, H, W)` and, right of it, planes `(rows, h, w)` in -1..1 of several levels.

    Returns:
        `(rows, 1 + levels, C, H', W')`, of which no side is larger than 256; NaN where there is
        nothing: below the image, and where a level has fewer planes than others.
    """
    image = downsample_to_tile(image[None].float())[0].cpu()
    rows = max(len(planes) for planes in levels)
    tiles = image.new_full((rows, 1 + len(levels), *image.shape), math.nan)
    tiles[0, 0] = image
    for column, planes in enumerate(levels, 1):
        enlarge = planes.shape[-1] < image.shape[-1]
        shown = F.interpolate(
            planes[:, None].cpu(), image.shape[1:], mode="nearest-exact" if enlarge else "area"
        )
        tiles[: len(planes), column] = shown
        tiles[: len(planes), column, 3:] = 1  # opaque
    return tiles


def downsample_to_tile(images: Tensor) -> Tensor:
    """Images `(N, C, H, W)` halved by means until no side is larger than 256 pixels."""
    while max(images.shape[-2:]) > MAX_TILE_SIDE:
        images = F.avg_pool2d(images, 2)
    return images
