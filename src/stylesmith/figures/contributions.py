"""What each resolution adds to the image of a skip generator (StyleGAN2, section 4.2, Figure 8)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from stylesmith.figures.activations import capture_outputs, synthesis_blocks
from stylesmith.figures.by_level import resolution_chart_width
from stylesmith.figures.drawing import ChartPanel, FigureLayout
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.models import RunFolder, load
from stylesmith.networks import Generator
from stylesmith.networks.style_blocks import SkipBlock
from stylesmith.sampling import sample_w

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_W_SAMPLES = 1024
"""Random samples of w, as published."""
MAX_SNAPSHOTS = 16
"""Most snapshots of a run that are measured."""
W_BATCH_SIZE = 16


def contributions_over_training(
    subject: FigureInput, on_progress: ProgressCallback
) -> FigureLayout:
    """Figure 8: shares of the resolutions over the images seen; a bar chart of a single model.

    Raises:
        ModelError: If the network's image is no sum over resolutions.
    """
    config = subject.generator.config
    if config.connection != "skip":
        raise subject.missing_error(
            "a toRGB of each resolution whose images are summed",
            "skip generators have them (generator.connection=skip: stylegan2-e, stylegan2-f)",
        )
    count = subject.options.count or DEFAULT_W_SAMPLES
    history = evenly_spaced(RunFolder(subject.path).snapshots()[::-1], MAX_SNAPSHOTS)
    names = [f"{width}x{height}" for height, width in map(config.size, range(config.levels))]
    what = (
        f"StyleGAN2, Figure 8. Contribution of each resolution to the output of {subject.name}: "
        "relative standard deviations of the pixel values that each tRGB layer adds, measured "
        f"before upsampling, over {count} random w"
    )
    if len(history) < 2:
        shares = _measure_contributions(subject, subject.generator, count)
        on_progress(1, 1)
        width = resolution_chart_width(len(names))
        return FigureLayout(
            f"{what}.", [[ChartPanel(lambda axes: _plot_bars(axes, names, shares), width=width)]]
        )
    rows = []
    for number, path in enumerate(history, 1):
        rows.append(_measure_contributions(subject, load(path, device=subject.device.type), count))
        on_progress(number, len(history))
    images_seen = [int(path.stem) for path in history]
    caption = f"{what}, at {len(history)} snapshots of the run."
    chart = ChartPanel(
        lambda axes: _plot_areas(axes, names, images_seen, torch.stack(rows)), width=640
    )
    return FigureLayout(caption, [[chart]])


@torch.no_grad()
def torgb_contributions(generator: Generator, w: Tensor) -> Tensor:
    """Shares of the resolutions in the image of a skip generator, which sum to 1: `(levels,)`.

    A share is the standard deviation of all pixel values that a toRGB gives for `w` `(N, D)`, about
    the mean of each color channel: its bias, which makes no picture, has no part in it.
    """
    blocks = synthesis_blocks(generator)
    layers = [block.to_rgb for block in blocks if isinstance(block, SkipBlock)]
    numbers = torch.zeros(len(layers), dtype=torch.float64)
    sums = torch.zeros(2, len(layers), generator.config.image_channels, dtype=torch.float64)
    for part in w.split(W_BATCH_SIZE):
        with capture_outputs(layers) as images:
            generator.draw(generator.broadcast(part))
        for level, image in enumerate(images):
            pixels = image.cpu().double().transpose(0, 1).flatten(1)  # (channels, pixels)
            numbers[level] += pixels.shape[1]
            sums[0, level] += pixels.sum(dim=1)
            sums[1, level] += pixels.square().sum(dim=1)
    means, squares = sums / numbers[:, None]
    deviations = (squares - means.square()).clamp(min=0).mean(dim=1).sqrt()
    return deviations / deviations.sum()


def evenly_spaced(paths: Sequence[Path], max_count: int) -> list[Path]:
    """At most so many of them, evenly spaced, with the first and the last."""
    if len(paths) <= max_count:
        return list(paths)
    return [paths[round(i * (len(paths) - 1) / (max_count - 1))] for i in range(max_count)]


def _measure_contributions(subject: FigureInput, generator: Generator, count: int) -> Tensor:
    number = subject.options.label
    label = None if number is None else generator.label_row(number)
    return torgb_contributions(generator, sample_w(generator, label, count=count))


def _plot_bars(axes: "Axes", names: list[str], shares: Tensor) -> None:
    bars = axes.bar(names, (100 * shares).tolist())
    axes.bar_label(bars, fmt="%.1f%%")
    axes.set(xlabel="resolution of tRGB", ylabel="contribution (%)")


def _plot_areas(axes: "Axes", names: list[str], images_seen: list[int], shares: Tensor) -> None:
    import matplotlib

    colors = matplotlib.colormaps["cividis"](torch.linspace(0, 1, len(names)).numpy())
    thousands = [images / 1000 for images in images_seen]
    axes.stackplot(thousands, (100 * shares.T).numpy(), labels=names, colors=colors)
    axes.set(xlim=(thousands[0], thousands[-1]), ylim=(0, 100), ylabel="contribution (%)")
    axes.set_xlabel("thousands of training images shown to the discriminator")
    place = axes.get_position()
    axes.set_position((place.x0, place.y0, place.width * 0.82, place.height))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True, frameon=False)
