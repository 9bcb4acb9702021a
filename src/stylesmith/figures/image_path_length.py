"""Path length image by image: does it tell good images from bad? (StyleGAN2, Figures 4 and 5).

The score of an image is that of the metric `ppl_image`: how fast it changes along straight paths
in W from it towards others.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from stylesmith.figures.drawing import OKABE_ITO_COLORS, ChartPanel, FigureLayout, ImagePanel
from stylesmith.figures.sheets import arrange_in_rows, draw_images
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.inversion.measure import choose_distance
from stylesmith.latents import RandomKeys
from stylesmith.metrics.passes import batch_size
from stylesmith.metrics.path_length import path_lengths_around
from stylesmith.perception.inputs import disable_tf32

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_SCORED_IMAGES = 200
"""Images that are scored; the paper names no number."""
PATHS_PER_IMAGE = 4
"""Paths from each image."""
IMAGES_PER_END = 20
"""Images of either end of the distribution."""
LOW_PERCENTILE, HIGH_PERCENTILE = 10, 90
"""Percentiles of the two ends."""
LAST_PERCENTILE = 99
"""Percentile where the axis of scores ends."""
PATH_LENGTH_BINS = 50


@dataclass(frozen=True)
class ImagePathLengths:
    """Path length of the images of seeds 0, 1, 2 and so on."""

    values: np.ndarray
    """`(N,)`"""
    metric_name: str
    """What they are called: PPL with LPIPS alone."""
    note: str
    """Why it isn't LPIPS; empty if it is, or was named."""

    @property
    def low_seeds(self) -> np.ndarray:
        """Seeds at or below the 10th percentile."""
        return np.flatnonzero(self.values <= np.percentile(self.values, LOW_PERCENTILE))

    @property
    def high_seeds(self) -> np.ndarray:
        """Seeds at or above the 90th percentile."""
        return np.flatnonzero(self.values >= np.percentile(self.values, HIGH_PERCENTILE))

    @property
    def description(self) -> str:
        """For captions: of which images they are, and how they were measured."""
        note = f" ({self.note})" if self.note else ""
        return (
            f"Scores are the {self.metric_name} of seeds 0-{len(self.values) - 1} along {PATHS_PER_IMAGE} "
            f"paths each{note}."
        )


@torch.no_grad()
def measure_image_path_lengths(
    subject: FigureInput, on_progress: ProgressCallback
) -> ImagePathLengths:
    """Path length around each image, without truncation, with the network's own noise.

    Raises:
        UsageError: If the distance that the user chose doesn't fit the images.
        ModelError: If its weights are missing.
    """
    painter, size = subject.pipeline(), subject.generator.image_size
    distance, note = choose_distance(subject.options.distance, size, painter.device)
    count, keys = subject.options.count or DEFAULT_SCORED_IMAGES, RandomKeys(0)
    step, width = max(1, batch_size(size) // 4), painter.config.mapping.z_dim
    values = []
    for start in range(0, count, step):
        seeds = range(start, min(start + step, count))
        noise = painter.noise_maps(seeds)
        ends = (
            painter.map_z(torch.stack([keys.normal(width, "end", seed, way) for seed in seeds]))
            for way in range(PATHS_PER_IMAGE)
        )
        with disable_tf32():
            values.append(
                path_lengths_around(
                    partial(painter.generator.draw, noise=noise),
                    distance.embed,
                    painter.ws(seeds),
                    ends,
                ).cpu()
            )
        on_progress(seeds.stop, count)
    name = "PPL" if distance.name == "lpips" else f"path length ({distance.name} distance)"
    return ImagePathLengths(torch.cat(values).numpy(), name, note)


def low_and_high_path_lengths(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """StyleGAN2, Figure 4: random images of low and of high path length."""
    scores, painter = measure_image_path_lengths(subject, on_progress), subject.pipeline()
    panels = []
    for letter, kind, seeds, sign, place in (
        ("a", "low", scores.low_seeds, "<=", LOW_PERCENTILE),
        ("b", "high", scores.high_seeds, ">=", HIGH_PERCENTILE),
    ):
        some = RandomKeys(0).permutation(len(seeds), kind)[:IMAGES_PER_END]
        images = draw_images(painter, seeds[some].tolist(), lambda done, of: None)
        title = f"({letter}) {kind} path length: {sign} {np.percentile(scores.values, place):.4g}"
        panels.append(ImagePanel(arrange_in_rows(images, min(5, len(images))), title=title))
    caption = (
        "StyleGAN2, Figure 4. Connection between perceptual path length and image quality, for "
        f"{subject.name}. (a) Random examples with low path length (up to the {LOW_PERCENTILE}th percentile). "
        f"(b) Examples with high path length (from the {HIGH_PERCENTILE}th percentile). {scores.description}"
    )
    return FigureLayout(caption, [panels])


def path_length_distribution(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """StyleGAN2, Figure 5: the histogram of scores, of one model or of two."""
    subjects = subject.compared_inputs()
    scores = []
    for number, each in enumerate(subjects):

        def advance(done: int, total: int, number: int = number) -> None:
            on_progress(number * total + done, len(subjects) * total)

        scores.append(measure_image_path_lengths(each, advance))
    top = max(float(np.percentile(each.values, LAST_PERCENTILE)) for each in scores)
    charts = [
        _histogram_panel(score, top, f"({letter}) {each.name}, mean {score.values.mean():.4g}")
        for letter, each, score in zip("ab", subjects, scores, strict=False)
    ]
    caption = (
        "StyleGAN2, Figure 5. Distribution of the path length scores of individual images. The "
        f"ranges of Figure 4, up to the {LOW_PERCENTILE}th and from the {HIGH_PERCENTILE}th percentile, are highlighted "
        f"in orange; scores beyond the axis, which ends at the {LAST_PERCENTILE}th percentile, are left out. "
        + " ".join(dict.fromkeys(score.description for score in scores))
    )
    return FigureLayout(caption, [charts])


def path_length_histogram(
    scores: ImagePathLengths, top: float, bins: int = PATH_LENGTH_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts from 0 to `top`: of images between the two ends, of those in them; and bin edges."""
    edges = np.linspace(0, top, bins + 1)
    ends = np.union1d(scores.low_seeds, scores.high_seeds)
    within, _ = np.histogram(np.delete(scores.values, ends), edges)
    highlighted, _ = np.histogram(scores.values[ends], edges)
    return within, highlighted, edges


def _histogram_panel(scores: ImagePathLengths, top: float, title: str) -> ChartPanel:
    within, highlighted, edges = path_length_histogram(scores, top)
    widths, highest = np.diff(edges), int((within + highlighted).max())

    def plot(axes: "Axes") -> None:
        axes.bar(
            edges[:-1], within, widths, align="edge", color=OKABE_ITO_COLORS[0], label="between"
        )
        axes.bar(
            *(edges[:-1], highlighted, widths),
            bottom=within,
            align="edge",
            color=OKABE_ITO_COLORS[1],
            label=f"<= {LOW_PERCENTILE}%, >= {HIGH_PERCENTILE}%",
        )
        axes.axvline(
            float(scores.values.mean()), color="black", linestyle="--", linewidth=1, label="mean"
        )
        axes.set(
            xlabel=scores.metric_name, ylabel="images", xlim=(0, top), ylim=(0, 1.08 * highest)
        )
        axes.legend(frameon=False, fontsize=9)

    return ChartPanel(plot, title=title)
