"""Perceptual path length: how fast do images change along paths in latent space?

StyleGAN, section 4.1, Eq. 2 and 3; per-image scores: StyleGAN2, section 3 and Figures 4 and 5.
Networks come as functions, so that a linear one can be checked by hand.
"""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from stylesmith.devices import to_float64

EPSILON = 1e-4
"""Length of a step, as a part of the path."""
DEFAULT_PERCENTILES = (1.0, 99.0)
"""Scores beyond these are dropped before the mean."""

Interpolation = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Two ends `(N, D)` and a place on each path `(N, 1)`, 0..1, to points `(N, D)`."""


def path_lengths(
    draw: Callable[[Tensor], Tensor],
    distance: Callable[[Tensor, Tensor], Tensor],
    ends: tuple[Tensor, Tensor],
    positions: Tensor,
    *,
    interpolate: Interpolation,
    crop_to_face: bool,
    epsilon: float = EPSILON,
) -> Tensor:
    """Squared perceptual speed of each path at one place, `(N,)`.

    Args:
        draw: Points `(N, D)` to images `(N, C, H, W)`; both points of a path must be given the
            same noise and label.
        distance: Two batches of images to their distances, squared in kind, `(N,)`; it reduces
            large images itself.
        ends: Where the paths begin and end, `(N, D)` each.
        positions: Places on the paths, `(N, 1)`, 0 at the beginning.
        interpolate: The shape of the paths.
        crop_to_face: Compare only the part of an image where aligned faces have the face.
        epsilon: Distance along the path, from 0 to 1, of the two images that are compared.
    """
    first, second = (draw(interpolate(*ends, t)) for t in (positions, positions + epsilon))
    if crop_to_face:
        first, second = crop_face(first), crop_face(second)
    return distance(first, second) / epsilon**2


def path_lengths_around(
    draw: Callable[[Tensor], Tensor],
    embed: Callable[[Tensor], Tensor],
    w: Tensor,
    ends: Iterable[Tensor],
    *,
    epsilon: float = EPSILON,
) -> Tensor:
    """Path length around each image, the mean over straight paths towards several others, `(N,)`.

    Its mean over all images is the path length of the model, as the paper has it.

    Args:
        draw: `w` to images `(N, C, H, W)`, always with the same noise.
        embed: Images to points `(N, F)` whose squared distances are those of the images.
        w: Of the images, `(N, D)` or `(N, L, D)`.
        ends: Where paths lead, each of the shape of `w`.
        epsilon: Length of a step, as a part of a path.

    Source: StyleGAN2, section 3 and Figures 4 and 5.
    """
    first = embed(draw(w))
    total, count = to_float64(w.new_zeros(len(w))), 0
    for end in ends:
        second = embed(draw(torch.lerp(w, end, epsilon)))
        total += to_float64((first - second).square().sum(dim=1) / epsilon**2)
        count += 1
    return total / count


def crop_face(images: Tensor) -> Tensor:
    """Rows from 3/8 to 7/8 and columns from 2/8 to 6/8 of `(N, C, H, W)`."""
    height, width = images.shape[2:]
    rows, columns = height // 8, width // 8
    return images[:, :, 3 * rows : 7 * rows, 2 * columns : 6 * columns]


def trimmed_mean(
    values: np.ndarray, percentiles: tuple[float, float] = DEFAULT_PERCENTILES
) -> float:
    """Mean of the values within two percentiles, their nearest values outside included."""
    low = np.percentile(values, percentiles[0], method="lower")
    high = np.percentile(values, percentiles[1], method="higher")
    return float(values[(values >= low) & (values <= high)].mean())
