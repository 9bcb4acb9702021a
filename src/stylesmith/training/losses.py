"""Losses and penalties as arithmetic on scores, images and latents."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def generator_logistic(fake_scores: Tensor) -> Tensor:
    """Non-saturating loss of the generator, `(N,)` (Goodfellow et al. 2014)."""
    return F.softplus(-fake_scores)


def discriminator_logistic(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Logistic loss of the discriminator, `(N,)`; 2 ln 2 where it cannot tell."""
    return F.softplus(-real_scores) + F.softplus(fake_scores)


def r1_penalty(scores: Tensor, reals: Tensor) -> Tensor:
    """Squared gradient norm of the critic at real images, `(N,)`; weighted by gamma / 2.

    Source: Mescheder et al. 2018, Eq. 9.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), reals, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3))


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


def path_penalty(lengths: Tensor, target: Tensor) -> Tensor:
    """Squared difference between path lengths and their running mean a, `(N,)`."""
    return (lengths - target).square()
