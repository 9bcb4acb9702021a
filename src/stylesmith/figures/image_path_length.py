"""Path length image by image: does it tell good images from bad? (StyleGAN2, Figures 4 and 5).

The score of an image is that of the metric `ppl_image`: how fast it changes along straight paths
in W from it towards others.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from stylesmith.figures.drawing import COLORS, Chart, Drawing, Pictures
from stylesmith.figures.sheets import draw_all, in_rows
from stylesmith.figures.subject import Progress, Subject
from stylesmith.inversion.measure import choose_distance
from stylesmith.latents import RandomKeys
from stylesmith.metrics.passes import batch_size
from stylesmith.metrics.path_length import lengths_around
from stylesmith.perception.inputs import full_precision

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COUNT = 200
"""Images that are scored; the paper names no number."""
DIRECTIONS = 4
"""Paths from each image."""
SHOWN = 20
"""Images of either end of the distribution."""
LOW, HIGH = 10, 90
"""Percentiles of the two ends."""
LAST = 99
"""Percentile where the axis of scores ends."""
BINS = 50


@dataclass(frozen=True)
class ImageScores:
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
        return np.flatnonzero(self.values <= np.percentile(self.values, LOW))

    @property
    def high_seeds(self) -> np.ndarray:
        """Seeds at or above the 90th percentile."""
        return np.flatnonzero(self.values >= np.percentile(self.values, HIGH))

    @property
    def description(self) -> str:
        """For captions: of which images they are, and how they were measured."""
        note = f" ({self.note})" if self.note else ""
        return (
            f"Scores are the {self.metric_name} of seeds 0-{len(self.values) - 1} along {DIRECTIONS} "
            f"paths each{note}."
        )


@torch.no_grad()
def score_images(subject: Subject, on_progress: Progress) -> ImageScores:
    """Path length around each image, without truncation, with the network's own noise.

    Raises:
        UsageError: If the distance that the user chose doesn't fit the images.
        ModelError: If its weights are missing.
    """
    painter, size = subject.pipeline(), subject.generator.image_size
    distance, note = choose_distance(subject.options.distance, size, painter.device)
    count, keys = subject.options.count or COUNT, RandomKeys(0)
    step, width = max(1, batch_size(size) // 4), painter.config.mapping.z_dim
    values = []
    for start in range(0, count, step):
        seeds = range(start, min(start + step, count))
        noise = painter.noise_maps(seeds)
        ends = (
            painter.map_z(torch.stack([keys.normal(width, "end", seed, way) for seed in seeds]))
            for way in range(DIRECTIONS)
        )
        with full_precision():
            values.append(
                lengths_around(
                    partial(painter.generator.draw, noise=noise),
                    distance.embed,
                    painter.ws(seeds),
                    ends,
                ).cpu()
            )
        on_progress(seeds.stop, count)
    name = "PPL" if distance.name == "lpips" else f"path length ({distance.name} distance)"
    return ImageScores(torch.cat(values).numpy(), name, note)


def extremes(subject: Subject, on_progress: Progress) -> Drawing:
    """StyleGAN2, Figure 4: random images of low and of high path length."""
    scores, painter = score_images(subject, on_progress), subject.pipeline()
    panels = []
    for letter, kind, seeds, sign, place in (
        ("a", "low", scores.low_seeds, "<=", LOW),
        ("b", "high", scores.high_seeds, ">=", HIGH),
    ):
        some = RandomKeys(0).permutation(len(seeds), kind)[:SHOWN]
        images = draw_all(painter, seeds[some].tolist(), lambda done, of: None)
        title = f"({letter}) {kind} path length: {sign} {np.percentile(scores.values, place):.4g}"
        panels.append(Pictures(in_rows(images, min(5, len(images))), title=title))
    caption = (
        "StyleGAN2, Figure 4. Connection between perceptual path length and image quality, for "
        f"{subject.name}. (a) Random examples with low path length (up to the {LOW}th percentile). "
        f"(b) Examples with high path length (from the {HIGH}th percentile). {scores.description}"
    )
    return Drawing(caption, [panels])


def distribution(subject: Subject, on_progress: Progress) -> Drawing:
    """StyleGAN2, Figure 5: the histogram of scores, of one model or of two."""
    subjects = subject.compared_inputs()
    scores = []
    for number, each in enumerate(subjects):

        def advance(done: int, total: int, number: int = number) -> None:
            on_progress(number * total + done, len(subjects) * total)

        scores.append(score_images(each, advance))
    top = max(float(np.percentile(each.values, LAST)) for each in scores)
    charts = [
        _chart(score, top, f"({letter}) {each.name}, mean {score.values.mean():.4g}")
        for letter, each, score in zip("ab", subjects, scores, strict=False)
    ]
    caption = (
        "StyleGAN2, Figure 5. Distribution of the path length scores of individual images. The "
        f"ranges of Figure 4, up to the {LOW}th and from the {HIGH}th percentile, are highlighted "
        f"in orange; scores beyond the axis, which ends at the {LAST}th percentile, are left out. "
        + " ".join(dict.fromkeys(score.description for score in scores))
    )
    return Drawing(caption, [charts])


def histogram(
    scores: ImageScores, top: float, bins: int = BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts from 0 to `top`: of images between the two ends, of those in them; and bin edges."""
    edges = np.linspace(0, top, bins + 1)
    ends = np.union1d(scores.low_seeds, scores.high_seeds)
    within, _ = np.histogram(np.delete(scores.values, ends), edges)
    highlighted, _ = np.histogram(scores.values[ends], edges)
    return within, highlighted, edges


def _chart(scores: ImageScores, top: float, title: str) -> Chart:
    within, highlighted, edges = histogram(scores, top)
    widths, highest = np.diff(edges), int((within + highlighted).max())

    def plot(axes: "Axes") -> None:
        axes.bar(edges[:-1], within, widths, align="edge", color=COLORS[0], label="between")
        axes.bar(
            *(edges[:-1], highlighted, widths),
            bottom=within,
            align="edge",
            color=COLORS[1],
            label=f"<= {LOW}%, >= {HIGH}%",
        )
        axes.axvline(
            float(scores.values.mean()), color="black", linestyle="--", linewidth=1, label="mean"
        )
        axes.set(
            xlabel=scores.metric_name, ylabel="images", xlim=(0, top), ylim=(0, 1.08 * highest)
        )
        axes.legend(frameon=False, fontsize=9)

    return Chart(plot, title=title)
