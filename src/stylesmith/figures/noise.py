"""What noise does to a picture (StyleGAN, section 3.2, Figures 4 and 5)."""

import torch
from torch import Tensor

from stylesmith.figures.drawing import FigureLayout, ImagePanel
from stylesmith.figures.sheets import draw_images
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.figures.words import describe_noise_inputs, describe_psi, describe_sources
from stylesmith.sampling import NoiseSettings, measure_noise_variation
from stylesmith.sampling.noise_sheets import (
    STD_IMAGE_GAIN,
    crop_grid,
    noise_layer_subsets,
    std_image,
)
from stylesmith.sampling.variation import most_varied_window

DEFAULT_VARIATION_SEEDS = (1157, 1012)
DEFAULT_NOISE_DRAWS = 100
DEFAULT_COMPONENT_SEEDS = (1967, 1555)
MIN_COLUMN_WIDTH = 192
"""Pixels of the page that a picture has at least, for there are words above it."""


def stochastic_variation(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 4: an image, crops of draws with other noise, the deviation of each pixel."""
    subject.require_noise()
    painter = subject.pipeline()
    sources, draws = (
        subject.sources(painter, DEFAULT_VARIATION_SEEDS),
        subject.options.count or DEFAULT_NOISE_DRAWS,
    )
    rows, largest = [], 0.0
    for number, source in enumerate(sources):

        def advance(done: int, _: int, before: int = number * draws) -> None:
            on_progress(before + done, draws * len(sources))

        variation = measure_noise_variation(painter, source, draws, on_progress=advance)
        window = most_varied_window(variation.std)
        largest = max(largest, float(variation.std.max()))
        rows.append(
            torch.stack([variation.image, crop_grid(variation, window), std_image(variation)])
        )
    images = torch.stack(rows)
    caption = (
        f"StyleGAN, Figure 4. Examples of stochastic variation, for {subject.name} "
        f"({describe_sources(sources)}{describe_psi(subject.options)}). (a) Generated image. (b) "
        "Zoom-in on the quarter of each side that varies most, with different realizations of "
        "input noise. (c) Standard deviation of each pixel's gray value over "
        f"{draws} realizations, times {STD_IMAGE_GAIN}: white is "
        f"{255 / STD_IMAGE_GAIN:.0f} of 255 levels or more; the largest here is {largest:.1f}."
    )
    words = ["(a) generated image", "(b) variation", "(c) std. dev."]
    return FigureLayout(
        caption, [[ImagePanel(images, columns=words, zoom=zoom_for_labels(images))]]
    )


def noise_components(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 5: noise on all layers, on none, on fine and on coarse ones."""
    subject.require_noise()
    config = subject.generator.config
    parts = noise_layer_subsets(config)
    columns = []
    for number, layers in enumerate(parts.values(), 1):
        painter = subject.pipeline(noise=NoiseSettings("fixed", layers))
        sources = subject.sources(painter, DEFAULT_COMPONENT_SEEDS)
        columns.append(draw_images(painter, sources, lambda done, of: None))
        on_progress(number, len(parts))
    images = torch.stack(columns, dim=1)
    caption = (
        f"StyleGAN, Figure 5. Effect of noise inputs at different layers of {subject.name} "
        f"({describe_sources(sources)}{describe_psi(subject.options)}). (a) Noise is applied to all "
        "layers. (b) No noise. (c) Noise "
        f"in fine layers only ({describe_noise_inputs(parts['fine'], config)}). (d) Noise in coarse layers "
        f"only ({describe_noise_inputs(parts['coarse'], config)})."
    )
    words = ["(a) all layers", "(b) no noise", "(c) fine layers", "(d) coarse layers"]
    return FigureLayout(
        caption, [[ImagePanel(images, columns=words, zoom=zoom_for_labels(images))]]
    )


def zoom_for_labels(images: Tensor) -> int:
    """Such that the words above a column fit."""
    return max(1, -(-MIN_COLUMN_WIDTH // images.shape[-1]))
