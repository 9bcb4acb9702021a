"""Feature maps of a generator: droplet artifacts, corrupted images and progressive growing.

Source: StyleGAN2, Figures 1, 3, 15 and 16.
"""

import torch
from torch import Tensor

from stylesmith.callbacks import ProgressCallback
from stylesmith.config import AdaINConfig
from stylesmith.errors import UsageError
from stylesmith.figures.activations import (
    Activations,
    capture_activations,
    capture_activations_of_seeds,
    common_scale_view,
    feature_map_grid,
    high_frequency_fraction,
    indices_by_std,
    max_normalized_rms,
    normalized_rms_view,
    normalized_view,
    resolution_names,
)
from stylesmith.figures.figure_input import FigureInput
from stylesmith.figures.panels import (
    ChartPanel,
    FigureLayout,
    ImagePanel,
    ResolutionCurve,
    resolution_chart,
)
from stylesmith.sampling import SamplingPipeline, SeedOrLatent
from stylesmith.sampling.latent_files import image_stem

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
    if not isinstance(subject.generator.config, AdaINConfig):
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
    count, pipeline = _peak_image_count(subject), subject.pipeline()
    rows, names = [], []
    for number, seen in enumerate(capture_activations_of_seeds(pipeline, range(count)), 1):
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
    pipeline = subject.pipeline()
    return capture_activations(pipeline, pipeline.codes(subject.exact_sources(pipeline, [0])))


def _peak_chart(subjects: list[FigureInput], on_progress: ProgressCallback) -> ChartPanel:
    curves = [(_name_and_normalization(one), mean_peak_curve(one, on_progress)) for one in subjects]
    return resolution_chart(curves, "peak of joint strength", title="Do all maps share a spot?")


def _name_and_normalization(subject: FigureInput) -> str:
    return f"{subject.name} ({subject.generator.config.normalization})"


def _peak_image_count(subject: FigureInput) -> int:
    return subject.options.count or DEFAULT_PEAK_IMAGES


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
    pipeline = subject.pipeline()
    if subject.options.seeds is None:
        sources, rule = _choose_usual_and_unusual(subject, pipeline, on_progress)
        words = ["most usual: ", "most unusual: "]
    else:
        sources, rule = subject.exact_sources(pipeline, (0, 1)), "They were chosen by hand."
        words = ["", ""]
    panels = [
        [
            _strongest_maps_panel(
                capture_activations(pipeline, pipeline.codes([source])), word + image_stem(source)
            )
        ]
        for source, word in zip(sources, words, strict=True)
    ]
    caption = (
        f"StyleGAN2, Figure 15. Activations of two images of {subject.name}. {rule} "
        f"{FEATURE_MAP_CAPTION}"
    )
    return FigureLayout(caption, panels)


def progressive_growing_activations(
    subject: FigureInput, on_progress: ProgressCallback
) -> FigureLayout:
    """Figure 16: activations of networks with and without progressive growing."""
    subjects = subject.compared_inputs()
    panels, curves = [], []
    for one in subjects:
        pipeline = one.pipeline()
        source = one.exact_sources(pipeline, [0])
        panels.append(
            [
                _strongest_maps_panel(
                    capture_activations(pipeline, pipeline.codes(source)), _name_and_growing(one)
                )
            ]
        )
        curves.append((_name_and_growing(one), high_frequency_curve(one, on_progress)))
    chart = resolution_chart(
        curves, "variance finer than 2x2 means", title="High-frequency content", y_limits=(0, 1)
    )
    caption = (
        "StyleGAN2, Figure 16. Does progressive growing lead to higher-frequency content in the "
        f"intermediate layers? {FEATURE_MAP_CAPTION} The chart has the share of their variance "
        "that half the resolution could not hold (what means over 2x2 pixels take away; 3/4 for "
        f"white noise), over all maps of {subject.options.count or DEFAULT_FREQUENCY_IMAGES} "
        "images."
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
    subject: FigureInput, pipeline: SamplingPipeline, on_progress: ProgressCallback
) -> tuple[list[SeedOrLatent], str]:
    """The seeds with the most and the least usual activations, and the rule in words."""
    count = subject.options.count or DEFAULT_CANDIDATE_IMAGES
    if count < 2:
        raise UsageError(f"--count {count}: wanted at least two images to choose from")
    rows = []
    for number, seen in enumerate(capture_activations_of_seeds(pipeline, range(count)), 1):
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
