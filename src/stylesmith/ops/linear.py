"""Matrix products whose rows do not depend on one another's number."""

import torch
import torch.nn.functional as F
from torch import Tensor

ROW_BLOCK = 16
"""Rows multiplied at once where no gradient is wanted."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias`, `(N, I)` and `(O, I)` -> `(N, O)`.

    Libraries choose their summation order by the number of rows, so a row's last bits depend on the
    batch; rounded to bf16 that becomes visible. When drawing (no gradient wanted), rows therefore
    go in blocks of one size, the last one padded: a seed gives its image at any batch size.
    """
    if torch.is_grad_enabled():
        return F.linear(x, weight, bias)
    n = len(x)
    padded = F.pad(x, (0, 0, 0, -n % ROW_BLOCK))
    return torch.cat([F.linear(block, weight, bias) for block in padded.split(ROW_BLOCK)])[:n]
