"""Frechet distance between Gaussians fitted to the features of two sets of images (FID)."""

import torch
from torch import Tensor

from stylesmith.metrics.moments import Moments


def frechet_distance(real: Moments, fake: Moments) -> float:
    """Frechet distance of two Gaussians (Heusel et al. 2017, Eq. 6); 0 when equal.

    Uses Tr (AB)^1/2 = Tr (A^1/2 B A^1/2)^1/2, which is symmetric, so no complex residue has to be
    dropped and a covariance without full rank needs no offset.

    Raises:
        DataError: If either has fewer than two rows.
    """
    a, b = real.covariance, fake.covariance.to(real.mean.device)
    root = matrix_sqrt(a)
    overlap = torch.linalg.eigvalsh(root @ b @ root).clamp(min=0).sqrt().sum()
    shift = (real.mean - fake.mean.to(real.mean.device)).square().sum()
    distance = shift + a.trace() + b.trace() - 2 * overlap
    return max(0.0, float(distance))  # rounding takes equal sets to about -1e-8 times the trace


def matrix_sqrt(matrix: Tensor) -> Tensor:
    """The symmetric root of a positive semi-definite matrix, `(D, D)`."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
