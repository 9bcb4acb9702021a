"""Droplets: a spot in all feature maps that instance normalization brings about.

Source: StyleGAN2, section 2, Figures 1 and 3.
"""

import torch
from torch import Tensor

from stylesmith.figures.activations import (
    Activations,
    capture_activations,
    capture_activations_of_seeds,
    common_scale_view,
    feature_map_grid,
    indices_by_std,
    max_normalized_rms,
    normalization_name,
    normalized_rms_view,
    normalized_view,
    resolution_names,
)
from stylesmith.figures.by_level import ResolutionCurve, resolution_chart
from stylesmith.figures.drawing import ChartPanel, FigureLayout, ImagePanel
from stylesmith.figures.subject import FigureInput, ProgressCallback

DEFAULT_PEAK_IMAGES = 16
"""Images whose peaks are averaged in the chart."""
PEAK_CAPTION = (
    "Gray is the mean, white and black lie three standard deviations from it. The joint strength "
    "is the root mean square of all maps after instance normalization, black at 0 and white from 3 "
    "on. The chart has its peak, as a mean over {count} images: 1 if no pixel stands out, and "
    "large if all maps have the same spot."
)


def droplet_artifacts(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 1: feature maps before and after instance normalization.

    Raises:
        ModelError: If the network has no instance normalization.
    """
    if subject.generator.config.kind != "adain":
        raise subject.missing_error(
            "instance normalization",
            "AdaIN networks have it (stylegan-c to stylegan-f, stylegan2-a); "
            "stylegan2-3 shows any network",
        )
    seen = _capture_one_image(subject)
    levels = [
        _adain_planes(before[0], after[0])
        for before, after in zip(seen.adain_inputs, seen.features, strict=True)
    ]
    pictures = ImagePanel(
        feature_map_grid(seen.images[0], levels),
        rows=[
            "before: strongest map",
            "before: map of middle strength",
            "after: strongest map",
            "after: map of middle strength",
            "joint strength of all maps",
        ],
        columns=["image", *resolution_names(seen.features)],
    )
    caption = (
        f"StyleGAN2, Figure 1. Do droplets show in the activations of {subject.name}, before and "
        "after instance normalization? Maps before it are shown on one scale for each resolution, "
        f"those after it each on its own. {PEAK_CAPTION.format(count=_peak_image_count(subject))}"
    )
    chart = _peak_chart([subject], on_progress)
    return FigureLayout(caption, [[pictures], [chart]])


def activations_without_droplets(
    subject: FigureInput, on_progress: ProgressCallback
) -> FigureLayout:
    """Figure 3: activations of this model, and beside it of another with other normalization."""
    subjects = subject.compared_inputs()
    panels = [[_activation_panel(one)] for one in subjects]
    chart = _peak_chart(subjects, on_progress)
    caption = (
        "StyleGAN2, Figure 3. Does demodulation in place of instance normalization remove the "
        f"droplets? Seen are {' and '.join(_name_and_normalization(one) for one in subjects)}. "
        f"{PEAK_CAPTION.format(count=_peak_image_count(subject))}"
    )
    return FigureLayout(caption, [*panels, [chart]])


def mean_peak_curve(subject: FigureInput, on_progress: ProgressCallback) -> ResolutionCurve:
    """The peak at each resolution, as a mean over images."""
    count, painter = _peak_image_count(subject), subject.pipeline()
    rows, names = [], []
    for number, seen in enumerate(capture_activations_of_seeds(painter, range(count)), 1):
        rows.append(torch.cat([max_normalized_rms(maps) for maps in seen.features]))
        names = resolution_names(seen.features)
        on_progress(number, count)
    return dict(zip(names, torch.stack(rows).mean(dim=0).tolist(), strict=True))


def _adain_planes(before: Tensor, after: Tensor) -> Tensor:
    """Five planes of one level: two maps before, the same two after, and all together."""
    order = indices_by_std(before)
    chosen = [order[0], order[len(order) // 2]]
    planes = [
        common_scale_view(before)[chosen],
        normalized_view(after[chosen]),
        normalized_rms_view(after),
    ]
    return torch.cat(planes)


def _activation_panel(subject: FigureInput) -> ImagePanel:
    seen = _capture_one_image(subject)
    levels = []
    for maps in seen.features:
        order = indices_by_std(maps[0])
        chosen = [order[0], order[len(order) // 2]]
        levels.append(torch.cat([normalized_view(maps[0, chosen]), normalized_rms_view(maps[0])]))
    return ImagePanel(
        feature_map_grid(seen.images[0], levels),
        rows=["strongest map", "map of middle strength", "joint strength of all maps"],
        columns=["image", *resolution_names(seen.features)],
        title=_name_and_normalization(subject),
    )


def _capture_one_image(subject: FigureInput) -> Activations:
    painter = subject.pipeline()
    return capture_activations(painter, painter.codes(subject.exact_sources(painter, [0])))


def _peak_chart(subjects: list[FigureInput], on_progress: ProgressCallback) -> ChartPanel:
    curves = [(_name_and_normalization(one), mean_peak_curve(one, on_progress)) for one in subjects]
    return resolution_chart(curves, "peak of joint strength", title="Do all maps share a spot?")


def _name_and_normalization(subject: FigureInput) -> str:
    return f"{subject.name} ({normalization_name(subject.generator.config)})"


def _peak_image_count(subject: FigureInput) -> int:
    return subject.options.count or DEFAULT_PEAK_IMAGES
