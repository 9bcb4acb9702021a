"""Feature maps at every resolution (StyleGAN2, appendix A, Figures 15 and 16)."""

import torch
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.figures.activations import (
    Activations,
    by_strength,
    fine_share,
    level_names,
    normalized_view,
    observe,
    observe_each,
    peaks,
    sheet,
)
from stylesmith.figures.by_level import Curve, level_chart
from stylesmith.figures.drawing import Drawing, Pictures
from stylesmith.figures.subject import Progress, Subject
from stylesmith.sampling import Painter, Source
from stylesmith.sampling.sources import source_name

CANDIDATES = 64
"""Images of which the most unusual one is looked for."""
COUNT = 16
"""Images over which high-frequency content is averaged."""
STRONGEST = 3
"""Feature maps that are shown of each resolution."""
SCALE = (
    f"The {STRONGEST} feature maps with the largest standard deviation are shown at each "
    "resolution, normalized to the viewable dynamic range using instance normalization."
)


def broken_image(subject: Subject, on_progress: Progress) -> Drawing:
    """Figure 15: activations of a successful image and of the most corrupted one.

    Raises:
        UsageError: If the user chose other than two images.
    """
    painter = subject.pipeline()
    if subject.options.seeds is None:
        sources, rule = _extremes(subject, painter, on_progress)
        words = ["most usual: ", "most unusual: "]
    else:
        sources, rule = subject.exact_sources(painter, (0, 1)), "They were chosen by hand."
        words = ["", ""]
    panels = [
        [_strongest(observe(painter, painter.codes([source])), word + source_name(source))]
        for source, word in zip(sources, words, strict=True)
    ]
    caption = f"StyleGAN2, Figure 15. Activations of two images of {subject.name}. {rule} {SCALE}"
    return Drawing(caption, panels)


def growing_activations(subject: Subject, on_progress: Progress) -> Drawing:
    """Figure 16: activations of networks with and without progressive growing."""
    subjects = subject.compared_inputs()
    panels, curves = [], []
    for one in subjects:
        painter = one.pipeline()
        source = one.exact_sources(painter, [0])
        panels.append([_strongest(observe(painter, painter.codes(source)), _describe(one))])
        curves.append((_describe(one), high_frequencies(one, on_progress)))
    chart = level_chart(
        curves, "variance finer than 2x2 means", title="High-frequency content", y_limits=(0, 1)
    )
    caption = (
        "StyleGAN2, Figure 16. Does progressive growing lead to higher-frequency content in the "
        f"intermediate layers? {SCALE} The chart has the share of their variance that half the "
        "resolution could not hold (what means over 2x2 pixels take away; 3/4 for white noise), "
        f"over all maps of {subject.options.count or COUNT} images."
    )
    return Drawing(caption, [*panels, [chart]])


def most_and_least_usual(values: Tensor) -> tuple[int, int]:
    """Rows of positive measures `(N, levels)` nearest to the mean row and farthest from it.

    Distances are of logarithms, in standard deviations of each column.
    """
    logs = values.double().log()
    scores = (logs - logs.mean(dim=0)) / logs.std(dim=0).clamp(min=1e-9)
    distances = scores.square().sum(dim=1)
    return int(distances.argmin()), int(distances.argmax())


def high_frequencies(subject: Subject, on_progress: Progress) -> Curve:
    """`fine_share` at each resolution above the base, as a mean over images."""
    count = subject.options.count or COUNT
    rows, names = [], []
    for number, seen in enumerate(observe_each(subject.pipeline(), range(count)), 1):
        rows.append([fine_share(maps) for maps in seen.features[1:]])
        names = level_names(seen.features[1:])
        on_progress(number, count)
    return dict(zip(names, torch.tensor(rows).mean(dim=0).tolist(), strict=True))


def _extremes(
    subject: Subject, painter: Painter, on_progress: Progress
) -> tuple[list[Source], str]:
    """The seeds with the most and the least usual activations, and the rule in words."""
    count = subject.options.count or CANDIDATES
    if count < 2:
        raise UsageError(f"--count {count}: wanted at least two images to choose from")
    rows = []
    for number, seen in enumerate(observe_each(painter, range(count)), 1):
        rows.append(torch.cat([peaks(maps) for maps in seen.features]).cpu())
        on_progress(number, count)
    rule = (
        f"Of seeds 0-{count - 1} they are those whose activations are the most usual and the most "
        "unusual: the peak that all normalized maps have in common departs least and most from its "
        "mean over the seeds, in standard deviations of its logarithm at each resolution. It does "
        "where a droplet is missing, or one too many."
    )
    return list(most_and_least_usual(torch.stack(rows))), rule


def _strongest(seen: Activations, title: str) -> Pictures:
    levels = []
    for maps in seen.features:
        chosen = by_strength(maps[0])[:STRONGEST]
        levels.append(normalized_view(maps[0, chosen]))
    return Pictures(
        sheet(seen.images[0], levels),
        columns=["image", *level_names(seen.features)],
        title=title,
    )


def _describe(subject: Subject) -> str:
    grows = subject.generator.config.connection == "grow"
    return f"{subject.name} ({'with' if grows else 'without'} progressive growing)"
