"""Bilinear sampling of images at given positions, differentiable by the images to any order."""

from typing import Any

import torch
from torch import Tensor

BILINEAR, ZEROS, ALIGN_CORNERS = 0, 0, True
"""Arguments of torch's sampler, by number."""


def sample_bilinear(x: Tensor, positions: Tensor) -> Tensor:
    """Sample images at positions in pixels; beyond the border there is 0.

    Args:
        x: Images, `(N, C, H, W)`.
        positions: x and y of each sample, `(N, R, S, 2)`: 0 is the center of the first pixel, and
            `W - 1` or `H - 1` of the last. No gradient flows to them.

    Returns:
        `(N, C, R, S)`.
    """
    height, width = x.shape[2:]
    scale = 2 / max(width - 1, 1), 2 / max(height - 1, 1)
    grid = torch.stack([positions[..., axis] * scale[axis] - 1 for axis in (0, 1)], dim=-1)
    return _sample(x.contiguous(), grid)


@torch.library.custom_op("stylesmith::sample_bilinear", mutates_args=())
def _sample(x: Tensor, grid: Tensor) -> Tensor:
    """The sampler of torch, of which not every release has second derivatives."""
    return torch.grid_sampler_2d(x, grid, BILINEAR, ZEROS, ALIGN_CORNERS)


@torch.library.custom_op("stylesmith::spread_bilinear", mutates_args=())
def _spread(gradient: Tensor, grid: Tensor, height: int, width: int) -> Tensor:
    """The adjoint of sampling, `(N, C, R, S)` to `(N, C, H, W)`."""
    n, channels = gradient.shape[:2]
    shape_only = gradient.new_zeros(()).expand(n, channels, height, width)
    spread, _ = torch.ops.aten.grid_sampler_2d_backward(
        gradient, shape_only, grid, BILINEAR, ZEROS, ALIGN_CORNERS, [True, False]
    )
    return spread


@_sample.register_fake
def _(x: Tensor, grid: Tensor) -> Tensor:
    return x.new_empty((*x.shape[:2], *grid.shape[1:3]))


@_spread.register_fake
def _(gradient: Tensor, grid: Tensor, height: int, width: int) -> Tensor:
    return gradient.new_empty((*gradient.shape[:2], height, width))


def _keep_grid(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(inputs[1])
    ctx.size = inputs[0].shape[2:]


def _sample_gradient(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
    (grid,) = ctx.saved_tensors
    return _spread(gradient.contiguous(), grid, *ctx.size), None


def _spread_gradient(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
    (grid,) = ctx.saved_tensors
    return _sample(gradient.contiguous(), grid), None, None, None


_sample.register_autograd(_sample_gradient, setup_context=_keep_grid)
_spread.register_autograd(_spread_gradient, setup_context=_keep_grid)
