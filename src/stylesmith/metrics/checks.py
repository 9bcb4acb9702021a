"""What cannot be measured is refused before any work; what may mislead is noted."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from stylesmith.data.archive import Archive, open_archive
from stylesmith.data.pack import MANIFEST_FILE
from stylesmith.data.scan import format_image_size
from stylesmith.errors import DataError, ModelError, UsageError
from stylesmith.metrics.classifiers import Classifiers, classifier_config
from stylesmith.metrics.protocol import Metric
from stylesmith.metrics.sources import DataSource, ImageSource, ModelSource, check_comparable
from stylesmith.perception.extractor import FeatureExtractor, ImageDistance

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
