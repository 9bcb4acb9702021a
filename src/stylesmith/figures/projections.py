"""Projections of generated and real images, and noise maps (StyleGAN2, Figures 9, 10 and 18)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.callbacks import ProgressCallback
from stylesmith.errors import UsageError
from stylesmith.figures.figure_input import FigureInput
from stylesmith.figures.panels import OKABE_ITO_COLORS, ChartPanel, FigureLayout, ImagePanel
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
from stylesmith.metrics.image_sources import training_data_config
from stylesmith.sampling import load_latents

if TYPE_CHECKING:
    from matplotlib.axes import Axes


DEFAULT_EXAMPLE_IMAGES, DEFAULT_HISTOGRAM_IMAGES = 4, 8
"""Images of each kind, for Figures 9 and 10."""
DEFAULT_PROJECTION_STEPS = 200
"""Of a projection; 1,000 in the paper."""


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


def example_projections(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 9: targets above what was found, for generated and real images of each model."""
    found, how = _project_for_all_models(subject, DEFAULT_EXAMPLE_IMAGES, on_progress)
    panels = [
        [
            _target_and_projection_panel(
                one.generated, f"{one.name}, generated images", words=True
            ),
            _target_and_projection_panel(one.real, "Real images", words=False),
        ]
        for one in found
    ]
    noise = any(one.noise for kinds in found for one in kinds.generated)
    caption = (
        "StyleGAN2, Figure 9. Example images and their projected and re-synthesized counterparts. "
        "The top row shows target images, the bottom row the synthesis of the projected latent "
        f"vector{' and noise inputs' if noise else ''}; above them their distance. "
        f"{_distance_caption(found)} {how}"
    )
    return FigureLayout(caption, panels)


def projection_histograms(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 10: histograms of distances between original and projected images."""
    found, how = _project_for_all_models(subject, DEFAULT_HISTOGRAM_IMAGES, on_progress)
    farthest = max(max(*one.separation.generated, *one.separation.real) for one in found) or 1.0
    charts = [
        ChartPanel(_plot_distance_histogram(one, farthest), one.name, height=320) for one in found
    ]
    caption = (
        "StyleGAN2, Figure 10. Distance histograms between original and projected images for "
        "generated (blue) and real images (orange); a tick for each image. "
        f"{_distance_caption(found)} {how}"
    )
    return FigureLayout(caption, [charts])


def project_images(
    search: LatentOptimizer, targets: Sequence[ProjectionTarget], on_progress: ProgressCallback
) -> list[ProjectedExample]:
    """Project images together, and draw what was found as every command does."""
    with TemporaryDirectory(prefix="stylesmith-") as folder:
        projector = Projector(search, Path(folder), on_progress=on_progress)
        found = {
            one.target.name: _read_projected_image(one, projector)
            for one in projector.project(targets)
        }
    return [found[target.name] for target in targets]


def open_figure_search(
    subject: FigureInput, settings: ProjectionSettings
) -> tuple[LatentOptimizer, str]:
    """A search by the distance that the user chose, or that there is; and for captions, how.

    Raises:
        UsageError: If the class, or the distance, doesn't fit the network.
        ModelError: If the weights of the distance are missing.
    """
    search, reason = open_optimizer(subject.generator, settings, subject.options.distance)
    words = f"{settings.steps} steps, by the distance {search.distance.name!r}."
    if reason:
        words += f" {reason[0].upper()}{reason[1:]}."
    return search, words


def real_images_path(subject: FigureInput) -> Path:
    """Where the images are that the user named, or else those that a run was trained on.

    Raises:
        ModelError: If there are none.
    """
    if subject.options.data:
        return subject.options.data
    trained = training_data_config(subject.path)
    if trained is None:
        raise subject.missing_error("its training data", "name real images by --data")
    return Path(trained.path)


def _project_for_all_models(
    subject: FigureInput, default: int, on_progress: ProgressCallback
) -> tuple[list[GeneratedAndRealProjections], str]:
    """Projections of one model or two, by the same method, and how they were made in words."""
    choices = subject.options
    count, data = choices.count or default, real_images_path(subject)
    settings = ProjectionSettings(
        steps=choices.steps or DEFAULT_PROJECTION_STEPS, label=choices.label
    )
    subjects = [subject, *([subject.other()] if choices.other else [])]
    found, words = [], ""
    for number, one in enumerate(subjects):
        search, words = open_figure_search(one, settings)

        def advance(done: int, total: int, before: int = number) -> None:
            on_progress(before * total + done, len(subjects) * total)

        found.append(_project_generated_and_real(one, search, data, count, advance))
    return found, f"{count} images of each kind, real ones of {data.name}; {words}"


def _project_generated_and_real(
    subject: FigureInput,
    search: LatentOptimizer,
    data: Path,
    count: int,
    on_progress: ProgressCallback,
) -> GeneratedAndRealProjections:
    generator, settings = subject.generator, search.settings
    own = generated_targets(generator, count, settings)
    others = real_targets(data, generator, count, settings, option="--count")
    found = project_images(search, [*own, *others], on_progress)
    return GeneratedAndRealProjections(
        subject.name, search.distance.name, found[:count], found[count:]
    )


def _read_projected_image(found: ProjectionResult, projector: Projector) -> ProjectedExample:
    pipeline = projector.pipeline
    codes = load_latents(found.folder.latent, pipeline.config, model=pipeline.model_hash)
    image = pipeline.draw(pipeline.codes([codes]))[0].cpu()
    looked_for = len(projector.optimizer.variables.noise_shapes)
    noise = [map_.cpu() for map_ in codes.noise[:looked_for] if map_ is not None]
    return ProjectedExample(found.target.image, image, noise, found.distance)


def _target_and_projection_panel(
    found: Sequence[ProjectedExample], title: str, *, words: bool
) -> ImagePanel:
    targets, images = ([one.target for one in found], [one.image for one in found])
    rows = torch.stack([torch.stack(targets), torch.stack(images)])
    columns = [f"{one.distance:.3g}" for one in found]
    return ImagePanel(rows, ("target", "re-synthesized") if words else (), columns, title)


def _distance_caption(found: Sequence[GeneratedAndRealProjections]) -> str:
    return "; ".join(one.describe() for one in found) + "."


def _plot_distance_histogram(
    kinds: GeneratedAndRealProjections, farthest: float
) -> Callable[["Axes"], None]:
    def plot(axes: "Axes") -> None:
        edges = [farthest * i / DISTANCE_BINS for i in range(DISTANCE_BINS + 1)]
        pair = (kinds.separation.generated, kinds.separation.real)
        for row, (name, values) in enumerate(zip(("generated", "real"), pair, strict=True)):
            color, shares = OKABE_ITO_COLORS[row], [100 / len(values)] * len(values)
            label = f"{name} ({len(values)})"
            axes.hist(values, edges, weights=shares, color=color, alpha=0.6, label=label)
        top = axes.get_ylim()[1]
        for row, values in enumerate(pair):
            axes.plot(
                values, [-top * (row + 1) / 20] * len(values), "|", color=OKABE_ITO_COLORS[row]
            )
        axes.set_xlabel(f"distance ({kinds.distance}) between original and projected image")
        axes.set_ylabel("% of images")
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0)

    return plot


NOISE_DISPLAY_STDS = 2.5
"""Standard deviations from gray to black and to white."""
MIN_SHOWN_SIDE = 160
"""Pixels of an image on the page, where it has less."""
SHOWN_RESOLUTIONS = 2
"""Resolutions of which a map is shown, the finest ones."""


def noise_regularization(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 18: one picture projected without and with the regularizer."""
    subject.require_noise()
    on = ProjectionSettings(
        steps=subject.options.steps or DEFAULT_PROJECTION_STEPS, label=subject.options.label
    )
    target = projection_target(subject, on)
    panels, words = [], ""
    for number, settings in enumerate((replace(on, noise_weight=0.0), on)):
        search, words = open_figure_search(subject, settings)

        def advance(done: int, total: int, before: int = number) -> None:
            on_progress(before * total + done, 2 * total)

        (found,) = project_images(search, [target], advance)
        panels.append(
            _regularization_panel(found, "on" if settings.noise_weight else "off", settings)
        )
    caption = (
        "StyleGAN2, Figure 18. Effect of noise regularization in latent-space projection, where "
        f"the noise inputs of {subject.name} are optimized too. Top to bottom: target image "
        f"({target.source}), re-synthesized image, contents of noise maps at different "
        "resolutions, with their squared autocorrelation at shifts of one pixel over all scales, "
        "which adds up over all maps to the number above. "
        "Off, maps are only normalized to zero mean and unit variance, and signal sneaks into "
        f"them; on, the weight is {on.noise_weight:g}. {words}"
    )
    return FigureLayout(caption, [panels])


def projection_target(subject: FigureInput, settings: ProjectionSettings) -> ProjectionTarget:
    """A real image, or one that the second model generated, where the user named one.

    Raises:
        UsageError: If both are named, or the second model draws in another size.
        ModelError: If there is none.
    """
    generator, choices = subject.generator, subject.options
    if choices.other is None:
        data = real_images_path(subject)
        (target,) = real_targets(data, generator, 1, settings, option="--count")
        return replace(target, source=target.source.replace(str(data), data.name, 1))
    if choices.data is not None:
        raise UsageError("--data and --other: each names the picture to project; leave one out")
    other = subject.other()
    (target,) = generated_targets(other.generator, 1, settings)
    height, width = generator.image_size
    wanted = (generator.config.image_channels, height, width)
    if tuple(target.image.shape) != wanted:
        raise UsageError(
            f"--other {other.path}: draws images of {tuple(target.image.shape)}, {subject.path} of "
            f"{wanted}; wanted one with the same channels, height and width"
        )
    return replace(target, source=f"{target.source} of {other.name}")


def finest_noise_maps(noise: Sequence[Tensor]) -> list[Tensor]:
    """The last noise map of each of the finest resolutions, the finest first."""
    last = {noise_map.shape: noise_map for noise_map in noise}
    return list(last.values())[: -SHOWN_RESOLUTIONS - 1 : -1]


def _regularization_panel(
    found: ProjectedExample, name: str, settings: ProjectionSettings
) -> ImagePanel:
    images, rows = [found.target, found.image], ["target image", "re-synthesized"]
    for noise_map in finest_noise_maps(found.noise):
        height, width = noise_map.shape[-2:]
        images.append(noise_map_image(noise_map[0], found.target))
        measure = float(noise_regularizer([noise_map], settings.form))
        rows.append(f"noise {width}x{height}: {measure:.2g}")
    total = float(noise_regularizer(found.noise, settings.form))
    side = min(found.target.shape[-2:])
    return ImagePanel(
        torch.stack(images)[:, None],
        rows,
        title=f"Regularization {name}: {total:.2g} in all",
        zoom=max(1, MIN_SHOWN_SIDE // side),
    )


def noise_map_image(noise_map: Tensor, like: Tensor) -> Tensor:
    """A map `(1, h, w)` in gray, in the size and with the channels of an image `(C, H, W)`."""
    gray = F.interpolate((noise_map / NOISE_DISPLAY_STDS).clamp(-1, 1)[None], size=like.shape[-2:])[
        0
    ]
    image = gray.repeat(len(like), 1, 1)
    if len(like) == 4:  # opaque
        image[3] = 1
    return image
