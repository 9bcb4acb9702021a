"""Droplets: a spot in all feature maps that instance normalization brings about.

Source: StyleGAN2, section 2, Figures 1 and 3.
"""

import torch
from torch import Tensor

from stylesmith.figures.activations import (
    Activations,
    by_strength,
    common_view,
    joint_view,
    level_names,
    normalization_name,
    normalized_view,
    observe,
    observe_each,
    peaks,
    sheet,
)
from stylesmith.figures.by_level import Curve, level_chart
from stylesmith.figures.drawing import Chart, Drawing, Pictures
from stylesmith.figures.subject import Progress, Subject

COUNT = 16
"""Images whose peaks are averaged in the chart."""
SCALE = (
    "Gray is the mean, white and black lie three standard deviations from it. The joint strength "
    "is the root mean square of all maps after instance normalization, black at 0 and white from 3 "
    "on. The chart has its peak, as a mean over {count} images: 1 if no pixel stands out, and "
    "large if all maps have the same spot."
)


def droplets(subject: Subject, on_progress: Progress) -> Drawing:
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
    seen = _look(subject)
    levels = [
        _before_and_after(before[0], after[0])
        for before, after in zip(seen.adain_inputs, seen.features, strict=True)
    ]
    pictures = Pictures(
        sheet(seen.images[0], levels),
        rows=[
            "before: strongest map",
            "before: map of middle strength",
            "after: strongest map",
            "after: map of middle strength",
            "joint strength of all maps",
        ],
        columns=["image", *level_names(seen.features)],
    )
    caption = (
        f"StyleGAN2, Figure 1. Do droplets show in the activations of {subject.name}, before and "
        "after instance normalization? Maps before it are shown on one scale for each resolution, "
        f"those after it each on its own. {SCALE.format(count=_count(subject))}"
    )
    chart = _peak_chart([subject], on_progress)
    return Drawing(caption, [[pictures], [chart]])


def without_droplets(subject: Subject, on_progress: Progress) -> Drawing:
    """Figure 3: activations of this model, and beside it of another with other normalization."""
    subjects = subject.compared_inputs()
    panels = [[_plain_sheet(one)] for one in subjects]
    chart = _peak_chart(subjects, on_progress)
    caption = (
        "StyleGAN2, Figure 3. Does demodulation in place of instance normalization remove the "
        f"droplets? Seen are {' and '.join(_describe(one) for one in subjects)}. "
        f"{SCALE.format(count=_count(subject))}"
    )
    return Drawing(caption, [*panels, [chart]])


def mean_peaks(subject: Subject, on_progress: Progress) -> Curve:
    """The peak at each resolution, as a mean over images."""
    count, painter = _count(subject), subject.pipeline()
    rows, names = [], []
    for number, seen in enumerate(observe_each(painter, range(count)), 1):
        rows.append(torch.cat([peaks(maps) for maps in seen.features]))
        names = level_names(seen.features)
        on_progress(number, count)
    return dict(zip(names, torch.stack(rows).mean(dim=0).tolist(), strict=True))


def _before_and_after(before: Tensor, after: Tensor) -> Tensor:
    """Five planes of one level: two maps before, the same two after, and all together."""
    order = by_strength(before)
    chosen = [order[0], order[len(order) // 2]]
    planes = [common_view(before)[chosen], normalized_view(after[chosen]), joint_view(after)]
    return torch.cat(planes)


def _plain_sheet(subject: Subject) -> Pictures:
    seen = _look(subject)
    levels = []
    for maps in seen.features:
        order = by_strength(maps[0])
        chosen = [order[0], order[len(order) // 2]]
        levels.append(torch.cat([normalized_view(maps[0, chosen]), joint_view(maps[0])]))
    return Pictures(
        sheet(seen.images[0], levels),
        rows=["strongest map", "map of middle strength", "joint strength of all maps"],
        columns=["image", *level_names(seen.features)],
        title=_describe(subject),
    )


def _look(subject: Subject) -> Activations:
    painter = subject.pipeline()
    return observe(painter, painter.codes(subject.exact_sources(painter, [0])))


def _peak_chart(subjects: list[Subject], on_progress: Progress) -> Chart:
    curves = [(_describe(one), mean_peaks(one, on_progress)) for one in subjects]
    return level_chart(curves, "peak of joint strength", title="Do all maps share a spot?")


def _describe(subject: Subject) -> str:
    return f"{subject.name} ({normalization_name(subject.generator.config)})"


def _count(subject: Subject) -> int:
    return subject.options.count or COUNT
