"""Functions on latents as tensors: truncation, style mixing, interpolation.

They serve training, metrics, sampling and export alike. z and w are `(N, D)`; `ws`, one w for each
layer, is `(N, num_ws, D)`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def broadcast(w: Tensor, num_ws: int) -> Tensor:
    """The same w for every layer: `(N, D)` -> `(N, num_ws, D)`, without a copy."""
    return w[:, None].expand(-1, num_ws, -1)


def truncate(w: Tensor, center: Tensor, psi: float | Tensor) -> Tensor:
    """Pull w towards a center, `center + psi * (w - center)` (StyleGAN, appendix B).

    Args:
        w: `(N, D)` or `(N, num_ws, D)`.
        center: A w, `(D,)`.
        psi: A number, or a tensor that broadcasts against w, such as `(num_ws, 1)`; 1 is off.
    """
    if isinstance(psi, float | int) and psi == 1:
        return w
    return torch.lerp(center.expand_as(w), w, psi)


def mix_styles(ws: Tensor, other: Tensor, taken: Tensor) -> Tensor:
    """Style mixing: take some layers from other latents (StyleGAN, section 3.1).

    Args:
        ws: `(N, num_ws, D)`.
        other: The second source, `(N or 1, num_ws, D)`.
        taken: Whether a layer takes the second source, bool, `(num_ws,)` or `(N, num_ws)`.
    """
    return torch.where(taken[..., None], other, ws)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Spherical interpolation of directions (StyleGAN, section 4.1, the path of Eq. 2).

    Args:
        a: Latents at time 0, `(..., D)`, of any length.
        b: Latents at time 1, `(..., D)`.
        t: Times, `(..., 1)`.

    Returns:
        Points of unit length on the great circle through both directions.
    """
    a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    cosine = (a * b).sum(dim=-1, keepdim=True)
    angle = t * torch.acos(cosine.clamp(-1, 1))
    across = F.normalize(b - cosine * a, dim=-1)
    return F.normalize(a * torch.cos(angle) + across * torch.sin(angle), dim=-1)


def slerp_with_length(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """`slerp` whose length goes straight from that of `a` to that of `b`.

    Between equal or opposite directions it is the straight line.
    """
    cosine = (F.normalize(a, dim=-1) * F.normalize(b, dim=-1)).sum(dim=-1, keepdim=True)
    length = torch.lerp(a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True), t)
    return torch.where(cosine.square() < 1 - 1e-10, slerp(a, b, t) * length, torch.lerp(a, b, t))
