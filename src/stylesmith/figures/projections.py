"""Projections of generated and real images, and noise maps (StyleGAN2, Figures 9, 10 and 18)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.callbacks import ProgressCallback, partial_progress
from stylesmith.errors import UsageError
from stylesmith.figures.figure_input import FigureInput, paper_figure
from stylesmith.figures.panels import OKABE_ITO_COLORS, ChartPanel, FigureLayout, ImagePanel
from stylesmith.formatting import format_image_size
from stylesmith.inversion import (
    LatentOptimizer,
    ProjectionResult,
    ProjectionSettings,
    ProjectionTarget,
    Projector,
    noise_regularizer,
    open_optimizer,
)
from stylesmith.inversion.attribution import DISTANCE_BINS, DistanceSeparation
from stylesmith.inversion.projection_targets import generated_targets, real_targets
from stylesmith.sampling import read_latent_file
from stylesmith.sampling.stochastic_variation import gray_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes


DEFAULT_EXAMPLE_IMAGES, DEFAULT_HISTOGRAM_IMAGES = 4, 8
"""Images of each kind, for Figures 9 and 10."""
DEFAULT_PROJECTION_STEPS = 200
"""Steps of a projection; 1,000 in the paper."""


@dataclass(frozen=True)
class ProjectedExample:
    """An image, and what its projection draws."""

    target: Tensor
    """`(C, H, W)`, -1..1."""
    image: Tensor
    """Re-synthesized, likewise."""
    noise: list[Tensor]
    """The noise maps that were found, `(1, 1, H, W)` each."""
    distance: float


@dataclass(frozen=True)
class GeneratedAndRealProjections:
    """Projections into one network, of its own images and of real ones."""

    name: str
    distance: str
    """The name of what distances were measured by."""
    generated: list[ProjectedExample]
    real: list[ProjectedExample]

    @property
    def separation(self) -> DistanceSeparation:
        """How well distances tell the kinds apart."""
        return DistanceSeparation.from_distances(
            [one.distance for one in self.generated], [one.distance for one in self.real]
        )

    def describe(self) -> str:
        """The numbers in a few words."""
        found = self.separation
        own, other = median(found.generated), median(found.real)
        ratio = f", ratio {own / other:.2f}" if other else ""
        return (
            f"{self.name}: median distance {own:.3g} of generated, {other:.3g} of real images"
            f"{ratio}; AUC {found.auc:.2f}"
        )


@paper_figure(
    "stylegan2-9",
    "Generated and real images, projected",
    "count steps distance label other data",
    "a run whose data is there, or --data; --other for a second model",
)
def example_projections(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 9: targets above what was found, for generated and real images of each model."""
    found, summary = _project_for_all_models(model, DEFAULT_EXAMPLE_IMAGES, on_progress)
    rows = ("target", "re-synthesized")
    panels = [
        [
            _target_and_projection_panel(one.generated, f"{one.name}, generated images", rows),
            _target_and_projection_panel(one.real, "Real images"),
        ]
        for one in found
    ]
    noise = any(one.noise for kinds in found for one in kinds.generated)
    caption = (
        "StyleGAN2, Figure 9. Example images and their projected and re-synthesized counterparts. "
        "The top row shows target images, the bottom row the synthesis of the projected latent "
        f"vector{' and noise inputs' if noise else ''}; above them their distance. "
        f"{summary}"
    )
    return FigureLayout(caption, panels)


@paper_figure(
    "stylegan2-10",
    "Distances of projections of generated and real images",
    "count steps distance label other data",
    "a run whose data is there, or --data; --other for a second model",
)
def projection_histograms(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 10: histograms of distances between original and projected images."""
    found, summary = _project_for_all_models(model, DEFAULT_HISTOGRAM_IMAGES, on_progress)
    farthest = max(max(*one.separation.generated, *one.separation.real) for one in found) or 1.0
    plot = partial(_plot_distance_histogram, farthest=farthest)
    charts = [ChartPanel(partial(plot, kinds=one), one.name, height=320) for one in found]
    caption = (
        "StyleGAN2, Figure 10. Distance histograms between original and projected images for "
        "generated (blue) and real images (orange); a tick for each image. "
        f"{summary}"
    )
    return FigureLayout(caption, [charts])


def project_images(
    search: LatentOptimizer, targets: Sequence[ProjectionTarget], on_progress: ProgressCallback
) -> list[ProjectedExample]:
    """Project images together, and draw what was found as every command does."""
    found = {}
    with TemporaryDirectory(prefix="stylesmith-") as folder:
        projector = Projector(search, Path(folder), on_progress=on_progress)
        for one in projector.project(targets):
            found[one.target.name] = _read_projected_image(one, projector)
    return [found[target.name] for target in targets]


def open_figure_search(
    model: FigureInput, settings: ProjectionSettings
) -> tuple[LatentOptimizer, str]:
    """A search by the distance that the user chose, or that there is; and for captions, how.

    Raises:
        UsageError: If the class, or the distance, doesn't fit the network.
        ModelError: If the weights of the distance are missing.
    """
    search, reason = open_optimizer(model.generator, settings, model.options.distance)
    method = f"{settings.steps} steps, by the distance {search.distance.name!r}."
    if reason:
        method += f" {reason[0].upper()}{reason[1:]}."
    return search, method


def real_images_path(model: FigureInput) -> Path:
    """Where the images are that the user named, or else those that a run was trained on.

    Raises:
        ModelError: If there are none.
    """
    return model.options.data or Path(model.training_data("name real images by --data").path)


def _figure_settings(model: FigureInput) -> ProjectionSettings:
    steps = model.options.steps or DEFAULT_PROJECTION_STEPS
    return ProjectionSettings(steps=steps, label=model.options.label)


def _project_for_all_models(
    model: FigureInput, default: int, on_progress: ProgressCallback
) -> tuple[list[GeneratedAndRealProjections], str]:
    """Projections of one model or two by the same method, and a summary for captions."""
    count, data, settings = model.count(default), real_images_path(model), _figure_settings(model)
    models = model.compared_inputs()
    found, method = [], ""
    for number, one in enumerate(models):
        search, method = open_figure_search(one, settings)
        own = generated_targets(one.generator, count, settings)
        others = real_targets(data, one.generator, count, settings, option="--count")
        progress = partial_progress(on_progress, number, len(models))
        both = project_images(search, [*own, *others], progress)
        found.append(
            GeneratedAndRealProjections(one.name, search.distance.name, both[:count], both[count:])
        )
    numbers = "; ".join(one.describe() for one in found)
    return found, f"{numbers}. {count} images of each kind, real ones of {data.name}; {method}"


def _read_projected_image(found: ProjectionResult, projector: Projector) -> ProjectedExample:
    pipeline = projector.pipeline
    codes = read_latent_file(found.folder.latent, pipeline.config, model=pipeline.model_hash)
    image = pipeline.draw(pipeline.codes([codes]))[0].cpu()
    optimized = len(projector.optimizer.variables.noise_shapes)
    noise = [map_.cpu() for map_ in codes.noise[:optimized] if map_ is not None]
    return ProjectedExample(found.target.image, image, noise, found.distance)


def _target_and_projection_panel(
    found: Sequence[ProjectedExample], title: str, rows: Sequence[str] = ()
) -> ImagePanel:
    pairs = [torch.stack([one.target, one.image]) for one in found]
    columns = [f"{one.distance:.3g}" for one in found]
    return ImagePanel(torch.stack(pairs, dim=1), rows, columns, title)


def _plot_distance_histogram(
    axes: "Axes", kinds: GeneratedAndRealProjections, farthest: float
) -> None:
    edges = [farthest * i / DISTANCE_BINS for i in range(DISTANCE_BINS + 1)]
    pair = {"generated": kinds.separation.generated, "real": kinds.separation.real}
    for color, (name, values) in zip(OKABE_ITO_COLORS, pair.items(), strict=False):
        shares, label = [100 / len(values)] * len(values), f"{name} ({len(values)})"
        axes.hist(values, edges, weights=shares, color=color, alpha=0.6, label=label)
    top = axes.get_ylim()[1]
    for row, values in enumerate(pair.values()):
        ticks = [-top * (row + 1) / 20] * len(values)
        axes.plot(values, ticks, "|", color=OKABE_ITO_COLORS[row])
    axes.set_xlabel(f"distance ({kinds.distance}) between original and projected image")
    axes.set_ylabel("% of images")
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0)


NOISE_DISPLAY_STDS = 2.5
"""Standard deviations from gray to black and to white."""
MIN_SHOWN_SIDE = 160
"""Pixels of an image on the page, where it has less."""
SHOWN_RESOLUTIONS = 2
"""Resolutions of which a map is shown, the finest ones."""


@paper_figure(
    "stylegan2-18",
    "Noise maps of a projection without and with their regularizer",
    "steps distance label other data",
    "noise inputs; a run whose data is there, --data, or a second model by --other",
)
def noise_regularization(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 18: one image projected without and with the regularizer."""
    model.require_noise()
    on = _figure_settings(model)
    target = projection_target(model, on)
    panels, method = [], ""
    for number, settings in enumerate((replace(on, noise_weight=0.0), on)):
        search, method = open_figure_search(model, settings)
        progress = partial_progress(on_progress, number, 2)
        (found,) = project_images(search, [target], progress)
        panels.append(_regularization_panel(found, settings))
    caption = (
        "StyleGAN2, Figure 18. Effect of noise regularization in latent-space projection, where "
        f"the noise inputs of {model.name} are optimized too. Top to bottom: target image "
        f"({target.source}), re-synthesized image, contents of noise maps at different "
        "resolutions, with their squared autocorrelation at shifts of one pixel over all scales, "
        "which adds up over all maps to the number above. "
        "Off, maps are only normalized to zero mean and unit variance, and signal sneaks into "
        f"them; on, the weight is {on.noise_weight:g}. {method}"
    )
    return FigureLayout(caption, [panels])


def projection_target(model: FigureInput, settings: ProjectionSettings) -> ProjectionTarget:
    """A real image, or one that the second model generated, where the user named one.

    Raises:
        UsageError: If both are named, or the second model draws in another size.
        ModelError: If there is none.
    """
    generator, options = model.generator, model.options
    if options.other is None:
        data = real_images_path(model)
        (target,) = real_targets(data, generator, 1, settings, option="--count")
        return replace(target, source=target.source.replace(str(data), data.name, 1))
    if options.data is not None:
        raise UsageError("--data and --other: each names the image to project; leave one out")
    other = model.second_model()
    (target,) = generated_targets(other.generator, 1, settings)
    height, width = generator.image_size
    wanted = (generator.config.image_channels, height, width)
    if tuple(target.image.shape) != wanted:
        raise UsageError(
            f"--other {other.path}: draws images of {tuple(target.image.shape)}, {model.path} of "
            f"{wanted}; wanted one with the same channels, height and width"
        )
    return replace(target, source=f"{target.source} of {other.name}")


def finest_noise_maps(noise: Sequence[Tensor]) -> list[Tensor]:
    """The last noise map of each of the finest resolutions, the finest first."""
    last = {noise_map.shape: noise_map for noise_map in noise}
    return list(last.values())[: -SHOWN_RESOLUTIONS - 1 : -1]


def _regularization_panel(found: ProjectedExample, settings: ProjectionSettings) -> ImagePanel:
    images, rows = [found.target, found.image], ["target image", "re-synthesized"]
    for noise_map in finest_noise_maps(found.noise):
        size = format_image_size((noise_map.shape[-2], noise_map.shape[-1]))
        images.append(noise_map_image(noise_map[0], found.target))
        measure = float(noise_regularizer([noise_map], settings.form))
        rows.append(f"noise {size}: {measure:.2g}")
    total = float(noise_regularizer(found.noise, settings.form))
    title = f"Regularization {'on' if settings.noise_weight else 'off'}: {total:.2g} in all"
    zoom = max(1, MIN_SHOWN_SIDE // min(found.target.shape[-2:]))
    return ImagePanel(torch.stack(images)[:, None], rows, title=title, zoom=zoom)


def noise_map_image(noise_map: Tensor, like: Tensor) -> Tensor:
    """A map `(1, h, w)` in gray, in the size and with the channels of an image `(C, H, W)`."""
    gray = (noise_map / NOISE_DISPLAY_STDS).clamp(-1, 1)
    return gray_image(F.interpolate(gray[None], size=like.shape[-2:])[0, 0], len(like))
