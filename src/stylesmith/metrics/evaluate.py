"""Evaluation of a model or of images by several metrics.

All checks come before any work; metrics that share a network share one pass over the images; notes
warn of what may mislead.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from stylesmith import distributed
from stylesmith.data.recognition import open_archive
from stylesmith.data.training_zip import read_manifest
from stylesmith.devices import FP32, dtype_name
from stylesmith.errors import DataError, ModelError, UsageError
from stylesmith.formatting import format_image_size
from stylesmith.metrics.classifiers import Classifiers, classifier_config, open_classifiers
from stylesmith.metrics.extraction import ProgressReporter, extract_statistics, needed_statistics
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
    open_distance,
    open_extractor,
)
from stylesmith.perception.preprocessing import ImageDistance

MetricNetwork = FeatureExtractor | ImageDistance | Classifiers

COMPARISON_FAMILIES = frozenset({"fd", "kd", "pr", "nearest", "copies"})
"""Families that compare generated images with real ones."""
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
        UsageError: If a source is missing, or of a kind that the metric cannot take.
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
        if metric.family == "copies":
            _check_held_out(fake, real, metric)
        if metric.family in LATENT_FAMILIES and not isinstance(fake, ModelSource):
            raise UsageError(
                f"--metrics {metric.name}: needs a model, whose latents it takes; {fake.name} "
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


def _check_held_out(fake: ImageSource, real: ImageSource | None, metric: Metric) -> None:
    if not isinstance(real, DataSource) or len(real.held_out) < 2:
        raise UsageError(
            f"--metrics {metric.name}: compares training images with held-out ones. Wanted a run "
            f"that was trained with --hold-out, and its own data; {fake.name} has no such images."
        )


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
    if min(fake.size) // (2 if metric.crop_to_face else 1) < network.min_size:
        part = "the face part" if metric.crop_to_face else "the size"
        raise DataError(
            f"--metrics {metric.name}: {part} of {format_image_size(fake.size)} is too small for "
            f"{network.name}, which needs {network.min_size} pixels in height and width."
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
        images = min(metric.count, reals or metric.count)
        if images <= dimension:
            yield (
                f"{metric.name}: {images:,} images are no more than the {dimension:,} features, so "
                "the value depends strongly on their number; compare equal numbers only."
            )
    if metric.family in COMPARISON_FAMILIES:
        yield from _source_notes(fake, real, metric, reals)
    if metric.crop_to_face:
        yield (
            f"{metric.title} compares only the part where aligned faces have the face; for other "
            f"images use {metric.title.replace('_', '2_', 1)}."
        )
    if isinstance(network, Classifiers):
        yield from _classifier_notes(real, metric, network)
    if isinstance(fake, ModelSource) and fake.psi != 1:
        yield f"truncation psi={fake.psi:g}: published numbers are without."


def _source_notes(
    fake: ImageSource, real: ImageSource | None, metric: Metric, reals: int | None
) -> Iterator[str]:
    if not isinstance(real, DataSource) or reals is None:
        return
    if fake.channels != real.channels:
        gray, color = (fake, real) if fake.channels < real.channels else (real, fake)
        yield (
            f"{metric.name}: the images of {gray.name} are gray, those of {color.name} in color; "
            "gray counts as three equal channels."
        )
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
    ours, theirs = _resize_filter(fake), _resize_filter(real)
    if ours and theirs and ours != theirs:
        yield (
            f"{metric.name}: the images of {fake.name} were resized by the filter {ours}, the "
            f"other by {theirs}; that alone shifts the value."
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
        return source.dataset.filter
    if not isinstance(source, ModelSource) or source.training_data is None:
        return None
    if source.training_data.resize:
        return "lanczos"
    with closing(open_archive(Path(source.training_data.path))) as archive:
        manifest = read_manifest(archive, None)
    return manifest.filter if manifest else None


PATH_LENGTH_FAMILIES = frozenset({"ppl", "ppl_image"})
"""Families whose network is a distance."""


@dataclass(frozen=True)
class EvaluationSettings:
    """How to measure, apart from the sources and the metrics."""

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
    reference = None
    if real is not None:
        reference = ReferenceStatistics(real, settings.cache, reporter, device=settings.device)
    evaluation = _Evaluation(fake, reference, settings, reporter)
    for group in group_by_pass(metrics):
        start = time.perf_counter()
        network = networks[group[0]]
        repeats = list(evaluation.measure(group, network))
        seconds = time.perf_counter() - start
        for metric in group if distributed.is_main() else []:
            values = [repeat[metric] for repeat in repeats]
            yield from evaluation.results(metric, values, network, seconds)


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
    """Groups of metrics that need the same features of the same images."""
    groups: dict[object, list[Metric]] = {}
    for metric in metrics:
        shared = metric.network, metric.mixed_latents
        key: object = shared if metric.family in COMPARISON_FAMILIES else metric
        groups.setdefault(key, []).append(metric)
    return list(groups.values())


@dataclass(frozen=True)
class _Evaluation:
    """The sources of one evaluation, and how they are measured."""

    fake: ImageSource
    reference: ReferenceStatistics | None
    settings: EvaluationSettings
    reporter: ProgressReporter

    def measure(
        self, group: Sequence[Metric], network: Any
    ) -> Iterator[dict[Metric, MetricValues]]:
        """Values of metrics that share a pass, once per repeat, each time with other samples."""
        fake, device = self.fake, self.settings.device
        reference = self.reference if group[0].family in COMPARISON_FAMILIES else None
        real = reference.load_or_extract(group, network) if reference else None
        for repeat in range(self.settings.repeats):
            if isinstance(fake, ModelSource):
                seed = self.settings.seed + repeat
                fake = fake.with_seed(seed).with_mixing(group[0].mixed_latents)
            if reference is None or real is None:
                yield {m: score_generated(m, network, fake, self.reporter) for m in group}
                continue
            needed = needed_statistics(group, lambda metric: metric.count)
            found = extract_statistics(fake, network, *needed, self.reporter, device=device)
            yield {
                m: score_against_real(
                    m,
                    real,
                    found,
                    reference.image_count(m),
                    held_out=getattr(reference.source, "held_out", ()),
                    device=device,
                )
                for m in group
            }

    def results(
        self,
        metric: Metric,
        repeats: Sequence[MetricValues],
        network: MetricNetwork,
        seconds: float,
    ) -> Iterator[MetricResult]:
        """The record of each number of a metric."""
        fake, real, reals = self.fake, None, None
        if self.reference:
            real = self.reference.source
            if metric.family in COMPARISON_FAMILIES:
                reals = self.reference.image_count(metric)
        model = fake if isinstance(fake, ModelSource) else None
        is_fp32 = metric.family in PATH_LENGTH_FAMILIES
        details = dict(repeats[0].details)
        if isinstance(real, DataSource):
            for pair in details.get("closest", []):
                pair["real"] = real.dataset.names[pair["real"]]
        for part in repeats[0].values:
            yield MetricResult(
                metric=metric.title,
                part=part,
                protocol=metric.name,
                values=tuple(repeat.values[part] for repeat in repeats),
                samples=metric.count,
                reals=reals,
                network=network.name,
                network_hash=network.weights_hash,
                model=fake.name,
                model_hash=fake.hash,
                data=real.name if real else None,
                data_hash=real.hash if real else None,
                psi=model.psi if model else None,
                precision=dtype_name(FP32 if is_fp32 else model.precision) if model else None,
                seed=self.settings.seed,
                seconds=seconds,
                notes=tuple(metric_notes(fake, real, metric, network, reals)),
                details=details,
            )
