"""Feature maps of a generator: droplet artifacts, corrupted images and progressive growing.

Source: StyleGAN2, Figures 1, 3, 15 and 16.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from stylesmith.callbacks import ProgressCallback
from stylesmith.config import AdaINConfig
from stylesmith.devices import to_float64
from stylesmith.errors import UsageError
from stylesmith.figures import activations
from stylesmith.figures.activations import Activations, capture_activations
from stylesmith.figures.figure_input import FigureInput, paper_figure
from stylesmith.figures.panels import (
    ChartPanel,
    FigureLayout,
    ImagePanel,
    ResolutionCurve,
    resolution_chart,
)
from stylesmith.sampling.latent_files import image_stem

DEFAULT_PEAK_IMAGES = 16
"""Images whose peaks are averaged in the chart."""
DEFAULT_FREQUENCY_IMAGES = 16
"""Images over which high-frequency content is averaged."""
DEFAULT_CANDIDATE_IMAGES = 64
"""Images of which the most unusual one is chosen."""
SHOWN_FEATURE_MAPS = 3
"""Feature maps that are shown of each resolution."""
PEAK_CAPTION = (
    "Gray is the mean, white and black lie three standard deviations from it. The joint strength "
    "is the root mean square of all maps after instance normalization, black at 0 and white from 3 "
    "on. The chart has its peak, as a mean over {count} images: 1 if no pixel stands out, and "
    "large if all maps have the same spot."
)
FEATURE_MAP_CAPTION = (
    f"The {SHOWN_FEATURE_MAPS} feature maps with the largest standard deviation are shown at each "
    "resolution, normalized to the viewable dynamic range using instance normalization."
)


@paper_figure(
    "stylegan2-1",
    "Droplets: feature maps before and after instance normalization",
    "seeds label psi count",
    "AdaIN",
)
def droplet_artifacts(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 1: feature maps before and after instance normalization.

    Raises:
        ModelError: If the network has no instance normalization.
    """
    if not isinstance(model.generator.config, AdaINConfig):
        raise model.missing_error(
            "instance normalization",
            "AdaIN networks have it (stylegan-c to stylegan-f, stylegan2-a); "
            "stylegan2-3 shows any network",
        )
    caption = (
        f"StyleGAN2, Figure 1. Do droplets show in the activations of {model.name}, before and "
        "after instance normalization? Maps before it are shown on one scale for each resolution, "
        f"those after it each on its own. {_peak_caption(model)}"
    )
    panel = _activation_panel(model, before_normalization=True)
    return FigureLayout(caption, [[panel], [_peak_chart([model], on_progress)]])


@paper_figure(
    "stylegan2-3",
    "Activations with demodulation in place of normalization",
    "seeds label psi count other",
    "any model; --other with other normalization",
)
def activations_without_droplets(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 3: activations of this model, and beside it of another with other normalization."""
    models = model.compared_inputs()
    panels = [[_activation_panel(one, title=_name_and_normalization(one))] for one in models]
    caption = (
        "StyleGAN2, Figure 3. Does demodulation in place of instance normalization remove the "
        f"droplets? Seen are {' and '.join(_name_and_normalization(one) for one in models)}. "
        f"{_peak_caption(model)}"
    )
    return FigureLayout(caption, [*panels, [_peak_chart(models, on_progress)]])


@paper_figure(
    "stylegan2-15", "Activations of a successful and of a corrupted image", "seeds label psi count"
)
def corrupted_image_activations(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 15: activations of a successful image and of the most corrupted one.

    Raises:
        UsageError: If the user chose other than two images.
    """
    seeds, rule, labels = (0, 1), "They were chosen by hand.", ("", "")
    if model.options.seeds is None:
        seeds, rule = _choose_usual_and_unusual(model, on_progress)
        labels = ("most usual: ", "most unusual: ")
    names = map(image_stem, model.exact_sources(model.pipeline(), seeds))
    panels = [
        [_strongest_maps_panel(found, label + name)]
        for found, label, name in zip(_capture_images(model, seeds), labels, names, strict=True)
    ]
    caption = (
        f"StyleGAN2, Figure 15. Activations of two images of {model.name}. {rule} "
        f"{FEATURE_MAP_CAPTION}"
    )
    return FigureLayout(caption, panels)


@paper_figure(
    "stylegan2-16",
    "Activations with and without progressive growing",
    "seeds label psi count other",
    "any model; --other without progressive growing",
)
def progressive_growing_activations(
    model: FigureInput, on_progress: ProgressCallback
) -> FigureLayout:
    """Figure 16: activations of networks with and without progressive growing."""
    models = model.compared_inputs()
    panels = [
        [_strongest_maps_panel(_capture_images(one, [0])[0], _name_and_growing(one))]
        for one in models
    ]
    chart = resolution_chart(
        [(_name_and_growing(one), high_frequency_curve(one, on_progress)) for one in models],
        "variance finer than 2x2 means",
        title="High-frequency content",
        y_limits=(0, 1),
    )
    caption = (
        "StyleGAN2, Figure 16. Does progressive growing lead to higher-frequency content in the "
        f"intermediate layers? {FEATURE_MAP_CAPTION} The chart has the share of their variance "
        "that half the resolution could not hold (what means over 2x2 pixels take away; 3/4 for "
        f"white noise), over all maps of {model.count(DEFAULT_FREQUENCY_IMAGES)} images."
    )
    return FigureLayout(caption, [*panels, [chart]])


def mean_peak_curve(model: FigureInput, on_progress: ProgressCallback) -> ResolutionCurve:
    """`max_normalized_rms` at each resolution, as a mean over images."""
    count, measure = model.count(DEFAULT_PEAK_IMAGES), activations.max_normalized_rms
    return _mean_curve(_measure_seeds(model, count, measure, on_progress))


def high_frequency_curve(model: FigureInput, on_progress: ProgressCallback) -> ResolutionCurve:
    """`high_frequency_fraction` at each resolution above the base, as a mean over images."""
    count, measure = model.count(DEFAULT_FREQUENCY_IMAGES), activations.high_frequency_fraction
    return _mean_curve(_measure_seeds(model, count, measure, on_progress, first_level=1))


def nearest_and_farthest_rows(values: Tensor) -> tuple[int, int]:
    """Rows of positive measures `(N, levels)` nearest to the mean row and farthest from it.

    Distances are of logarithms, in standard deviations of each column.
    """
    logs = to_float64(values).log()
    scores = (logs - logs.mean(dim=0)) / logs.std(dim=0).clamp(min=1e-9)
    distances = scores.square().sum(dim=1)
    return int(distances.argmin()), int(distances.argmax())


def _measure_seeds(
    model: FigureInput,
    count: int,
    measure: Callable[[Tensor], Tensor | float],
    on_progress: ProgressCallback,
    *,
    first_level: int = 0,
) -> list[ResolutionCurve]:
    """A measure of the feature maps `(1, F, h, w)` of each level, for seeds from 0 on."""
    curves: list[ResolutionCurve] = []
    pipeline = model.pipeline()
    for seed in range(count):
        features = capture_activations(pipeline, pipeline.codes([seed])).features[first_level:]
        values = [float(measure(maps)) for maps in features]
        curves.append(dict(zip(activations.resolution_names(features), values, strict=True)))
        on_progress(seed + 1, count)
    return curves


def _mean_curve(curves: Sequence[ResolutionCurve]) -> ResolutionCurve:
    means = torch.tensor([list(curve.values()) for curve in curves]).mean(dim=0)
    return dict(zip(curves[0], means.tolist(), strict=True))


def _choose_usual_and_unusual(
    model: FigureInput, on_progress: ProgressCallback
) -> tuple[tuple[int, int], str]:
    """The seeds with the most and the least usual activations, and the rule in words."""
    count = model.count(DEFAULT_CANDIDATE_IMAGES)
    if count < 2:
        raise UsageError(f"--count {count}: wanted at least two images to choose from")
    curves = _measure_seeds(model, count, activations.max_normalized_rms, on_progress)
    rule = (
        f"Of seeds 0-{count - 1} they are those whose activations are the most usual and the most "
        "unusual: the peak that all normalized maps have in common departs least and most from its "
        "mean over the seeds, in standard deviations of its logarithm at each resolution. It does "
        "where a droplet is missing, or one too many."
    )
    values = torch.tensor([list(curve.values()) for curve in curves])
    return nearest_and_farthest_rows(values), rule


def _capture_images(model: FigureInput, default: Sequence[int]) -> list[Activations]:
    """Activations of the images that the user chose, or else of these seeds."""
    pipeline = model.pipeline()
    sources = model.exact_sources(pipeline, default)
    return [capture_activations(pipeline, pipeline.codes([source])) for source in sources]


def _feature_map_panel(
    found: Activations,
    planes: Callable[[int], Tensor],
    rows: Sequence[str] = (),
    title: str = "",
) -> ImagePanel:
    """An image beside planes `(rows, h, w)` of each level."""
    levels = [planes(level) for level in range(len(found.features))]
    columns = ["image", *activations.resolution_names(found.features)]
    return ImagePanel(activations.feature_map_grid(found.images[0], levels), rows, columns, title)


def _strongest_maps_panel(found: Activations, title: str) -> ImagePanel:
    def planes(level: int) -> Tensor:
        maps = found.features[level][0]
        strongest = activations.indices_by_std(maps)[:SHOWN_FEATURE_MAPS]
        return activations.normalized_view(maps[strongest])

    return _feature_map_panel(found, planes, title=title)


def _activation_panel(
    model: FigureInput, *, before_normalization: bool = False, title: str = ""
) -> ImagePanel:
    """Two maps of each level and the strength of all; above them the AdaIN inputs of the two."""
    (found,) = _capture_images(model, [0])
    rows = ["strongest map", "map of middle strength"]
    if before_normalization:
        rows = [f"{time}: {row}" for time in ("before", "after") for row in rows]

    def planes(level: int) -> Tensor:
        maps = found.features[level][0]
        inputs = found.adain_inputs[level][0] if before_normalization else maps
        order = activations.indices_by_std(inputs)
        chosen = [order[0], order[len(order) // 2]]
        shown = [activations.normalized_view(maps[chosen]), activations.normalized_rms_view(maps)]
        if before_normalization:
            shown.insert(0, activations.common_scale_view(inputs)[chosen])
        return torch.cat(shown)

    return _feature_map_panel(found, planes, [*rows, "joint strength of all maps"], title)


def _peak_chart(models: Sequence[FigureInput], on_progress: ProgressCallback) -> ChartPanel:
    curves = [(_name_and_normalization(one), mean_peak_curve(one, on_progress)) for one in models]
    return resolution_chart(curves, "peak of joint strength", title="Do all maps share a spot?")


def _peak_caption(model: FigureInput) -> str:
    return PEAK_CAPTION.format(count=model.count(DEFAULT_PEAK_IMAGES))


def _name_and_normalization(model: FigureInput) -> str:
    return f"{model.name} ({model.generator.config.normalization})"


def _name_and_growing(model: FigureInput) -> str:
    grows = model.generator.config.connection == "grow"
    return f"{model.name} ({'with' if grows else 'without'} progressive growing)"
