"""Measure a model: from metrics to results, each network opened and each pass made once."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from stylesmith import distributed
from stylesmith.devices import FP32, dtype_name
from stylesmith.errors import UsageError
from stylesmith.metrics import checks, passes
from stylesmith.metrics.cache import StatisticsCache
from stylesmith.metrics.checks import COMPARISON_FAMILIES, MetricNetwork
from stylesmith.metrics.classifiers import open_classifiers
from stylesmith.metrics.meter import ProgressReporter
from stylesmith.metrics.protocol import Metric
from stylesmith.metrics.real_side import ReferenceStatistics
from stylesmith.metrics.results import MetricResult
from stylesmith.metrics.separability import require_scikit_learn
from stylesmith.metrics.sources import DataSource, ImageSource, ModelSource
from stylesmith.metrics.values import MetricValues, score_against_real, score_generated
from stylesmith.perception.extractor import open_distance, open_extractor

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
    checks.check_measurable(fake, real, metrics, networks, repeats=settings.repeats)
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
        seen = passes.extract_statistics(fake, network, moments, rows, reporter, device=device)
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
            notes=tuple(checks.metric_notes(fake, real, metric, network, reals)),
            details=details,
        )
