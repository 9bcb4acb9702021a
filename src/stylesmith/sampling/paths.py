"""Paths through latent spaces: along the sphere in Z, straight or smooth in W.

A path runs through keyframes at the times 0, 1, 2, ... and closes: behind the last keyframe it goes
back to the first.
"""

import torch
from torch import Tensor


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Spherical interpolation in Z (StyleGAN, section 4.1).

    Args:
        a: Latents at time 0, `(..., D)`.
        b: Latents at time 1, `(..., D)`.
        t: Times, `(..., 1)`.

    Returns:
        Latents whose direction turns at constant speed; their length goes straight from that of
        `a` to that of `b`. Between equal or opposite directions, the straight line.
    """
    lengths = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    start, end = a / lengths[0].clamp(min=1e-12), b / lengths[1].clamp(min=1e-12)
    cosine = (start * end).sum(dim=-1, keepdim=True).clamp(-1, 1)
    angle = cosine.acos()
    sine = angle.sin()
    turned = (((1 - t) * angle).sin() * start + (t * angle).sin() * end) / sine.clamp(min=1e-6)
    turned = turned * torch.lerp(*lengths, t)
    return torch.where(sine > 1e-5, turned, torch.lerp(a, b, t))


def slerp_loop(keyframes: Tensor, times: Tensor) -> Tensor:
    """From keyframe to keyframe along the sphere: `(K, D)` and `(T,)` -> `(T, D)`."""
    first, second, t = _path_segments(keyframes, times)
    return slerp(first, second, t)


def lerp_loop(keyframes: Tensor, times: Tensor) -> Tensor:
    """From keyframe to keyframe in straight lines: `(K, ...)` and `(T,)` -> `(T, ...)`."""
    first, second, t = _path_segments(keyframes, times)
    return torch.lerp(first, second, t)


def spline_loop(keyframes: Tensor, times: Tensor) -> Tensor:
    """The smooth way: a periodic cubic spline, `(K, ...)` and `(T,)` -> `(T, ...)`.

    Its first and second derivatives are continuous everywhere, also where the loop closes.
    """
    first, second, t = _path_segments(keyframes, times)
    slopes = _spline_slopes(keyframes)
    leaving, arriving, _ = _path_segments(slopes, times)
    t2, t3 = t**2, t**3  # cubic Hermite form
    return (
        (2 * t3 - 3 * t2 + 1) * first
        + (t3 - 2 * t2 + t) * leaving
        + (3 * t2 - 2 * t3) * second
        + (t3 - t2) * arriving
    )


def _spline_slopes(keyframes: Tensor) -> Tensor:
    """Derivatives at the keyframes that make second derivatives meet.

    They solve m[i-1] + 4 m[i] + m[i+1] = 3 (p[i+1] - p[i-1]), with indices around the loop.
    """
    count = len(keyframes)
    flat = keyframes.double().reshape(count, -1)
    eye = torch.eye(count, dtype=flat.dtype, device=flat.device)
    matrix = 4 * eye + eye.roll(1, dims=0) + eye.roll(-1, dims=0)
    slopes = torch.linalg.solve(matrix, 3 * (flat.roll(-1, dims=0) - flat.roll(1, dims=0)))
    return slopes.to(keyframes.dtype).reshape(keyframes.shape)


def _path_segments(keyframes: Tensor, times: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Both ends of the segment that each time lies in, and where between them."""
    count = len(keyframes)
    start = times.floor()
    index = start.long() % count
    t = (times - start).to(keyframes.dtype)
    t = t.reshape(-1, *[1] * (keyframes.ndim - 1)).to(keyframes.device)
    index = index.to(keyframes.device)
    return keyframes[index], keyframes[(index + 1) % count], t
