"""The Jacobian of a function of one vector, exact, and its singular values."""

from collections.abc import Callable

import torch
from torch import Tensor

BatchFunction = Callable[[Tensor], Tensor]
"""Vectors `(N, D)` to values `(N, ...)`, each row by itself."""

QR_BLOCK_ROWS = 1 << 16
"""Rows of a Jacobian that are factored at once."""


def jacobian(function: BatchFunction, point: Tensor, *, batch_size: int = 32) -> Tensor:
    """All derivatives of the values by the coordinates of `point` `(D,)`: `(M, D)`, on the CPU.

    Images have many more values than latents have coordinates, so columns are computed, not rows:
    D directions are pushed forward, `batch_size` of them at once. No differences are taken, so it
    is exact to rounding.
    """
    directions = torch.eye(len(point), dtype=point.dtype, device=point.device)
    columns = [
        jacobian_vector_products(function, point.expand(len(some), -1), some).cpu()
        for some in directions.split(batch_size)
    ]
    return torch.cat(columns).T


def jacobian_vector_products(function: BatchFunction, points: Tensor, directions: Tensor) -> Tensor:
    """Jacobian-vector products of rows: points and directions `(N, D)` -> `(N, M)`.

    The pull-back u -> J^T u is linear, and its derivative along a direction v is J v. Two
    backward passes so do what a forward-mode pass would, and need nothing of the network that
    path length regularization doesn't need too.
    """
    points = points.detach().clone().requires_grad_()
    with torch.enable_grad():
        values = function(points).flatten(1)
        cotangents = torch.zeros_like(values, requires_grad=True)
        (pulled,) = torch.autograd.grad(values, points, cotangents, create_graph=True)
        (pushed,) = torch.autograd.grad(pulled, cotangents, directions)
    return pushed


def singular_values(matrix: Tensor) -> Tensor:
    """Of `(M, D)` with M >= D, the largest first, `(D,)` float64.

    Rows are first folded into a triangle `(D, D)`, block by block, which keeps singular values and
    spares a float64 copy of the whole.
    """
    triangle = matrix[:0].double()
    for block in matrix.split(QR_BLOCK_ROWS):
        triangle = torch.linalg.qr(torch.cat([triangle, block.double()]), mode="r").R
    return torch.linalg.svdvals(triangle)
