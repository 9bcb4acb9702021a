"""Adaptive pseudo augmentation (APA, Jiang et al. 2021): generated images among the real ones.

Some real images are replaced by generated ones that are still called real. It goes beside either
pipeline, before it, and its strength moves by the same controller.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from stylesmith.augment.draws import as_strength, expand
from stylesmith.errors import ShapeError


def draw_coins(generators: Sequence[torch.Generator]) -> Tensor:
    """A uniform number in 0..1 for each real image, from a CPU generator each, `(N,)`."""
    return torch.cat([torch.rand(1, generator=generator) for generator in generators])


def replace_reals(
    reals: Tensor, fakes: Tensor, coins: Tensor, strength: float | Tensor
) -> tuple[Tensor, Tensor]:
    """Replace each real image by a generated one with chance `strength`.

    Args:
        reals: `(N, C, H, W)`.
        fakes: Generated images of the same shape; no gradient flows to them.
        coins: From `draw_coins`, on their device, `(N,)`.
        strength: Chance of each image, 0..1; a number or a tensor `()`.

    Returns:
        The batch that the discriminator takes as real; and which images are generated, bool `(N,)`.
        The controller should take the scores of the others, which are truly real.

    Raises:
        ShapeError: If shapes differ.
    """
    if fakes.shape != reals.shape or coins.shape != reals.shape[:1]:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in (reals, fakes, coins))
        raise ShapeError(f"reals and fakes must be (N, C, H, W) and coins (N,), got {shapes}")
    replaced = coins < as_strength(strength, coins)
    return torch.where(expand(replaced), fakes.detach().to(reals.dtype), reals), replaced
