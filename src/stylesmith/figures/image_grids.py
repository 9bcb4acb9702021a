"""Grids of images: uncurated and hand-picked samples, the data set, two models side by side.

Source: StyleGAN, Figures 2, 7 and 10 to 12; StyleGAN2, Figures 11 to 14.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.callbacks import ProgressCallback
from stylesmith.data.dataset import Dataset, open_dataset, open_training_data
from stylesmith.devices import FP32
from stylesmith.errors import UsageError
from stylesmith.figures.figure_input import (
    FigureInput,
    PaperFigure,
    describe_sources,
    describe_style_layers,
    draw_images,
    paper_figure,
)
from stylesmith.figures.panels import (
    FigureLayout,
    ImagePanel,
    arrange_in_rows,
    columns_of_falling_size,
    count_falling_size_images,
)
from stylesmith.figures.tables.measurements import parse_score_title
from stylesmith.formatting import format_image_size
from stylesmith.latents import RandomKeys
from stylesmith.metrics.evaluate import COMPARISON_FAMILIES, EvaluationSettings, evaluate
from stylesmith.metrics.extraction import ProgressReporter
from stylesmith.metrics.image_sources import SourceOptions, open_sources
from stylesmith.metrics.protocol import Metric, parse_metrics
from stylesmith.metrics.reference_statistics import StatisticsCache
from stylesmith.perception.vgg_lpips import LPIPS
from stylesmith.perception.weights import default_weights_folder, find_weight_file
from stylesmith.sampling import LatentCodes
from stylesmith.training.log import read_log

TRUNCATED_LAYERS = 8
"""First layers that are truncated, up to 32x32; finer ones only have details to lose."""
UNCURATED_PSI = 0.7
HAND_PICKED_SEEDS = (66, 230, 389, 1518)
RANDOM_SAMPLE_SEEDS = range(6600, 6626)


def uncurated_samples(
    number: int, data: str, rows: int, lods: Sequence[int], default_seed: int
) -> PaperFigure:
    """Columns of images in falling size (StyleGAN, Figures 2, 10, 11 and 12).

    Args:
        number: Number of the figure.
        data: What the published network had learned.
        rows: Images in a column of full size.
        lods: One per column: its images have 1 / 2**lod of the full side.
        default_seed: Seed of the stream of all latents.
    """

    @paper_figure(
        f"stylegan-{number}", f"Uncurated images in falling size ({data})", "seeds label psi"
    )
    def draw(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
        layers = tuple(range(min(TRUNCATED_LAYERS, model.generator.config.num_layers())))
        pipeline = model.pipeline(psi=UNCURATED_PSI, psi_layers=layers)
        seed = stream_seed(model.options.seeds, default_seed)
        count = count_falling_size_images(rows, lods)
        z = stream_latents(seed, count, pipeline.config.mapping.z_dim)
        codes = LatentCodes(pipeline.map_z(z), pipeline.noise_maps([0]))
        page = columns_of_falling_size(draw_images(pipeline, codes, on_progress), rows, lods)
        caption = (
            f"StyleGAN, Figure {number} (there {data}). Uncurated set of {count} images drawn by "
            f"{model.name} from random latents (stream of seed {seed}), with psi "
            f"= {pipeline.settings.psi:g} for the {describe_style_layers(layers, pipeline.config)}."
        )
        return FigureLayout(caption, [[ImagePanel(page[None, None], zoom=1)]])

    return draw


UNCURATED_FFHQ = uncurated_samples(2, "FFHQ", 3, (0, 1, 2, 2, 3, 3), 5)
UNCURATED_BEDROOM = uncurated_samples(10, "LSUN Bedroom", 5, (0, 0, 1, 1, 2, 2, 2), 0)
UNCURATED_CAR = uncurated_samples(11, "LSUN Car", 4, (0, 1, 2, 2, 3, 3), 2)
UNCURATED_CAT = uncurated_samples(12, "LSUN Cat", 5, (0, 0, 1, 1, 2, 2, 2), 1)


@paper_figure("stylegan2-11", "Hand-picked images", "seeds label psi")
def hand_picked_samples(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """StyleGAN2, Figure 11: seeds that someone chose, without truncation."""
    published = "" if model.options.seeds else ", which were picked for the published network"
    caption = f"StyleGAN2, Figure 11. Hand-picked examples, for {model.name}: {{sources}}"
    return _sample_grid(
        model, HAND_PICKED_SEEDS, 1.0, f"{caption}{published}; psi = {{psi:g}}.", on_progress
    )


@paper_figure("stylegan2-12", "Uncurated images with psi 0.5", "seeds label psi")
def random_samples(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """StyleGAN2, Figure 12: random outputs with truncation at all resolutions."""
    caption = (
        f"StyleGAN2, Figure 12. Uncurated results of {model.name}: random outputs ({{sources}}) "
        "with truncation applied at all resolutions using psi = {psi:g}."
    )
    return _sample_grid(model, RANDOM_SAMPLE_SEEDS, 0.5, caption, on_progress)


def _sample_grid(
    model: FigureInput,
    seeds: Sequence[int],
    psi: float,
    caption: str,
    on_progress: ProgressCallback,
) -> FigureLayout:
    """Images of the chosen sources or these seeds; the caption names `{sources}` and `{psi}`."""
    pipeline = model.pipeline(psi=psi)
    sources = model.sources(pipeline, seeds)
    caption = caption.format(sources=describe_sources(sources), psi=pipeline.settings.psi)
    images = arrange_in_rows(draw_images(pipeline, sources, on_progress))
    return FigureLayout(caption, [[ImagePanel(images)]])


def stream_seed(chosen: Sequence[int | Path] | None, default: int) -> int:
    """The seed of the stream of all latents of a figure.

    Raises:
        UsageError: If the user named several, or a file.
    """
    if not chosen:
        return default
    if len(chosen) > 1 or not isinstance(chosen[0], int):
        raise UsageError("--seeds: this figure takes one seed, of the stream of all its latents")
    return chosen[0]


def stream_latents(seed: int, count: int, z_dim: int) -> Tensor:
    """Latents `(count, z_dim)` of one stream, the first of which is that of the seed itself."""
    numbers = np.random.RandomState(seed).randn(count, z_dim)
    return torch.from_numpy(numbers).float()


DEFAULT_DATASET_IMAGES = 40


@paper_figure(
    "stylegan-7", "Images of the data set", "count data", "a run whose data is there, or --data"
)
def dataset_samples(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 7: images of the data set, chosen at random."""
    dataset = open_real_images(model, on_progress)
    count = min(model.count(DEFAULT_DATASET_IMAGES), len(dataset))
    chosen = RandomKeys(0).permutation(len(dataset), "figure")[:count].tolist()
    images = []
    for done, index in enumerate(chosen, 1):
        images.append(pixels.from_uint8(torch.tensor(dataset.pixels(index))))
        on_progress(done, count)
    credit = f" {dataset.credit}" if dataset.credit else ""
    caption = (
        f"StyleGAN, Figure 7. The data set {dataset.path.name}: {count} of its {len(dataset):,} "
        f"images, chosen at random, at {format_image_size(dataset.size)}.{credit}"
    )
    return FigureLayout(caption, [[ImagePanel(arrange_in_rows(torch.stack(images)))]])


def open_real_images(model: FigureInput, on_progress: ProgressCallback) -> Dataset:
    """The data that the user named, in the model's format, or else what a run was trained on.

    Raises:
        ModelError: If the model is no run, or its data is gone, and the user named none.
        DataError: If the data cannot be read.
    """
    if model.options.data:
        config = model.generator.config
        return open_dataset(
            model.options.data,
            size=config.size(),
            channels=config.image_channels,
            on_progress=on_progress,
        )
    trained = model.training_data("name images by --data")
    return open_training_data(trained, on_progress=on_progress)


COMPARISON_COLUMNS = 6
SCORE_LABELS = ("FID", "FD", "PPL", "PL", "P", "R")
"""In the order of the paper."""


def two_model_samples(number: int, data: str, seeds: Sequence[int]) -> PaperFigure:
    """Uncurated images of two models, with their numbers beneath (StyleGAN2, Figures 13 and 14).

    Both are drawn without truncation, and measured if the user named a count of images.

    Args:
        number: Number of the figure.
        data: What the published networks had learned.
        seeds: Seeds of the images by default.
    """

    @paper_figure(
        f"stylegan2-{number}",
        f"Two models side by side ({data})",
        "seeds label other data count",
        "any two models; runs for numbers",
    )
    def draw(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
        panels, parts = [], []
        for letter, each in zip("ab", (model, model.second_model()), strict=True):
            pipeline = each.pipeline()
            sources = each.sources(pipeline, seeds)
            images = draw_images(pipeline, sources, on_progress)
            scores, origin = model_scores(each, on_progress)
            numbers, names = format_scores(scores)
            title = f"({letter}) {each.name}"
            tiles = arrange_in_rows(images, COMPARISON_COLUMNS)
            panels.append(ImagePanel(tiles, title=title, text_below=numbers))
            parts.append(title + (f", measured by {names} {origin}" if names else f", {origin}"))
        caption = (
            f"StyleGAN2, Figure {number} (there {data}). Uncurated examples from two generative "
            f"models without truncation ({describe_sources(sources)}). {'; '.join(parts)}."
        )
        return FigureLayout(caption, [panels])

    return draw


TWO_MODELS_CAT = two_model_samples(13, "LSUN Cat", range(36))
TWO_MODELS_CAR = two_model_samples(14, "LSUN Car", range(100, 136))


def model_scores(
    model: FigureInput, on_progress: ProgressCallback
) -> tuple[Mapping[str, float | None], str]:
    """A model's numbers by exact name, and where they are from, in words."""
    if model.options.count:
        return measure_scores(model, model.options.count, on_progress), "for this figure"
    scores, images_seen = logged_scores(model)
    if not scores:
        return scores, "without numbers in a log of training (--count N measures N images)"
    return scores, f"in training, at {images_seen / 1000:g} kimg"


def logged_scores(model: FigureInput) -> tuple[Mapping[str, float | None], int]:
    """The last numbers of a run's log by exact name, and its images seen; empty if there are none.

    Raises:
        ModelError: If the log is damaged.
    """
    if not model.is_run:
        return {}, 0
    records = [record for record in read_log(model.run.log) if record["event"] == "metrics"]
    return (records[-1]["scores"], records[-1]["images_seen"]) if records else ({}, 0)


def measure_scores(
    model: FigureInput, count: int, on_progress: ProgressCallback
) -> dict[str, float | None]:
    """Numbers of so many images against as many real ones, by exact name.

    Without real images there is the path length alone.

    Raises:
        StylesmithError: If there are too few images, or they don't fit the model.
    """
    names = f"fid{count},ppl2_wend_{count},pr{count}_3"
    extractor = None if has_published_weights(min(model.generator.image_size)) else "random"
    metrics = parse_metrics(names, extractor=extractor)
    options = SourceOptions(model.device, FP32, on_progress=on_progress)
    fake, real = open_sources(model.path, model.options.data, options)
    if real is None:
        metrics = [metric for metric in metrics if metric.family not in COMPARISON_FAMILIES]
    settings = EvaluationSettings(model.device, cache=StatisticsCache(None))
    progress = ProgressReporter(on_progress=on_progress)
    results = evaluate(fake, real, metrics, settings, progress)
    return {result.title: result.value for result in results}


def has_published_weights(side: int) -> bool:
    """Whether the weights are there, and images are large enough for them."""
    files = (find_weight_file(name) for name in ("inception", "vgg16", "lpips"))
    return side >= LPIPS.min_size and all(
        (default_weights_folder() / file.file_name).is_file() for file in files
    )


def format_scores(scores: Mapping[str, float | None]) -> tuple[str, str]:
    """As the paper has them, `FID = 8.53, PPL = 924, P = 0.62, R = 0.29`; and the exact names."""
    values: dict[str, str] = {}
    names: dict[str, None] = {}
    for name, value in scores.items():
        found = parse_score_title(name)
        label = found and score_label(*found)
        if label and value is not None and label not in values:
            values[label], names[name.split()[0]] = f"{value:.3g}", None
    order = [label for label in SCORE_LABELS if label in values]
    return ", ".join(f"{label} = {values[label]}" for label in order), ", ".join(names)


def score_label(metric: Metric, part: str | None) -> str | None:
    """One of `SCORE_LABELS`, published names for published networks alone; None if unlisted."""
    if metric.mixed_latents > 1:
        return None
    match metric.family:
        case "fd":
            return "FID" if metric.network == "inception" else "FD"
        case "ppl":
            return "PPL" if metric.network == "lpips" else "PL"
        case "pr":
            return {"precision": "P", "recall": "R"}.get(part or "")
    return None
