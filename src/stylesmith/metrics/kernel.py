"""Kernel distance: maximum mean discrepancy of features with a cubic kernel (KID)."""

import torch
from torch import Tensor

from stylesmith.errors import DataError
from stylesmith.latents import RandomKeys

DEFAULT_SUBSETS = 100
DEFAULT_SUBSET_SIZE = 1000


def kernel_distance(
    real: Tensor,
    fake: Tensor,
    *,
    keys: RandomKeys,
    subsets: int = DEFAULT_SUBSETS,
    subset_size: int = DEFAULT_SUBSET_SIZE,
) -> float:
    """Mean over random subsets of the unbiased estimate (Binkowski et al. 2018); about 0 if equal.

    Papers often print it times 1000. Being unbiased, it may be a little negative.

    Args:
        real: Features, `(N, D)`.
        fake: Features, `(M, D)`.
        keys: Choose the subsets.
        subsets: How many.
        subset_size: Images of each side in a subset; all of the smaller side where it has fewer.

    Raises:
        DataError: If either side has fewer than two images.
    """
    size = min(len(real), len(fake), subset_size)
    if size < 2:
        raise DataError(f"a kernel distance needs at least 2 images of each kind, got {size}.")
    values = []
    for number in range(subsets):
        chosen = [
            features[torch.from_numpy(keys.permutation(len(features), purpose, number)[:size])]
            for features, purpose in ((real, "kernel real"), (fake, "kernel fake"))
        ]
        values.append(squared_mmd(*chosen))
    return sum(values) / subsets


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """Unbiased estimate from samples of one size, both `(m, D)`, in float64."""
    x, y = x.double(), y.double()
    m = len(x)
    within = sum(
        k.sum() - k.diagonal().sum() for k in (polynomial_kernel(x, x), polynomial_kernel(y, y))
    )
    return float(within / (m * (m - 1)) - 2 * polynomial_kernel(x, y).mean())


def polynomial_kernel(x: Tensor, y: Tensor) -> Tensor:
    """(x.y / D + 1)^3 of all pairs, `(N, D)` and `(M, D)` -> `(N, M)`."""
    return (x @ y.T / x.shape[1] + 1) ** 3
