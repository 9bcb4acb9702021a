"""Smoothness of a generator: path lengths of single images, and singular values of its Jacobian.

Source: StyleGAN2, Figures 4 and 5; appendix C, Figure 17.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from stylesmith.callbacks import ProgressCallback, partial_progress
from stylesmith.devices import to_float64
from stylesmith.figures.figure_input import FigureInput, draw_images, paper_figure
from stylesmith.figures.panels import (
    OKABE_ITO_COLORS,
    ChartPanel,
    FigureLayout,
    ImagePanel,
    arrange_in_rows,
)
from stylesmith.inversion.latent_optimizer import choose_distance
from stylesmith.latents import RandomKeys
from stylesmith.metrics.extraction import batch_size
from stylesmith.metrics.path_length import path_lengths_around
from stylesmith.sampling import SamplingPipeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes


BatchFunction = Callable[[Tensor], Tensor]
"""Vectors `(N, D)` to values `(N, ...)`, each row by itself."""

QR_BLOCK_ROWS = 1 << 16
"""Rows of a Jacobian that are factored at once."""


def jacobian(function: BatchFunction, point: Tensor, *, batch_size: int = 32) -> Tensor:
    """All derivatives of the values by the coordinates of `point` `(D,)`: `(M, D)`, on the CPU.

    Images have many more values than latents have coordinates, so columns are computed, not rows:
    D directions are pushed forward, `batch_size` of them at once. No differences are taken, so it
    is exact to rounding.
    """
    directions = torch.eye(len(point), dtype=point.dtype, device=point.device)
    columns = [
        jacobian_vector_products(function, point.expand(len(some), -1), some).cpu()
        for some in directions.split(batch_size)
    ]
    return torch.cat(columns).T


def jacobian_vector_products(function: BatchFunction, points: Tensor, directions: Tensor) -> Tensor:
    """Jacobian-vector products of rows: points and directions `(N, D)` -> `(N, M)`.

    The pull-back u -> J^T u is linear, and its derivative along a direction v is J v. Two
    backward passes so do what a forward-mode pass would, and need nothing of the network that
    path length regularization doesn't need too.
    """
    points = points.detach().clone().requires_grad_()
    with torch.enable_grad():
        values = function(points).flatten(1)
        cotangents = torch.zeros_like(values, requires_grad=True)
        (pulled,) = torch.autograd.grad(values, points, cotangents, create_graph=True)
        (pushed,) = torch.autograd.grad(pulled, cotangents, directions)
    return pushed


def singular_values(matrix: Tensor) -> Tensor:
    """Of `(M, D)` with M >= D, the largest first, `(D,)` float64.

    Rows are first folded into a triangle `(D, D)`, block by block, which keeps singular values and
    spares a float64 copy of the whole.
    """
    triangle = to_float64(matrix[:0])
    for block in matrix.split(QR_BLOCK_ROWS):
        triangle = torch.linalg.qr(torch.cat([triangle, to_float64(block)]), mode="r").R
    return torch.linalg.svdvals(triangle)


DEFAULT_JACOBIANS = 10
"""Random w at which the Jacobian is computed."""
MAX_PIXELS_PER_BATCH = 1 << 15
"""Of all images that are pushed forward at once; 32 at 32x32."""


@paper_figure(
    "stylegan2-17",
    "Singular values of the Jacobian at random w",
    "count label other psi",
    "any model; --other with other regularization",
)
def jacobian_conditioning(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 17: mean and standard deviation of the sorted singular values."""
    count = model.count(DEFAULT_JACOBIANS)
    curves = [(one.name, normalized_spectra(one, on_progress)) for one in model.compared_inputs()]
    spreads = "; ".join(
        f"{name}: the middle one is {values.median(dim=1).values.mean():.2g} of the largest"
        for name, values in curves
    )
    caption = (
        "StyleGAN2, Figure 17. The mean and standard deviation of the magnitudes of sorted "
        f"singular values of the Jacobian matrix of g, evaluated at {count} random latent space "
        "points w, with the largest normalized to 1. Values closer to one another mean better "
        f"conditioning. {spreads}."
    )
    return FigureLayout(caption, [[ChartPanel(lambda axes: _plot_spectra(axes, curves))]])


def normalized_spectra(model: FigureInput, on_progress: ProgressCallback) -> Tensor:
    """Singular values at the w of the first seeds, largest first and divided by it: `(N, D)`."""
    pipeline, count = model.pipeline(), model.count(DEFAULT_JACOBIANS)
    rows = []
    for seed in range(count):
        rows.append(normalized_spectrum(pipeline, pipeline.ws([seed])[0, 0]))
        on_progress(seed + 1, count)
    return torch.stack(rows)


def normalized_spectrum(pipeline: SamplingPipeline, w: Tensor) -> Tensor:
    """Singular values at one w `(D,)`, which goes to all layers, divided by the largest: `(D,)`."""
    generator = pipeline.generator
    height, width = generator.image_size

    def draw(w: Tensor) -> Tensor:
        return generator.draw(generator.broadcast(w))

    batch_size = max(1, min(MAX_PIXELS_PER_BATCH // (height * width), len(w)))
    values = singular_values(jacobian(draw, w, batch_size=batch_size))
    return values / values[0]


def _plot_spectra(axes: "Axes", curves: list[tuple[str, Tensor]]) -> None:
    for name, values in curves:
        places = range(1, values.shape[1] + 1)
        mean, deviation = values.mean(dim=0), values.std(dim=0, correction=0)
        lower = (mean - deviation).clamp(min=values.amin(dim=0))  # an axis of powers has no zero
        (line,) = axes.plot(places, mean, label=name)
        axes.fill_between(places, lower, mean + deviation, color=line.get_color(), alpha=0.25, lw=0)
    axes.set_yscale("log")
    axes.set(xlabel="singular value, by size", ylabel="magnitude, largest = 1")
    axes.legend(frameon=False)


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
            f"Scores are the {self.metric_name} of seeds 0-{len(self.values) - 1} along "
            f"{PATHS_PER_IMAGE} paths each{note}."
        )


@torch.no_grad()
def measure_image_path_lengths(
    model: FigureInput, on_progress: ProgressCallback
) -> ImagePathLengths:
    """Path length around each image, without truncation, with the network's own noise.

    Raises:
        UsageError: If the distance that the user chose doesn't fit the images.
        ModelError: If its weights are missing.
    """
    pipeline, size = model.pipeline(), model.generator.image_size
    distance, note = choose_distance(model.options.distance, size, pipeline.device)
    count, keys = model.count(DEFAULT_SCORED_IMAGES), RandomKeys(0)
    step, width = max(1, batch_size(size) // 4), pipeline.config.mapping.z_dim
    values = []
    for start in range(0, count, step):
        seeds = range(start, min(start + step, count))
        noise = pipeline.noise_maps(seeds)
        ends = (
            pipeline.map_z(torch.stack([keys.normal(width, "end", seed, way) for seed in seeds]))
            for way in range(PATHS_PER_IMAGE)
        )
        draw = partial(pipeline.generator.draw, noise=noise)
        lengths = path_lengths_around(draw, distance.embed, pipeline.ws(seeds), ends)
        values.append(lengths.cpu())
        on_progress(seeds.stop, count)
    name = "PPL" if distance.name == "lpips" else f"path length ({distance.name} distance)"
    return ImagePathLengths(torch.cat(values).numpy(), name, note)


@paper_figure("stylegan2-4", "Images of low and of high path length", "count distance label")
def low_and_high_path_lengths(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """StyleGAN2, Figure 4: random images of low and of high path length."""
    scores, panels = measure_image_path_lengths(model, on_progress), []
    low, high = np.percentile(scores.values, (LOW_PERCENTILE, HIGH_PERCENTILE))
    for kind, seeds, title in (
        ("low", scores.low_seeds, f"(a) low path length: <= {low:.4g}"),
        ("high", scores.high_seeds, f"(b) high path length: >= {high:.4g}"),
    ):
        some = RandomKeys(0).permutation(len(seeds), kind)[:IMAGES_PER_END]
        images = draw_images(model.pipeline(), seeds[some].tolist())
        panels.append(ImagePanel(arrange_in_rows(images, min(5, len(images))), title=title))
    caption = (
        "StyleGAN2, Figure 4. Connection between perceptual path length and image quality, for "
        f"{model.name}. (a) Random examples with low path length (up to the {LOW_PERCENTILE}th "
        f"percentile). (b) Examples with high path length (from the {HIGH_PERCENTILE}th "
        f"percentile). {scores.description}"
    )
    return FigureLayout(caption, [panels])


@paper_figure(
    "stylegan2-5",
    "Distribution of the path length of single images",
    "count distance label other",
    "any model; --other for a second one",
)
def path_length_distribution(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """StyleGAN2, Figure 5: the histogram of scores, of one model or of two."""
    models = model.compared_inputs()
    scores = [
        measure_image_path_lengths(each, partial_progress(on_progress, number, len(models)))
        for number, each in enumerate(models)
    ]
    top = max(float(np.percentile(each.values, LAST_PERCENTILE)) for each in scores)
    charts = [
        _histogram_panel(score, top, f"({letter}) {each.name}, mean {score.values.mean():.4g}")
        for letter, each, score in zip("ab", models, scores, strict=False)
    ]
    caption = (
        "StyleGAN2, Figure 5. Distribution of the path length scores of individual images. The "
        f"ranges of Figure 4, up to the {LOW_PERCENTILE}th and from the {HIGH_PERCENTILE}th "
        "percentile, are highlighted in orange; scores beyond the axis, which ends at the "
        f"{LAST_PERCENTILE}th percentile, are left out. "
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
    highest, mean = int((within + highlighted).max()), float(scores.values.mean())
    ends = f"<= {LOW_PERCENTILE}%, >= {HIGH_PERCENTILE}%"
    blue, orange, *_ = OKABE_ITO_COLORS

    def plot(axes: "Axes") -> None:
        bars = partial(axes.bar, edges[:-1], width=np.diff(edges), align="edge")
        bars(height=within, color=blue, label="between")
        bars(height=highlighted, bottom=within, color=orange, label=ends)
        axes.axvline(mean, color="black", linestyle="--", linewidth=1, label="mean")
        axes.set(xlabel=scores.metric_name, ylabel="images")
        axes.set(xlim=(0, top), ylim=(0, 1.08 * highest))
        axes.legend(frameon=False, fontsize=9)

    return ChartPanel(plot, title=title)
