"""Grids of images: uncurated and hand-picked samples, the data set, two models side by side.

Source: StyleGAN, Figures 2, 7 and 10 to 12; StyleGAN2, Figures 11 to 14.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    describe_sources,
    describe_style_layers,
)
from stylesmith.figures.panels import (
    FigureLayout,
    ImagePanel,
    arrange_in_rows,
    columns_of_falling_size,
    count_falling_size_images,
    draw_images,
)
from stylesmith.latents import RandomKeys
from stylesmith.metrics.evaluate import COMPARISON_FAMILIES, EvaluationSettings, evaluate
from stylesmith.metrics.extraction import ProgressReporter
from stylesmith.metrics.image_sources import (
    SourceOptions,
    open_sources,
    training_data_config,
)
from stylesmith.metrics.protocol import Metric, parse_metric, parse_metrics
from stylesmith.metrics.reference_statistics import StatisticsCache
from stylesmith.models import RunFolder
from stylesmith.networks.sampling_pipeline import DEFAULT_BATCH_SIZE
from stylesmith.perception.vgg_lpips import LPIPS
from stylesmith.perception.weights import default_weights_folder, find_weight_file
from stylesmith.sampling import LatentCodes, SamplingPipeline
from stylesmith.training.log import read_log

TRUNCATED_LAYERS = 8
"""First layers that are truncated, up to 32x32; finer ones only have details to lose."""
UNCURATED_PSI = 0.7
HAND_PICKED_SEEDS = (66, 230, 389, 1518)
RANDOM_SAMPLE_SEEDS = range(6600, 6626)


@dataclass(frozen=True)
class UncuratedSamples:
    """Columns of images in falling size (StyleGAN, Figures 2, 10, 11 and 12)."""

    figure_number: int
    """Of the figure."""
    data: str
    """What the published network had learned."""
    rows: int
    lods: Sequence[int]
    """One per column; its images have 1 / 2**lod of the full side."""
    seed: int

    def __call__(self, subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
        """Draw as many latents of one random stream as there are places."""
        layers = tuple(range(min(TRUNCATED_LAYERS, subject.generator.config.num_layers())))
        pipeline = subject.pipeline(psi=UNCURATED_PSI, psi_layers=layers)
        seed = stream_seed(subject.options.seeds, self.seed)
        count = count_falling_size_images(self.rows, self.lods)
        z = stream_latents(seed, count, pipeline.config.mapping.z_dim)
        picture = columns_of_falling_size(
            draw_from_z(pipeline, z, on_progress), self.rows, self.lods
        )
        caption = (
            f"StyleGAN, Figure {self.figure_number} (there {self.data}). Uncurated set of {count} "
            f"images drawn by {subject.name} from random latents (stream of seed {seed}), with psi "
            f"= {pipeline.settings.psi:g} for the {describe_style_layers(layers, pipeline.config)}."
        )
        return FigureLayout(caption, [[ImagePanel(picture[None, None], zoom=1)]])


UNCURATED_FFHQ = UncuratedSamples(2, "FFHQ", 3, (0, 1, 2, 2, 3, 3), 5)
UNCURATED_BEDROOM = UncuratedSamples(10, "LSUN Bedroom", 5, (0, 0, 1, 1, 2, 2, 2), 0)
UNCURATED_CAR = UncuratedSamples(11, "LSUN Car", 4, (0, 1, 2, 2, 3, 3), 2)
UNCURATED_CAT = UncuratedSamples(12, "LSUN Cat", 5, (0, 0, 1, 1, 2, 2, 2), 1)


def hand_picked_samples(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """StyleGAN2, Figure 11: seeds that someone chose, without truncation."""
    pipeline = subject.pipeline()
    sources = subject.sources(pipeline, HAND_PICKED_SEEDS)
    published = "" if subject.options.seeds else ", which were picked for the published network"
    caption = (
        f"StyleGAN2, Figure 11. Hand-picked examples, for {subject.name}: "
        f"{describe_sources(sources)}{published}; psi = {pipeline.settings.psi:g}."
    )
    return FigureLayout(
        caption, [[ImagePanel(arrange_in_rows(draw_images(pipeline, sources, on_progress)))]]
    )


def random_samples(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """StyleGAN2, Figure 12: random outputs with truncation at all resolutions."""
    pipeline = subject.pipeline(psi=0.5)
    sources = subject.sources(pipeline, RANDOM_SAMPLE_SEEDS)
    caption = (
        f"StyleGAN2, Figure 12. Uncurated results of {subject.name}: random outputs "
        f"({describe_sources(sources)}) with truncation applied at all resolutions using psi = "
        f"{pipeline.settings.psi:g}."
    )
    return FigureLayout(
        caption, [[ImagePanel(arrange_in_rows(draw_images(pipeline, sources, on_progress)))]]
    )


def stream_seed(chosen: Sequence[int | Path] | None, default: int) -> int:
    """The seed of a whole sheet.

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


def draw_from_z(pipeline: SamplingPipeline, z: Tensor, on_progress: ProgressCallback) -> Tensor:
    """Images `(N, C, H, W)` of latents `(N, z_dim)` with the network's own noise, on the CPU."""
    images: list[Tensor] = []
    for part in z.split(DEFAULT_BATCH_SIZE):
        images.append(
            pipeline.draw(LatentCodes(pipeline.map_z(part), pipeline.noise_maps([0]))).cpu()
        )
        on_progress(sum(map(len, images)), len(z))
    return torch.cat(images)


DEFAULT_DATASET_IMAGES = 40


def dataset_samples(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 7: images of the data set, chosen at random."""
    dataset = open_real_images(subject, on_progress)
    count = min(subject.options.count or DEFAULT_DATASET_IMAGES, len(dataset))
    chosen = RandomKeys(0).permutation(len(dataset), "figure")[:count].tolist()
    images = []
    for done, index in enumerate(chosen, 1):
        images.append(pixels.from_uint8(torch.tensor(dataset.pixels(index))))
        on_progress(done, count)
    height, width = dataset.size
    credit = f" {dataset.credit}" if dataset.credit else ""
    caption = (
        f"StyleGAN, Figure 7. The data set {dataset.path.name}: {count} of its {len(dataset):,} "
        f"images, chosen at random, at {width}x{height}.{credit}"
    )
    return FigureLayout(caption, [[ImagePanel(arrange_in_rows(torch.stack(images)))]])


def open_real_images(subject: FigureInput, on_progress: ProgressCallback) -> Dataset:
    """The data that the user named, in the model's format, or else what a run was trained on.

    Raises:
        ModelError: If the model is no run, or its data is gone, and the user named none.
        DataError: If the data cannot be read.
    """
    if subject.options.data:
        config = subject.generator.config
        return open_dataset(
            subject.options.data,
            size=config.size(),
            channels=config.image_channels,
            on_progress=on_progress,
        )
    trained = training_data_config(subject.path)
    if trained is None:
        raise subject.missing_error("its training data", "name images by --data")
    return open_training_data(trained, on_progress=on_progress)


COMPARISON_COLUMNS = 6
SCORE_LABELS = ("FID", "FD", "PPL", "PL", "P", "R")
"""In the order of the paper."""


@dataclass(frozen=True)
class TwoModelSamples:
    """Uncurated images of two models, with their numbers beneath (StyleGAN2, Figures 13 and 14)."""

    figure_number: int
    """Of the figure."""
    data: str
    """What the published networks had learned."""
    seeds: range

    def __call__(self, subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
        """Draw both without truncation; measure them, if the user named a count of images."""
        panels, parts = [], []
        for letter, each in zip("ab", (subject, subject.other()), strict=True):
            pipeline = each.pipeline()
            sources = each.sources(pipeline, self.seeds)
            images = arrange_in_rows(
                draw_images(pipeline, sources, on_progress), COMPARISON_COLUMNS
            )
            scores, origin = model_scores(each, on_progress)
            beneath, names = format_scores(scores)
            panels.append(ImagePanel(images, title=f"({letter}) {each.name}", text_below=beneath))
            how = f", measured by {names} {origin}" if names else f", {origin}"
            parts.append(f"({letter}) {each.name}{how}")
        caption = (
            f"StyleGAN2, Figure {self.figure_number} (there {self.data}). Uncurated examples from "
            f"two generative models without truncation ({describe_sources(sources)}). "
            f"{'; '.join(parts)}."
        )
        return FigureLayout(caption, [panels])


TWO_MODELS_CAT = TwoModelSamples(13, "LSUN Cat", range(36))
TWO_MODELS_CAR = TwoModelSamples(14, "LSUN Car", range(100, 136))


def model_scores(
    subject: FigureInput, on_progress: ProgressCallback
) -> tuple[Mapping[str, float | None], str]:
    """A model's numbers by exact name, and where they are from, in words."""
    if subject.options.count:
        return measure_scores(subject, subject.options.count, on_progress), "for this figure"
    scores, images_seen = logged_scores(subject)
    if not scores:
        return scores, "without numbers in a log of training (--count N measures N images)"
    return scores, f"in training, at {images_seen / 1000:g} kimg"


def logged_scores(subject: FigureInput) -> tuple[Mapping[str, float | None], int]:
    """The last numbers of a run's log by exact name, and its images seen; empty if there are none.

    Raises:
        ModelError: If the log is damaged.
    """
    run = RunFolder(subject.path)
    if not (run.exists() and run.log.is_file()):
        return {}, 0
    records = [record for record in read_log(run.log) if record["event"] == "metrics"]
    return (records[-1]["scores"], records[-1]["images_seen"]) if records else ({}, 0)


def measure_scores(
    subject: FigureInput, count: int, on_progress: ProgressCallback
) -> dict[str, float | None]:
    """Numbers of so many images against as many real ones, by exact name.

    Without real images there is the path length alone.

    Raises:
        StylesmithError: If there are too few images, or they don't fit the model.
    """
    names = f"fid{count},ppl2_wend_{count},pr{count}_3"
    extractor = None if has_published_weights(min(subject.generator.image_size)) else "random"
    metrics = parse_metrics(names, extractor=extractor)
    fake, real = open_sources(
        subject.path,
        subject.options.data,
        SourceOptions(subject.device, FP32, on_progress=on_progress),
    )
    if real is None:
        metrics = [metric for metric in metrics if metric.family not in COMPARISON_FAMILIES]
    settings, meter = (
        EvaluationSettings(subject.device, cache=StatisticsCache(None)),
        ProgressReporter(on_progress=on_progress),
    )
    return {result.title: result.value for result in evaluate(fake, real, metrics, settings, meter)}


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
        exact, _, part = name.partition(" ")
        label = score_label(parse_metric(exact), part)
        if label and value is not None and label not in values:
            values[label], names[exact] = f"{value:.3g}", None
    order = [label for label in SCORE_LABELS if label in values]
    return ", ".join(f"{label} = {values[label]}" for label in order), ", ".join(names)


def score_label(metric: Metric, part: str) -> str | None:
    """One of `SCORE_LABELS`, published names for published networks alone; None if unlisted."""
    if metric.mixed_latents > 1:
        return None
    match metric.family:
        case "fd":
            return "FID" if metric.network == "inception" else "FD"
        case "ppl":
            return "PPL" if metric.network == "lpips" else "PL"
        case "pr":
            return {"precision": "P", "recall": "R"}.get(part)
    return None
