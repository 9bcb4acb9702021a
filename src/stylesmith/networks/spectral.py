"""Spectral normalization (Miyato et al. 2018; StyleGAN2, appendix E)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SpectralNorm(nn.Module):
    """Divides a weight by its largest singular value, which power iteration follows as it learns.

    Every training forward takes one step of the iteration; without gradient or in evaluation mode
    nothing moves. The value itself is differentiated, the singular vectors are not.
    """

    u: Tensor

    def __init__(self, out_features: int):
        super().__init__()
        self.register_buffer("u", F.normalize(torch.randn(out_features), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """`(O, ...)`, as one matrix of O rows, divided by its largest singular value."""
        matrix = weight.movedim(1, -1).flatten(1)  # of kernels in channels last this is a view
        moving = self.training and torch.is_grad_enabled()
        with torch.no_grad():
            v = F.normalize(matrix.t().mv(self.u), dim=0)
            u = self.u.clone()  # the graph keeps it, and the buffer may move before the backward
            if moving:
                u = F.normalize(matrix.mv(v), dim=0)
                self.u.copy_(u)
        return weight / u.dot(matrix.mv(v))
