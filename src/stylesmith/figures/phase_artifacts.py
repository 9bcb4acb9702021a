"""Phase artifacts: details that stay in place while the object they belong to moves.

Source: StyleGAN2, section 4, Figure 6.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.callbacks import ProgressCallback
from stylesmith.devices import to_float64
from stylesmith.errors import UsageError
from stylesmith.figures.activations import downsample_to_tile
from stylesmith.figures.figure_input import FigureInput, draw_images, paper_figure
from stylesmith.figures.panels import (
    OKABE_ITO_COLORS,
    FigureLayout,
    ImagePanel,
    ResolutionCurve,
    resolution_chart,
)
from stylesmith.formatting import format_image_size
from stylesmith.networks.layer_indices import ws_rows
from stylesmith.sampling import LatentCodes, NoiseSettings, SamplingPipeline, SeedOrLatent

DEFAULT_END_SEEDS = (0, 1)
DEFAULT_FRAMES = 65
"""Frames of the path."""
SHOWN_FRAMES = 9
"""Frames in a row."""
MIN_FRAME_SIDE = 128
"""Pixels that each side of a frame has at least on the page."""


@paper_figure(
    "stylegan2-6",
    "Phase artifacts: details that stay while the pose moves",
    "seeds label psi count other",
    "any model; --other without progressive growing",
)
def phase_artifacts(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 6: frames along a path, a slice of all frames, and how much details stay put.

    Raises:
        UsageError: If the user chose other than two ends, or too few frames.
    """
    rows, slices, curves, pixels = [], [], [], []
    models = model.compared_inputs()
    for number, one in enumerate(models, 1):
        frames = _draw_frames(one)
        row, column = most_static_pixel(frames)
        curves.append((one.name, _static_energy_curve(one, frames)))
        shown, over_time = _frame_panels(frames, row, column, one.name)
        rows.append([shown])
        slices.append(over_time)
        pixels.append(f"{one.name}: row {row}, column {column}")
        on_progress(number, len(models))
    chart = resolution_chart(
        curves,
        "share of details that stay",
        resolution_of="image",
        title="Which details stay put?",
        y_limits=(0, 1),
    )
    caption = (
        "StyleGAN2, Figure 6. Do details follow the pose, or do they stay aligned to the camera? "
        f"On {len(frames)} frames the coarse styles go from source A to source B in a straight "
        "line in W; the other styles are those of source A, and noise is off. Where a network has "
        "one w, all of it goes. Below the frames: one row of pixels over the path, time downwards. "
        f"The line marks where the finest details stay most ({'; '.join(pixels)}). The chart has, "
        "for what each resolution adds to the one below, the energy of its mean over all frames as "
        "a share of its mean energy: 1 if details stay where they are, 0 if they move through all "
        "of their phases."
    )
    return FigureLayout(caption, [*rows, [*slices, chart]])


def coarse_style_path(
    pipeline: SamplingPipeline, ends: list[SeedOrLatent], count: int
) -> LatentCodes:
    """Codes that go from the first source to the coarse styles of the second."""
    first, second = pipeline.codes(ends).ws
    rows = ws_rows(pipeline.config.layer_groups()["coarse"], pipeline.config)
    ws = first.repeat(count, 1, 1)
    times = torch.linspace(0, 1, count, device=ws.device)[:, None, None]
    ws[:, rows] = torch.lerp(first[rows], second[rows], times)
    return LatentCodes(ws, [None] * len(pipeline.config.noise_shapes))


def detail_bands(images: Tensor, levels: int) -> list[Tensor]:
    """What each level adds to the one below, from the lowest: `levels - 1` of `(T, C, h, w)`.

    Levels of an image are its means over 2x2 pixels; a level's details sum to zero in each such
    block, so the energy of all levels is that of the image.
    """
    found = []
    for _ in range(levels - 1):
        lower = F.avg_pool2d(images, 2)
        found.append(images - F.interpolate(lower, scale_factor=2, mode="nearest"))
        images = lower
    return found[::-1]


def static_energy_fractions(frames: Tensor, levels: int) -> list[float]:
    """How much of each level's details `(T, C, H, W)` stays put, from the second level up.

    The energy of the mean over time, as a share of the mean energy: 1 where nothing moves, 0 where
    a pattern moves through all of its phases alike, 1/T where frames have nothing in common.
    """
    shares = []
    for band in detail_bands(to_float64(frames[:, :3]), levels):
        energy = band.square().sum() / len(band)
        shares.append(float(band.mean(dim=0).square().sum() / energy) if energy > 0 else 1.0)
    return shares


def most_static_pixel(frames: Tensor) -> tuple[int, int]:
    """Row and column where the mean of the finest details is strongest over 3x3 pixels."""
    (finest,) = detail_bands(frames[:, :3], 2)
    energy = finest.mean(dim=0).square().sum(dim=0, keepdim=True)
    energy = F.avg_pool2d(energy[None], 3, stride=1, padding=1)[0, 0]
    row, column = divmod(int(energy.argmax()), energy.shape[1])
    return row, column


def slice_over_time(frames: Tensor, row: int) -> Tensor:
    """One row of pixels of all frames `(T, C, H, W)`, one below the other: `(C, T, W)`."""
    return frames[:, :, row].transpose(0, 1)


def mark_column(images: Tensor, column: int) -> Tensor:
    """Images `(N, C, H, W)` in color, with a line through the middle of a column.

    They are enlarged to at least 128 pixels in each direction.
    """
    if images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1)
    down, across = (-(-MIN_FRAME_SIDE // side) for side in images.shape[-2:])
    large = images.repeat_interleave(down, dim=2).repeat_interleave(across, dim=3)
    color = [int(OKABE_ITO_COLORS[0][i : i + 2], 16) / 127.5 - 1 for i in (1, 3, 5)]
    middle = column * across + across // 2
    large[:, :3, :, middle] = torch.tensor(color)[:, None]
    return large


def _draw_frames(model: FigureInput) -> Tensor:
    pipeline = model.pipeline(noise=NoiseSettings("none"))
    ends = model.exact_sources(pipeline, DEFAULT_END_SEEDS)
    count = model.count(DEFAULT_FRAMES)
    if count < 2:
        raise UsageError(f"--count {count}: wanted at least two frames")
    return draw_images(pipeline, coarse_style_path(pipeline, ends, count))


def _frame_panels(
    frames: Tensor, row: int, column: int, name: str
) -> tuple[ImagePanel, ImagePanel]:
    """Some frames in a row, and the slice of all of them."""
    small = downsample_to_tile(frames)
    factor = frames.shape[-1] // small.shape[-1]
    column = column // factor
    chosen = torch.linspace(0, len(small) - 1, min(SHOWN_FRAMES, len(small))).round().long()
    over_time = mark_column(slice_over_time(small, row // factor)[None], column)
    return (
        ImagePanel(mark_column(small[chosen], column)[None], title=name, zoom=1),
        ImagePanel(over_time[None], title=f"row {row}", zoom=1),
    )


def _static_energy_curve(model: FigureInput, frames: Tensor) -> ResolutionCurve:
    levels = model.levels_in_use
    names = [format_image_size(model.generator.config.size(level)) for level in range(1, levels)]
    return dict(zip(names, static_energy_fractions(frames, levels), strict=True))
