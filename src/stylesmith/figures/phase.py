"""Phase artifacts: details that stay in place while what they belong to moves.

Source: StyleGAN2, section 4, Figure 6.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.figures.activations import reduce_to_tile
from stylesmith.figures.by_level import Curve, level_chart
from stylesmith.figures.drawing import COLORS, Drawing, Pictures
from stylesmith.figures.subject import Progress, Subject
from stylesmith.sampling import Codes, NoiseChoice, Painter, Source
from stylesmith.sampling.layers import named_layers, style_rows

SEEDS = (0, 1)
COUNT = 65
"""Frames of the path."""
SHOWN = 9
"""Frames in a row."""
FRAME = 128
"""Pixels that each side of a frame has at least on the page."""


def phase_artifacts(subject: Subject, on_progress: Progress) -> Drawing:
    """Figure 6: frames along a path, a slice of all frames, and how much details stay put.

    Raises:
        UsageError: If the user chose other than two ends, or too few frames.
    """
    rows, slices, curves, places = [], [], [], []
    subjects = subject.compared_inputs()
    for number, one in enumerate(subjects, 1):
        frames = _frames(one)
        row, column = stuck_place(frames)
        curves.append((one.name, _staying_curve(one, frames)))
        shown, over_time = _panels(frames, row, column, one.name)
        rows.append([shown])
        slices.append(over_time)
        places.append(f"{one.name}: row {row}, column {column}")
        on_progress(number, len(subjects))
    chart = level_chart(
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
        f"The line marks where the finest details stay most ({'; '.join(places)}). The chart has, "
        "for what each resolution adds to the one below, the energy of its mean over all frames as "
        "a share of its mean energy: 1 if details stay where they are, 0 if they move through all "
        "of their phases."
    )
    return Drawing(caption, [*rows, [*slices, chart]])


def moved_path(painter: Painter, ends: list[Source], count: int) -> Codes:
    """Codes that go from the first source to the coarse styles of the second."""
    first, second = painter.codes(ends).ws
    rows = style_rows(named_layers(painter.config)["coarse"], painter.config)
    ws = first.repeat(count, 1, 1)
    times = torch.linspace(0, 1, count, device=ws.device)[:, None, None]
    ws[:, rows] = torch.lerp(first[rows], second[rows], times)
    return Codes(ws, [None] * len(painter.config.noise_shapes))


def details(images: Tensor, levels: int) -> list[Tensor]:
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


def staying_shares(frames: Tensor, levels: int) -> list[float]:
    """How much of each level's details `(T, C, H, W)` stays put, from the second level up.

    The energy of the mean over time, as a share of the mean energy: 1 where nothing moves, 0 where
    a pattern moves through all of its phases alike, 1/T where frames have nothing in common.
    """
    shares = []
    for band in details(frames[:, :3].double(), levels):
        energy = band.square().sum() / len(band)
        shares.append(float(band.mean(dim=0).square().sum() / energy) if energy > 0 else 1.0)
    return shares


def stuck_place(frames: Tensor) -> tuple[int, int]:
    """Row and column where the mean of the finest details is strongest over 3x3 pixels."""
    (finest,) = details(frames[:, :3], 2)
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
    down, across = (-(-FRAME // side) for side in images.shape[-2:])
    large = images.repeat_interleave(down, dim=2).repeat_interleave(across, dim=3)
    color = [int(COLORS[0][i : i + 2], 16) / 127.5 - 1 for i in (1, 3, 5)]
    middle = column * across + across // 2
    large[:, :3, :, middle] = torch.tensor(color)[:, None]
    return large


def _frames(subject: Subject) -> Tensor:
    painter = subject.pipeline(noise=NoiseChoice("none"))
    ends = subject.exact_sources(painter, SEEDS)
    count = subject.options.count or COUNT
    if count < 2:
        raise UsageError(f"--count {count}: wanted at least two frames")
    path = moved_path(painter, ends, count)
    parts = [painter.draw(path[start : start + 16]) for start in range(0, count, 16)]
    return torch.cat([part.cpu() for part in parts])


def _panels(frames: Tensor, row: int, column: int, name: str) -> tuple[Pictures, Pictures]:
    """Some frames in a row, and the slice of all of them."""
    small = reduce_to_tile(frames)
    factor = frames.shape[-1] // small.shape[-1]
    column = column // factor
    chosen = torch.linspace(0, len(small) - 1, min(SHOWN, len(small))).round().long()
    over_time = mark_column(slice_over_time(small, row // factor)[None], column)
    return (
        Pictures(mark_column(small[chosen], column)[None], title=name, zoom=1),
        Pictures(over_time[None], title=f"row {row}", zoom=1),
    )


def _staying_curve(subject: Subject, frames: Tensor) -> Curve:
    config = subject.generator.config
    growth = subject.generator.growth
    levels = config.levels if growth is None else growth.level + 1
    names = [f"{width}x{height}" for height, width in map(config.size, range(1, levels))]
    return dict(zip(names, staying_shares(frames, levels), strict=True))
