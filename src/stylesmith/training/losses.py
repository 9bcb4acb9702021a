"""Losses and penalties as arithmetic on scores, images and latents."""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.config.training import LossName


def generator_logistic(fake_scores: Tensor) -> Tensor:
    """Non-saturating loss of the generator, `(N,)` (Goodfellow et al. 2014)."""
    return F.softplus(-fake_scores)


def discriminator_logistic(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Logistic loss of the discriminator, `(N,)`; 2 ln 2 where it cannot tell them apart."""
    return F.softplus(-real_scores) + F.softplus(fake_scores)


def generator_wasserstein(fake_scores: Tensor) -> Tensor:
    """Loss of the generator against a Wasserstein critic, `(N,)` (Arjovsky et al. 2017)."""
    return -fake_scores


def discriminator_wasserstein(real_scores: Tensor, fake_scores: Tensor, drift: float) -> Tensor:
    """Loss of a Wasserstein critic, `(N,)`; `drift` keeps its scores near 0.

    Source: Arjovsky et al. 2017; the drift is ProGAN's, appendix A.1.
    """
    return fake_scores - real_scores + drift * real_scores.square()


GENERATOR_LOSSES: dict[LossName, Callable[[Tensor], Tensor]] = {
    "logistic": generator_logistic,
    "wgan_gp": generator_wasserstein,
}


def squared_gradients(scores: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    """Squared norm of the gradient of each score by its image, `(N,)`.

    `inputs` are the images, `(N, C, H, W)`, or one such tensor per level of a pyramid; the squares
    are summed over all of it.
    """
    gradients = torch.autograd.grad(scores.sum(), list(inputs), create_graph=True)
    squares = [gradient.square().sum(dim=(1, 2, 3)) for gradient in gradients]
    return torch.stack(squares).sum(dim=0)


def r1_penalty(scores: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    """Squared gradient norm of the critic at real images, `(N,)`; weighted by gamma / 2.

    Source: Mescheder et al. 2018, Eq. 9.
    """
    return squared_gradients(scores, inputs)


def wgan_penalty(scores: Tensor, inputs: Sequence[Tensor], *, scale: float = 1.0) -> Tensor:
    """How far gradient norms of the critic are from 1, squared, `(N,)`; weighted by lambda.

    `inputs` lie between real and generated images, and `scale` multiplies squared gradients.

    Source: Gulrajani et al. 2017, Eq. 3.
    """
    norms = (squared_gradients(scores, inputs) * scale).sqrt()
    return (norms - 1).square()


def path_lengths(images: Tensor, ws: Tensor, directions: Tensor) -> Tensor:
    """Length of J_w^T y: how far images move with w in random directions y, `(N,)`.

    Args:
        images: Generated images, `(N, C, H, W)`.
        ws: The latents they were made from, `(N, L, D)`; summed over D, averaged over L.
        directions: Standard normal numbers shaped like `images`; scaled here by 1 / sqrt(H * W).

    With this scale and the mean over layers, the weight of appendix B, ln 2 / (r^2 (ln r - ln 2)),
    is 2 at every resolution r, where r = 2^k has 2k - 2 layers.

    Source: StyleGAN2, section 3.2, Eq. 4, and appendix B, Eq. 5.
    """
    scale = math.sqrt(images.shape[2] * images.shape[3])
    projected = (images * directions).sum() / scale
    (gradient,) = torch.autograd.grad(projected, ws, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


def path_penalty(lengths: Tensor, mean_length: Tensor) -> Tensor:
    """Squared difference between path lengths and their running mean a, `(N,)`."""
    return (lengths - mean_length).square()
