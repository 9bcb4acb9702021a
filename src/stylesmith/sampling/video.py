"""Videos: closed paths through Z, W or the noise, and the files that their frames are written to.

A path runs through keyframes at the times 0, 1, 2, ... and returns to the first. mp4 and webm are
written by PyAV, gif and webp by Pillow.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from stylesmith import files, latents
from stylesmith import images as pixels
from stylesmith.choices import PathInterpolation, check_choices
from stylesmith.devices import to_float64
from stylesmith.errors import UsageError
from stylesmith.networks.latent_codes import LatentCodes, SeedOrLatent
from stylesmith.networks.latent_functions import slerp_with_length
from stylesmith.networks.layer_indices import LayerIndices
from stylesmith.networks.sampling_pipeline import SamplingPipeline
from stylesmith.networks.synthesis import NoiseMaps
from stylesmith.sampling.editing import mix_styles
from stylesmith.sampling.stochastic_variation import check_has_noise


def slerp_loop(keyframes: Tensor, times: Tensor) -> Tensor:
    """Interpolate between keyframes along the sphere: `(K, D)` and `(T,)` -> `(T, D)`."""
    return slerp_with_length(*_path_segments(keyframes, times))


def lerp_loop(keyframes: Tensor, times: Tensor) -> Tensor:
    """Interpolate between keyframes in straight lines: `(K, ...)` and `(T,)` -> `(T, ...)`."""
    return torch.lerp(*_path_segments(keyframes, times))


def spline_loop(keyframes: Tensor, times: Tensor) -> Tensor:
    """Interpolate smoothly by a periodic cubic spline: `(K, ...)` and `(T,)` -> `(T, ...)`.

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
    flat = to_float64(keyframes).reshape(count, -1)
    eye = torch.eye(count, dtype=flat.dtype, device=flat.device)
    matrix = 4 * eye + eye.roll(1, dims=0) + eye.roll(-1, dims=0)
    slopes = torch.linalg.solve(matrix, 3 * (flat.roll(-1, dims=0) - flat.roll(1, dims=0)))
    return slopes.to(keyframes).reshape(keyframes.shape)


def _path_segments(keyframes: Tensor, times: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Both ends of the segment that each time lies in, and where between them."""
    count = len(keyframes)
    start = times.floor()
    index = start.long() % count
    t = (times - start).to(keyframes.dtype)
    t = t.reshape(-1, *[1] * (keyframes.ndim - 1)).to(keyframes.device)
    index = index.to(keyframes.device)
    return keyframes[index], keyframes[(index + 1) % count], t


LatentPath = Callable[[Tensor], LatentCodes]
"""A function from times `(T,)`, counted in keyframes, to the codes of T frames."""
NOISE_LOOP_KEYFRAMES = 4
"""Keyframes of a turn of noise: two noise maps and their negatives."""


@check_choices
def latent_path(
    pipeline: SamplingPipeline,
    sources: Sequence[SeedOrLatent],
    interpolation: PathInterpolation = "smooth",
) -> LatentPath:
    """A path through the latents of all sources and back to the first, whose noise all frames have.

    Raises:
        UsageError: If a file should be a keyframe in Z; it holds w alone.
    """
    noise = pipeline.codes(sources[:1]).noise
    styles = ws_path(pipeline, sources, interpolation)
    return lambda times: LatentCodes(styles(times), noise)


@check_choices
def mixing_path(
    pipeline: SamplingPipeline,
    base: SeedOrLatent,
    sources: Sequence[SeedOrLatent],
    layers: LayerIndices,
    interpolation: PathInterpolation = "smooth",
) -> LatentPath:
    """The styles of some layers go through all sources; all else stays as in `base`.

    Raises:
        UsageError: If no style belongs to `layers`, or a file should be a keyframe in Z.
    """
    codes = pipeline.codes([base])
    styles = ws_path(pipeline, sources, interpolation)
    mix_styles(codes, codes, layers, pipeline.config)  # complains early
    return lambda times: mix_styles(codes, LatentCodes(styles(times), []), layers, pipeline.config)


def noise_path(pipeline: SamplingPipeline, source: SeedOrLatent) -> LatentPath:
    """One latent under noise that turns: cos a + sin b stays normal noise at every time.

    The first frame has the noise that the settings choose, and b is the noise of another seed;
    layers without noise stay so.

    Raises:
        UsageError: If the network has no noise inputs.
    """
    check_has_noise(pipeline)
    codes = pipeline.codes([source])
    shapes = pipeline.config.noise_shapes
    z_dim, seed = pipeline.config.mapping.z_dim, 1 if source == 0 else 0
    others = [map_.to(pipeline.device) for map_ in latents.noise_from_seeds([seed], z_dim, shapes)]

    def at(times: Tensor) -> LatentCodes:
        angle = times.float().to(pipeline.device) * (2 * math.pi / NOISE_LOOP_KEYFRAMES)
        cos, sin = (part[:, None, None, None] for part in (angle.cos(), angle.sin()))
        noise: NoiseMaps = [
            None if own is None else cos * own + sin * other
            for own, other in zip(codes.noise, others, strict=True)
        ]
        return LatentCodes(codes.ws.expand(len(times), -1, -1), noise)

    return at


@check_choices
def ws_path(
    pipeline: SamplingPipeline, sources: Sequence[SeedOrLatent], interpolation: PathInterpolation
) -> Callable[[Tensor], Tensor]:
    """A function from times `(T,)` to truncated styles `(T, num_ws, D)`.

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
) -> Iterator[Tensor]:
    """Draw the frames of one loop, `(C, H, W)` each, on the CPU.

    Args:
        pipeline: The generator with its settings.
        paths: One for each cell of a grid.
        keyframes: Length of the loop.
        frames_per_keyframe: Frames from one keyframe to the next.
        columns: Of the grid; None makes it nearly square.
    """
    count = keyframes * frames_per_keyframe
    at_once = max(1, pipeline.batch_size // len(paths))
    for times in (torch.arange(count).double() / frames_per_keyframe).split(at_once):
        images = [pipeline.draw(path(times)).cpu() for path in paths]
        for tiles in zip(*images, strict=True):
            yield pixels.make_grid(torch.stack(tiles), columns=columns)


VIDEO_CODECS: dict[str, tuple[str, dict[str, str]]] = {
    ".mp4": ("libx264", {"crf": "16", "preset": "medium"}),
    ".webm": ("libvpx-vp9", {"crf": "24", "b": "0", "row-mt": "1"}),
}
"""Codec and its options; a lower crf is a better image."""
PILLOW_OPTIONS: dict[str, dict[str, Any]] = {
    ".gif": {"disposal": 1},
    ".webp": {"quality": 90, "method": 4},
}
MIN_VIDEO_HEIGHT = 256
"""Smallest height of a video in pixels."""
MAX_FRAME_BYTES = 2 << 30
"""Largest size of the frames that Pillow keeps in memory, in bytes."""


def check_video_path(path: Path) -> None:
    """Refuse a file that cannot be written, before any frame is drawn.

    Raises:
        UsageError: If the suffix is of no video, or what it needs is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in VIDEO_CODECS | PILLOW_OPTIONS:
        raise UsageError(f"--out {path}: wanted a .mp4, .webm, .gif or .webp video")
    if suffix in VIDEO_CODECS and find_spec("av") is None:
        install = 'pip install "stylesmith[video]"'
        raise UsageError(f"--out {path}: needs PyAV: {install}. .gif and .webp work without.")


def write_video(path: Path, frames: Iterable[Tensor], *, fps: int) -> None:
    """Write frames `(C, H, W)`, -1..1, as a video that repeats where the format can say so.

    Raises:
        UsageError: If the suffix is of no video, what it needs is not installed, or a gif or webp
            would take too much memory.
        OutputError: If the file cannot be written.
    """
    check_video_path(path)
    write = _write_av if path.suffix.lower() in VIDEO_CODECS else _write_pillow
    images = (enlarge_frame(pixels.to_pil_image(frame)) for frame in frames)
    files.write_atomically(path, lambda temporary: write(temporary, images, fps))


def enlarge_frame(image: Image.Image) -> Image.Image:
    """RGB, at least 256 rows, of even height and width as video codecs want them."""
    factor = math.ceil(MIN_VIDEO_HEIGHT / image.height)
    if factor % 2 and (image.height % 2 or image.width % 2):
        factor += 1
    size = image.width * factor, image.height * factor
    return image.convert("RGB").resize(size, Image.Resampling.NEAREST)


def _write_av(path: Path, images: Iterator[Image.Image], fps: int) -> None:
    import av

    codec, options = VIDEO_CODECS[path.suffix.lower()]
    first = next(images)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps), options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = first.size
        stream.pix_fmt = "yuv420p"
        for image in chain([first], images):
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _write_pillow(path: Path, images: Iterator[Image.Image], fps: int) -> None:
    kept: list[Image.Image] = []
    for image in images:
        kept.append(image)
        if len(kept) * 3 * image.width * image.height > MAX_FRAME_BYTES:
            raise UsageError(
                f"{path.suffix} keeps all frames in memory, and {len(kept)} of them take more than "
                "2 GB: write .mp4 or .webm, or draw fewer frames"
            )
    kept[0].save(
        path,
        save_all=True,
        append_images=kept[1:],
        duration=_frame_milliseconds(path, fps),
        loop=0,
        **PILLOW_OPTIONS[path.suffix.lower()],
    )


def _frame_milliseconds(path: Path, fps: int) -> int:
    """Milliseconds of a frame; gif counts in hundredths, and viewers slow down below two."""
    if path.suffix.lower() == ".gif":
        return max(2, round(100 / fps)) * 10
    return round(1000 / fps)
