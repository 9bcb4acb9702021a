"""Feature maps at every resolution (StyleGAN2, appendix A, Figures 15 and 16)."""

import torch
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.figures.activations import (
    Activations,
    capture_activations,
    capture_activations_of_seeds,
    feature_map_grid,
    high_frequency_fraction,
    indices_by_std,
    max_normalized_rms,
    normalized_view,
    resolution_names,
)
from stylesmith.figures.by_level import ResolutionCurve, resolution_chart
from stylesmith.figures.drawing import FigureLayout, ImagePanel
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.sampling import SamplingPipeline, SeedOrLatent
from stylesmith.sampling.sources import image_stem

DEFAULT_CANDIDATE_IMAGES = 64
"""Images of which the most unusual one is looked for."""
DEFAULT_FREQUENCY_IMAGES = 16
"""Images over which high-frequency content is averaged."""
SHOWN_FEATURE_MAPS = 3
"""Feature maps that are shown of each resolution."""
FEATURE_MAP_CAPTION = (
    f"The {SHOWN_FEATURE_MAPS} feature maps with the largest standard deviation are shown at each "
    "resolution, normalized to the viewable dynamic range using instance normalization."
)


def corrupted_image_activations(
    subject: FigureInput, on_progress: ProgressCallback
) -> FigureLayout:
    """Figure 15: activations of a successful image and of the most corrupted one.

    Raises:
        UsageError: If the user chose other than two images.
    """
    painter = subject.pipeline()
    if subject.options.seeds is None:
        sources, rule = _choose_usual_and_unusual(subject, painter, on_progress)
        words = ["most usual: ", "most unusual: "]
    else:
        sources, rule = subject.exact_sources(painter, (0, 1)), "They were chosen by hand."
        words = ["", ""]
    panels = [
        [
            _strongest_maps_panel(
                capture_activations(painter, painter.codes([source])), word + image_stem(source)
            )
        ]
        for source, word in zip(sources, words, strict=True)
    ]
    caption = f"StyleGAN2, Figure 15. Activations of two images of {subject.name}. {rule} {FEATURE_MAP_CAPTION}"
    return FigureLayout(caption, panels)


def progressive_growing_activations(
    subject: FigureInput, on_progress: ProgressCallback
) -> FigureLayout:
    """Figure 16: activations of networks with and without progressive growing."""
    subjects = subject.compared_inputs()
    panels, curves = [], []
    for one in subjects:
        painter = one.pipeline()
        source = one.exact_sources(painter, [0])
        panels.append(
            [
                _strongest_maps_panel(
                    capture_activations(painter, painter.codes(source)), _name_and_growing(one)
                )
            ]
        )
        curves.append((_name_and_growing(one), high_frequency_curve(one, on_progress)))
    chart = resolution_chart(
        curves, "variance finer than 2x2 means", title="High-frequency content", y_limits=(0, 1)
    )
    caption = (
        "StyleGAN2, Figure 16. Does progressive growing lead to higher-frequency content in the "
        f"intermediate layers? {FEATURE_MAP_CAPTION} The chart has the share of their variance that half the "
        "resolution could not hold (what means over 2x2 pixels take away; 3/4 for white noise), "
        f"over all maps of {subject.options.count or DEFAULT_FREQUENCY_IMAGES} images."
    )
    return FigureLayout(caption, [*panels, [chart]])


def nearest_and_farthest_rows(values: Tensor) -> tuple[int, int]:
    """Rows of positive measures `(N, levels)` nearest to the mean row and farthest from it.

    Distances are of logarithms, in standard deviations of each column.
    """
    logs = values.double().log()
    scores = (logs - logs.mean(dim=0)) / logs.std(dim=0).clamp(min=1e-9)
    distances = scores.square().sum(dim=1)
    return int(distances.argmin()), int(distances.argmax())


def high_frequency_curve(subject: FigureInput, on_progress: ProgressCallback) -> ResolutionCurve:
    """`high_frequency_fraction` at each resolution above the base, as a mean over images."""
    count = subject.options.count or DEFAULT_FREQUENCY_IMAGES
    rows, names = [], []
    for number, seen in enumerate(
        capture_activations_of_seeds(subject.pipeline(), range(count)), 1
    ):
        rows.append([high_frequency_fraction(maps) for maps in seen.features[1:]])
        names = resolution_names(seen.features[1:])
        on_progress(number, count)
    return dict(zip(names, torch.tensor(rows).mean(dim=0).tolist(), strict=True))


def _choose_usual_and_unusual(
    subject: FigureInput, painter: SamplingPipeline, on_progress: ProgressCallback
) -> tuple[list[SeedOrLatent], str]:
    """The seeds with the most and the least usual activations, and the rule in words."""
    count = subject.options.count or DEFAULT_CANDIDATE_IMAGES
    if count < 2:
        raise UsageError(f"--count {count}: wanted at least two images to choose from")
    rows = []
    for number, seen in enumerate(capture_activations_of_seeds(painter, range(count)), 1):
        rows.append(torch.cat([max_normalized_rms(maps) for maps in seen.features]).cpu())
        on_progress(number, count)
    rule = (
        f"Of seeds 0-{count - 1} they are those whose activations are the most usual and the most "
        "unusual: the peak that all normalized maps have in common departs least and most from its "
        "mean over the seeds, in standard deviations of its logarithm at each resolution. It does "
        "where a droplet is missing, or one too many."
    )
    return list(nearest_and_farthest_rows(torch.stack(rows))), rule


def _strongest_maps_panel(seen: Activations, title: str) -> ImagePanel:
    levels = []
    for maps in seen.features:
        chosen = indices_by_std(maps[0])[:SHOWN_FEATURE_MAPS]
        levels.append(normalized_view(maps[0, chosen]))
    return ImagePanel(
        feature_map_grid(seen.images[0], levels),
        columns=["image", *resolution_names(seen.features)],
        title=title,
    )


def _name_and_growing(subject: FigureInput) -> str:
    grows = subject.generator.config.connection == "grow"
    return f"{subject.name} ({'with' if grows else 'without'} progressive growing)"
