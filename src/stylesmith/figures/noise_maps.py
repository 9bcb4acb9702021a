"""What noise regularization keeps out of the noise maps of a projection (StyleGAN2, Figure 18)."""

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.figures.drawing import FigureLayout, ImagePanel
from stylesmith.figures.projections import (
    DEFAULT_PROJECTION_STEPS,
    ProjectedExample,
    open_figure_search,
    project_images,
    real_images_path,
)
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.inversion import ProjectionSettings, ProjectionTarget, noise_regularizer
from stylesmith.inversion.both_kinds import generated_targets, real_targets

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
