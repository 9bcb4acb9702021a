"""Evaluation of a model or of images by several metrics.

All checks come before any work; metrics that share a network share one pass over the images; notes
say what may mislead.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from stylesmith import distributed
from stylesmith.data.archive import Archive, open_archive
from stylesmith.data.training_zip import MANIFEST_FILE
from stylesmith.devices import FP32, dtype_name
from stylesmith.errors import DataError, ModelError, UsageError
from stylesmith.formatting import format_image_size
from stylesmith.metrics import extraction
from stylesmith.metrics.classifiers import Classifiers, classifier_config, open_classifiers
from stylesmith.metrics.extraction import ProgressReporter
from stylesmith.metrics.image_sources import DataSource, ImageSource, ModelSource, check_comparable
from stylesmith.metrics.protocol import Metric
from stylesmith.metrics.reference_statistics import ReferenceStatistics, StatisticsCache
from stylesmith.metrics.results import (
    MetricResult,
    MetricValues,
    score_against_real,
    score_generated,
)
from stylesmith.metrics.separability import require_scikit_learn
from stylesmith.perception.extractors import (
    FeatureExtractor,
    ImageDistance,
    open_distance,
    open_extractor,
)

MetricNetwork = FeatureExtractor | ImageDistance | Classifiers

COMPARISON_FAMILIES = frozenset({"fd", "kd", "pr", "nearest"})
"""Families that hold generated images against real ones."""
LATENT_FAMILIES = frozenset({"ppl", "ppl_image", "ls"})
"""Families that need latents, not only images."""


def check_measurable(
    fake: ImageSource,
    real: ImageSource | None,
    metrics: Sequence[Metric],
    networks: Mapping[Metric, MetricNetwork],
    *,
    repeats: int,
) -> None:
    """Refuse what cannot be measured.

    Raises:
        UsageError: If a side is missing, or of a kind that the metric cannot take.
        DataError: If there are too few images, or their sizes or channels differ.
        ModelError: If classifiers were trained for another size.
    """
    if repeats > 1 and fake.count is not None:
        raise UsageError(
            f"--repeats {repeats}: {fake.name} holds the same images each time; only a model draws "
            "others."
        )
    for metric in metrics:
        if metric.family in COMPARISON_FAMILIES:
            _check_sources(fake, real, metric)
        if metric.family in LATENT_FAMILIES and not isinstance(fake, ModelSource):
            raise UsageError(
                f"--metrics {metric.name}: needs a model to walk through its latents; {fake.name} "
                "holds images only."
            )
        if metric.mixed_latents > 1:
            _check_mixing(fake, metric)
        if fake.count is not None and fake.count < metric.count:
            raise DataError(
                f"{fake.name}: holds {fake.count} images, {metric.name} takes {metric.count}. "
                f"Ask for fewer, as in --metrics {replace(metric, count=fake.count).name}."
            )
        _check_image_size(fake, metric, networks[metric])


def _check_mixing(fake: ImageSource, metric: Metric) -> None:
    if not isinstance(fake, ModelSource) or fake.generator.config.num_ws == 1:
        has = "holds images only" if fake.count is not None else "has one w for all layers"
        raise UsageError(
            f"--metrics {metric.name}: mixes styles, which needs a style-based model (stylegan-c "
            f"and on); {fake.name} {has}."
        )


def _check_sources(fake: ImageSource, real: ImageSource | None, metric: Metric) -> None:
    if real is None:
        raise UsageError(f"--metrics {metric.name}: compares with real images; name them by --data")
    check_comparable(fake, real)
    least = metric.k + 1 if metric.family == "pr" else 2
    if real.count is not None and real.count < least:
        raise DataError(
            f"{real.name}: holds {real.count} images, {metric.name} needs {least} or more."
        )


def _check_image_size(fake: ImageSource, metric: Metric, network: MetricNetwork) -> None:
    if isinstance(network, Classifiers):
        wanted = classifier_config(fake.size, fake.channels, max_channels=1)
        found = network.config.change(max_channels=1)
        if wanted != found:
            raise ModelError(
                f"the classifiers take images of {format_image_size(network.config.size())} with "
                f"{network.config.image_channels} channels, {fake.name} has "
                f"{format_image_size(fake.size)} with {fake.channels}. Train some on such data."
            )
    height, width = (side // 2 for side in fake.size) if metric.crop_to_face else fake.size
    if min(height, width) < network.min_size:
        part = "the face part" if metric.crop_to_face else "the size"
        raise DataError(
            f"--metrics {metric.name}: {part} of {format_image_size(fake.size)} is too small for "
            f"{network.name}, which needs {network.min_size} pixels a side."
        )


def metric_notes(
    fake: ImageSource,
    real: ImageSource | None,
    metric: Metric,
    network: MetricNetwork,
    reals: int | None,
) -> Iterator[str]:
    """Why the number may mislead, in one line each."""
    if metric.family == "fd":
        dimension = cast(FeatureExtractor, network).dimension
        yield from _sample_size_note(metric, dimension, min(metric.count, reals or metric.count))
    if metric.family in COMPARISON_FAMILIES:
        yield from _source_notes(fake, real, metric, reals)
    if metric.crop_to_face:
        yield (
            f"{metric.title} looks only at the part where aligned faces have the face; for other "
            f"images use {metric.title.replace('_', '2_', 1)}."
        )
    if isinstance(network, Classifiers):
        yield from _classifier_notes(real, metric, network)
    if isinstance(fake, ModelSource) and fake.psi != 1:
        yield f"truncation psi={fake.psi:g}: published numbers are without."


def _sample_size_note(metric: Metric, dimension: int, images: int) -> Iterator[str]:
    if images <= dimension:
        yield (
            f"{metric.name}: {images:,} images are no more than the {dimension:,} features, so the "
            "value depends strongly on their number; compare equal numbers only."
        )


def _source_notes(
    fake: ImageSource, real: ImageSource | None, metric: Metric, reals: int | None
) -> Iterator[str]:
    if not isinstance(real, DataSource) or reals is None:
        return
    if metric.max_reals and reals < metric.max_reals and not metric.all_reals:
        yield f"{metric.name}: the data has {reals:,} images, fewer than the name says."
    labels = real.dataset.labels
    if labels and labels.values.ndim == 1:
        seen = len(np.unique(labels.values[:reals]))
        every = len(np.unique(labels.values))
        if seen < every:
            yield (
                f"{metric.name}: the first {reals:,} images hold {seen} of {every} classes; "
                f"{metric.title}_full takes all images."
            )
    filters = [_resize_filter(side) for side in (fake, real)]
    if None not in filters and filters[0] != filters[1]:
        yield (
            f"{metric.name}: one side was resized by the filter {filters[0]}, the other by "
            f"{filters[1]}; that alone shifts the value."
        )


def _classifier_notes(
    real: ImageSource | None, metric: Metric, classifiers: Classifiers
) -> Iterator[str]:
    if real is not None and any(facts.data != real.hash for facts in classifiers.facts):
        yield (
            f"{metric.name}: the classifiers were trained on other images than {real.name}; where "
            "those show other things, their answers mean little."
        )
    poor = [facts.attribute for facts in classifiers.facts if facts.accuracy < 0.75]
    if poor:
        yield (
            f"{metric.name}: {len(poor)} of {classifiers.dimension} classifiers answer less than "
            f"75% rightly, such as {poor[0]}."
        )


def _resize_filter(source: ImageSource) -> str | None:
    """How the images, or those that a model was trained on, were resized; None if unknown."""
    if isinstance(source, DataSource):
        return "lanczos" if source.dataset.resize else _recorded_filter(source.dataset.archive)
    if not isinstance(source, ModelSource) or source.training_data is None:
        return None
    if source.training_data.resize:
        return "lanczos"
    archive = open_archive(Path(source.training_data.path))
    try:
        return _recorded_filter(archive)
    finally:
        archive.close()


def _recorded_filter(archive: Archive) -> str | None:
    if MANIFEST_FILE not in archive.sizes:
        return None
    try:
        return str(json.loads(archive.read(MANIFEST_FILE))["filter"])
    except (ValueError, KeyError, TypeError, DataError):
        return None


PATH_LENGTH_FAMILIES = frozenset({"ppl", "ppl_image"})
"""Families whose network is a distance."""


@dataclass(frozen=True)
class EvaluationSettings:
    """How to measure, apart from the sides and the metrics."""

    device: torch.device
    seed: int = 0
    """Of the samples; each repeat counts up."""
    repeats: int = 1
    classifiers: Path | None = None
    """Folder of attribute classifiers, for `ls` and the extractor `classifiers`."""
    cache: StatisticsCache = field(default_factory=lambda: StatisticsCache(None))


def evaluate(
    fake: ImageSource,
    real: ImageSource | None,
    metrics: Sequence[Metric],
    settings: EvaluationSettings,
    reporter: ProgressReporter | None = None,
) -> Iterator[MetricResult]:
    """Measure `fake`, against `real` where metrics compare.

    Several processes share the work; the main one alone yields results.

    Args:
        fake: What is measured.
        real: What it should be like; None where no metric compares.
        metrics: See `protocol.parse_metrics`.
        settings: Seeds, repeats, folders, device.
        reporter: Told progress and estimates.

    Yields:
        A result for each number, as soon as it is known.

    Raises:
        StylesmithError: Before any work, if something is missing or does not fit.
    """
    reporter = reporter or ProgressReporter()
    networks = open_networks(metrics, settings)
    check_measurable(fake, real, metrics, networks, repeats=settings.repeats)
    side = (
        ReferenceStatistics(real, settings.cache, reporter, device=settings.device)
        if real
        else None
    )
    for group in group_by_pass(metrics):
        start = time.perf_counter()
        network = networks[group[0]]
        rounds = list(_measure_repeats(group, network, fake, side, settings, reporter))
        seconds = time.perf_counter() - start
        if distributed.is_main():
            for metric in group:
                measured = [numbers[metric] for numbers in rounds]
                yield from _make_results(
                    metric, measured, network, fake, side, settings.seed, seconds
                )


def open_networks(
    metrics: Sequence[Metric], settings: EvaluationSettings
) -> dict[Metric, MetricNetwork]:
    """The network of each metric, each opened once.

    Raises:
        UsageError: If it is unknown, cannot tell classes where that is wanted, or a library or
            the folder of classifiers is missing.
        ModelError: If its weights are missing or damaged.
    """
    opened: dict[tuple[str, bool], MetricNetwork] = {}
    chosen = {}
    for metric in metrics:
        key = (metric.network, metric.family in PATH_LENGTH_FAMILIES)
        if key not in opened:
            opened[key] = _open_network(metric, settings)
        chosen[metric] = opened[key]
        if metric.family == "is" and not hasattr(chosen[metric], "probabilities"):
            raise UsageError(
                f"--metrics {metric.name}: {metric.network} tells no classes; this score needs the "
                "extractor inception"
            )
        if metric.family == "ls":
            require_scikit_learn()
    return chosen


def _open_network(metric: Metric, settings: EvaluationSettings) -> MetricNetwork:
    if metric.family in PATH_LENGTH_FAMILIES:
        return open_distance(metric.network, settings.device)
    if metric.network != "classifiers":
        return open_extractor(metric.network, settings.device)
    if settings.classifiers is None:
        raise UsageError(
            f"--metrics {metric.name}: needs attribute classifiers: --classifiers FOLDER, which "
            "`stylesmith classifiers train DATA --out FOLDER` makes"
        )
    return open_classifiers(settings.classifiers, settings.device)


def group_by_pass(metrics: Sequence[Metric]) -> list[list[Metric]]:
    """Metrics that look at the same images through the same extractor are measured together."""
    groups: dict[object, list[Metric]] = {}
    for metric in metrics:
        shared = metric.network, metric.mixed_latents
        key: object = shared if metric.family in COMPARISON_FAMILIES else metric
        groups.setdefault(key, []).append(metric)
    return list(groups.values())


def _measure_repeats(
    group: Sequence[Metric],
    network: Any,
    fake: ImageSource,
    reference: ReferenceStatistics | None,
    settings: EvaluationSettings,
    reporter: ProgressReporter,
) -> Iterator[dict[Metric, MetricValues]]:
    """The numbers of metrics that share a pass, once per repeat, each time with other samples."""
    compares = group[0].family in COMPARISON_FAMILIES
    real = reference.load_or_extract(group, network) if reference and compares else None
    for repeat in range(settings.repeats):
        if isinstance(fake, ModelSource):
            fake = fake.with_seed(settings.seed + repeat).with_mixing(group[0].mixed_latents)
        if reference is None or real is None:
            yield {metric: score_generated(metric, network, fake, reporter) for metric in group}
            continue
        device = settings.device
        moments = {metric.count for metric in group if metric.family == "fd"}
        rows = max([metric.count for metric in group if metric.family != "fd"], default=0)
        seen = extraction.extract_statistics(fake, network, moments, rows, reporter, device=device)
        yield {
            metric: score_against_real(
                metric, real, seen, reference.image_count(metric), device=device
            )
            if distributed.is_main()
            else MetricValues()
            for metric in group
        }


def _make_results(
    metric: Metric,
    rounds: Sequence[MetricValues],
    network: MetricNetwork,
    fake: ImageSource,
    reference: ReferenceStatistics | None,
    seed: int,
    seconds: float,
) -> Iterator[MetricResult]:
    real = reference.source if reference else None
    reals = (
        reference.image_count(metric)
        if reference and metric.family in COMPARISON_FAMILIES
        else None
    )
    drawn = fake if isinstance(fake, ModelSource) else None
    precision = FP32 if metric.family in PATH_LENGTH_FAMILIES or drawn is None else drawn.precision
    details = dict(rounds[0].details)
    if isinstance(real, DataSource):
        for pair in details.get("closest", []):
            pair["real"] = real.dataset.names[pair["real"]]
    for part in rounds[0].values:
        yield MetricResult(
            metric=metric.title,
            part=part,
            protocol=metric.name,
            values=tuple(measured.values[part] for measured in rounds),
            samples=metric.count,
            reals=reals,
            network=network.name,
            network_hash=network.weights_hash,
            model=fake.name,
            model_hash=fake.hash,
            data=real.name if real else None,
            data_hash=real.hash if real else None,
            psi=drawn.psi if drawn else None,
            precision=dtype_name(precision) if drawn else None,
            seed=seed,
            seconds=seconds,
            notes=tuple(metric_notes(fake, real, metric, network, reals)),
            details=details,
        )
