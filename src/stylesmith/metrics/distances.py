"""Distances between all rows of two tables, block by block, in bounded memory.

50,000 x 50,000 distances would take 10 GB at once; a block takes 128 MB.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK_ROWS = 4096
BLOCK_COLUMNS = 8192

DistanceBlock = tuple[slice, slice, Tensor]
"""Rows of the first table, rows of the second, and their squared distances."""


def distance_blocks(
    a: Tensor, b: Tensor, *, rows: int = BLOCK_ROWS, columns: int = BLOCK_COLUMNS
) -> Iterator[DistanceBlock]:
    """Squared Euclidean distances of `(N, D)` and `(M, D)`, block after block of rows.

    Computed as |x|^2 - 2 x.y + |y|^2 around the mean of `b`, in the tables' number format. What
    is below the rounding error of that is 0, so that equal rows have the distance 0.
    """
    center = b.mean(dim=0)
    for i in range(0, len(a), rows):
        x = a[i : i + rows] - center
        x_norms = x.square().sum(dim=1, keepdim=True)
        for j in range(0, len(b), columns):
            y = b[j : j + columns] - center
            norms = x_norms + y.square().sum(dim=1)
            squared = torch.addmm(norms, x, y.T, alpha=-2)
            noise = norms.mul_(8 * torch.finfo(a.dtype).eps)
            squared.masked_fill_(squared < noise, 0)
            yield slice(i, i + len(x)), slice(j, j + len(y)), squared


def knn_radii(
    table: Tensor, k: int, *, rows: int = BLOCK_ROWS, columns: int = BLOCK_COLUMNS
) -> Tensor:
    """Squared distance of each row of `(N, D)` to its k-th nearest other row, `(N,)`."""
    best = torch.full((len(table), k), torch.inf, dtype=table.dtype, device=table.device)
    for i, j, squared in distance_blocks(table, table, rows=rows, columns=columns):
        offset = i.start - j.start
        if -len(squared) < offset < squared.shape[1]:
            squared.diagonal(offset).fill_(torch.inf)
        best[i] = merge_k_smallest(best[i], squared)[0]
    return best[:, -1]


def merge_k_smallest(best: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
    """The k least of each row of both, where `best` has k columns, ascending; and their places.

    Places below k are columns of `best`, those from k on columns of `found`.
    """
    k = best.shape[1]
    values, columns = found.topk(min(k, found.shape[1]), largest=False)
    columns = torch.cat([torch.arange(k, device=found.device).expand_as(best), columns + k], dim=1)
    values, order = torch.cat([best, values], dim=1).topk(k, largest=False)
    return values, columns.gather(1, order)
