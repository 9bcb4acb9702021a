"""What noise does to a picture (StyleGAN, section 3.2, Figures 4 and 5)."""

import torch
from torch import Tensor

from stylesmith.figures.drawing import Drawing, Pictures
from stylesmith.figures.sheets import draw_all
from stylesmith.figures.subject import Progress, Subject
from stylesmith.figures.words import chosen_psi, noise_at, sources_text
from stylesmith.sampling import NoiseChoice, vary
from stylesmith.sampling.noise_sheets import BRIGHTER, component_layers, crops, deviation_image
from stylesmith.sampling.variation import most_varied

VARIED = (1157, 1012)
DRAWS = 100
COMPONENTS = (1967, 1555)
WIDTH = 192
"""Pixels of the page that a picture has at least, for there are words above it."""


def stochastic_variation(subject: Subject, on_progress: Progress) -> Drawing:
    """Figure 4: an image, crops of draws with other noise, the deviation of each pixel."""
    subject.require_noise()
    painter = subject.pipeline()
    sources, draws = subject.sources(painter, VARIED), subject.options.count or DRAWS
    rows, largest = [], 0.0
    for number, source in enumerate(sources):

        def advance(done: int, _: int, before: int = number * draws) -> None:
            on_progress(before + done, draws * len(sources))

        variation = vary(painter, source, draws, on_progress=advance)
        window = most_varied(variation.std)
        largest = max(largest, float(variation.std.max()))
        rows.append(
            torch.stack([variation.image, crops(variation, window), deviation_image(variation)])
        )
    images = torch.stack(rows)
    caption = (
        f"StyleGAN, Figure 4. Examples of stochastic variation, for {subject.name} "
        f"({sources_text(sources)}{chosen_psi(subject.options)}). (a) Generated image. (b) "
        "Zoom-in on the quarter of each side that varies most, with different realizations of "
        "input noise. (c) Standard deviation of each pixel's gray value over "
        f"{draws} realizations, times {BRIGHTER}: white is "
        f"{255 / BRIGHTER:.0f} of 255 levels or more; the largest here is {largest:.1f}."
    )
    words = ["(a) generated image", "(b) variation", "(c) std. dev."]
    return Drawing(caption, [[Pictures(images, columns=words, zoom=zoom(images))]])


def noise_components(subject: Subject, on_progress: Progress) -> Drawing:
    """Figure 5: noise on all layers, on none, on fine and on coarse ones."""
    subject.require_noise()
    config = subject.generator.config
    parts = component_layers(config)
    columns = []
    for number, layers in enumerate(parts.values(), 1):
        painter = subject.pipeline(noise=NoiseChoice("fixed", layers))
        sources = subject.sources(painter, COMPONENTS)
        columns.append(draw_all(painter, sources, lambda done, of: None))
        on_progress(number, len(parts))
    images = torch.stack(columns, dim=1)
    caption = (
        f"StyleGAN, Figure 5. Effect of noise inputs at different layers of {subject.name} "
        f"({sources_text(sources)}{chosen_psi(subject.options)}). (a) Noise is applied to all "
        "layers. (b) No noise. (c) Noise "
        f"in fine layers only ({noise_at(parts['fine'], config)}). (d) Noise in coarse layers "
        f"only ({noise_at(parts['coarse'], config)})."
    )
    words = ["(a) all layers", "(b) no noise", "(c) fine layers", "(d) coarse layers"]
    return Drawing(caption, [[Pictures(images, columns=words, zoom=zoom(images))]])


def zoom(images: Tensor) -> int:
    """Such that the words above a column fit."""
    return max(1, -(-WIDTH // images.shape[-1]))
