"""Pictures that nobody chose, and those that somebody did.

StyleGAN, Figures 2 and 10 to 12; StyleGAN2, Figures 11 and 12.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.figures.drawing import FigureLayout, ImagePanel
from stylesmith.figures.sheets import (
    arrange_in_rows,
    columns_of_falling_size,
    count_falling_size_images,
    draw_images,
)
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.figures.words import describe_sources, describe_style_layers
from stylesmith.sampling import LatentCodes, SamplingPipeline
from stylesmith.sampling.draw import DEFAULT_BATCH_SIZE
from stylesmith.sampling.layers import count_layers

TRUNCATED_LAYERS = 8
"""First layers that are truncated, up to 32x32; finer ones only have details to lose."""
UNCURATED_PSI = 0.7
HAND_PICKED_SEEDS = (66, 230, 389, 1518)
RANDOM_SAMPLE_SEEDS = range(6600, 6626)


@dataclass(frozen=True)
class UncuratedSamples:
    """Columns of images in falling size (StyleGAN, Figures 2, 10, 11 and 12)."""

    figure_number: int
    """Of the figure."""
    data: str
    """What the published network had learned."""
    rows: int
    lods: Sequence[int]
    """One per column; its images have 1 / 2**lod of the full side."""
    seed: int

    def __call__(self, subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
        """Draw as many latents of one random stream as there are places."""
        layers = tuple(range(min(TRUNCATED_LAYERS, count_layers(subject.generator.config))))
        painter = subject.pipeline(psi=UNCURATED_PSI, psi_layers=layers)
        seed = stream_seed(subject.options.seeds, self.seed)
        count = count_falling_size_images(self.rows, self.lods)
        z = stream_latents(seed, count, painter.config.mapping.z_dim)
        picture = columns_of_falling_size(
            draw_from_z(painter, z, on_progress), self.rows, self.lods
        )
        caption = (
            f"StyleGAN, Figure {self.figure_number} (there {self.data}). Uncurated set of {count} images "
            f"drawn by {subject.name} from random latents (stream of seed {seed}), with psi = "
            f"{painter.settings.psi:g} for the {describe_style_layers(layers, painter.config)}."
        )
        return FigureLayout(caption, [[ImagePanel(picture[None, None], zoom=1)]])


UNCURATED_FFHQ = UncuratedSamples(2, "FFHQ", 3, (0, 1, 2, 2, 3, 3), 5)
UNCURATED_BEDROOM = UncuratedSamples(10, "LSUN Bedroom", 5, (0, 0, 1, 1, 2, 2, 2), 0)
UNCURATED_CAR = UncuratedSamples(11, "LSUN Car", 4, (0, 1, 2, 2, 3, 3), 2)
UNCURATED_CAT = UncuratedSamples(12, "LSUN Cat", 5, (0, 0, 1, 1, 2, 2, 2), 1)


def hand_picked_samples(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """StyleGAN2, Figure 11: seeds that someone chose, without truncation."""
    painter = subject.pipeline()
    sources = subject.sources(painter, HAND_PICKED_SEEDS)
    published = "" if subject.options.seeds else ", which were picked for the published network"
    caption = (
        f"StyleGAN2, Figure 11. Hand-picked examples, for {subject.name}: "
        f"{describe_sources(sources)}{published}; psi = {painter.settings.psi:g}."
    )
    return FigureLayout(
        caption, [[ImagePanel(arrange_in_rows(draw_images(painter, sources, on_progress)))]]
    )


def random_samples(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """StyleGAN2, Figure 12: random outputs with truncation at all resolutions."""
    painter = subject.pipeline(psi=0.5)
    sources = subject.sources(painter, RANDOM_SAMPLE_SEEDS)
    caption = (
        f"StyleGAN2, Figure 12. Uncurated results of {subject.name}: random outputs "
        f"({describe_sources(sources)}) with truncation applied at all resolutions using psi = "
        f"{painter.settings.psi:g}."
    )
    return FigureLayout(
        caption, [[ImagePanel(arrange_in_rows(draw_images(painter, sources, on_progress)))]]
    )


def stream_seed(chosen: Sequence[int | Path] | None, default: int) -> int:
    """The seed of a whole sheet.

    Raises:
        UsageError: If the user named several, or a file.
    """
    if not chosen:
        return default
    if len(chosen) > 1 or not isinstance(chosen[0], int):
        raise UsageError("--seeds: this figure takes one seed, of the stream of all its latents")
    return chosen[0]


def stream_latents(seed: int, count: int, z_dim: int) -> Tensor:
    """Latents `(count, z_dim)` of one stream, the first of which is that of the seed itself."""
    numbers = np.random.RandomState(seed).randn(count, z_dim)
    return torch.from_numpy(numbers).float()


def draw_from_z(painter: SamplingPipeline, z: Tensor, on_progress: ProgressCallback) -> Tensor:
    """Images `(N, C, H, W)` of latents `(N, z_dim)` with the network's own noise, on the CPU."""
    images: list[Tensor] = []
    for part in z.split(DEFAULT_BATCH_SIZE):
        images.append(painter.draw(LatentCodes(painter.map_z(part), painter.noise_maps([0]))).cpu())
        on_progress(sum(map(len, images)), len(z))
    return torch.cat(images)
