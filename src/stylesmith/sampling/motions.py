"""What moves in a video: the latent, some of its styles, or the noise; every motion is a loop."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor

from stylesmith import images as pixels
from stylesmith import latents
from stylesmith.errors import UsageError
from stylesmith.networks.synthesis import NoiseMaps
from stylesmith.sampling.codes import LatentCodes
from stylesmith.sampling.draw import DEFAULT_BATCH_SIZE
from stylesmith.sampling.layers import LayerIndices
from stylesmith.sampling.mix import mix_styles
from stylesmith.sampling.painter import SamplingPipeline
from stylesmith.sampling.paths import lerp_loop, slerp_loop, spline_loop
from stylesmith.sampling.sources import SeedOrLatent
from stylesmith.sampling.variation import check_has_noise

LatentPath = Callable[[Tensor], LatentCodes]
"""From times `(T,)`, counted in keyframes, to the codes of T frames."""
PathInterpolation = Literal["sphere", "straight", "smooth"]
"""How to go between keyframes: along the sphere in Z, in straight lines or smoothly in W."""
NOISE_LOOP_KEYFRAMES = 4
"""Keyframes of a turn of noise: two draws and their negatives."""


def latent_path(
    pipeline: SamplingPipeline,
    sources: Sequence[SeedOrLatent],
    interpolation: PathInterpolation = "smooth",
) -> LatentPath:
    """Through the latents of all sources and back to the first, whose noise all frames have.

    Raises:
        UsageError: If a file should be a keyframe in Z; it holds w alone.
    """
    noise = pipeline.codes(sources[:1]).noise
    styles = ws_path(pipeline, sources, interpolation)
    return lambda times: LatentCodes(styles(times), noise)


def mixing_path(
    pipeline: SamplingPipeline,
    base: SeedOrLatent,
    sources: Sequence[SeedOrLatent],
    layers: LayerIndices,
    interpolation: PathInterpolation = "smooth",
) -> LatentPath:
    """The styles of some layers walk through all sources; all else stays as in `base`.

    Raises:
        UsageError: If no style belongs to `layers`, or a file should be a keyframe in Z.
    """
    codes = pipeline.codes([base])
    styles = ws_path(pipeline, sources, interpolation)
    mix_styles(codes, codes, layers, pipeline.config)  # complains early
    return lambda times: mix_styles(codes, LatentCodes(styles(times), []), layers, pipeline.config)


def noise_path(pipeline: SamplingPipeline, source: SeedOrLatent) -> LatentPath:
    """One latent under noise that turns: cos a + sin b stays normal noise at every time.

    The first frame has the noise that the settings choose, and the other draw is that of another
    seed; layers without noise stay so.

    Raises:
        UsageError: If the network has no noise inputs.
    """
    check_has_noise(pipeline)
    codes = pipeline.codes([source])
    shapes = pipeline.config.noise_shapes
    others = latents.noise_from_seeds(
        [1 if source == 0 else 0], pipeline.config.mapping.z_dim, shapes
    )

    def at(times: Tensor) -> LatentCodes:
        angle = times.to(pipeline.device).float() * (2 * math.pi / NOISE_LOOP_KEYFRAMES)
        cos, sin = (part[:, None, None, None] for part in (angle.cos(), angle.sin()))
        noise: NoiseMaps = [
            None if own is None else cos * own + sin * other.to(pipeline.device)
            for own, other in zip(codes.noise, others, strict=True)
        ]
        return LatentCodes(codes.ws.expand(len(times), -1, -1), noise)

    return at


def ws_path(
    pipeline: SamplingPipeline, sources: Sequence[SeedOrLatent], interpolation: PathInterpolation
) -> Callable[[Tensor], Tensor]:
    """From times `(T,)` to truncated styles `(T, num_ws, D)`.

    Raises:
        UsageError: If a file should be a keyframe in Z; it holds w alone.
    """
    if interpolation != "sphere":
        keyframes = pipeline.codes(sources).ws
        loop = spline_loop if interpolation == "smooth" else lerp_loop
        return lambda times: loop(keyframes, times)
    seeds = [source for source in sources if isinstance(source, int)]
    files = [source.path for source in sources if not isinstance(source, int)]
    if files:
        raise UsageError(f"{files[0]}: holds w and no z; go straight or smoothly through files")
    z = latents.latents_from_seeds(seeds, pipeline.config.mapping.z_dim)
    return lambda times: pipeline.map_z(slerp_loop(z, times))


def render_frames(
    pipeline: SamplingPipeline,
    paths: Sequence[LatentPath],
    *,
    keyframes: int,
    frames_per_keyframe: int,
    columns: int | None = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
) -> Iterator[Tensor]:
    """Draw the frames of one loop, `(C, H, W)` each, on the CPU.

    Args:
        pipeline: The generator with its settings.
        paths: One motion for each place of a grid.
        keyframes: Length of the loop.
        frames_per_keyframe: Frames from one keyframe to the next.
        columns: Of the grid; None makes it nearly square.
        batch_size: Images drawn at once.
    """
    count = keyframes * frames_per_keyframe
    at_once = max(1, batch_size // len(paths))
    for start in range(0, count, at_once):
        numbers = torch.arange(start, min(start + at_once, count))
        times = numbers.double() / frames_per_keyframe
        images = [pipeline.draw(motion(times)).cpu() for motion in paths]
        for tiles in zip(*images, strict=True):
            yield pixels.make_grid(torch.stack(tiles), columns=columns)
