"""Extraction of what metrics need: features, class probabilities, path lengths, labeled latents.

Whole batches are assigned to processes in turn, so the result does not depend on the number of
processes and is the same in each of them.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from stylesmith import distributed
from stylesmith.callbacks import Notify, ProgressCallback
from stylesmith.formatting import format_duration
from stylesmith.latents import RandomKeys
from stylesmith.metrics.classifiers import Classifiers
from stylesmith.metrics.image_sources import ImageSource, ModelSource
from stylesmith.metrics.path_length import lerp, path_lengths, path_lengths_around, slerp
from stylesmith.metrics.protocol import DIRECTIONS_PER_IMAGE, Metric
from stylesmith.metrics.scores import InceptionScore, Moments
from stylesmith.networks.synthesis import NoiseMaps
from stylesmith.perception.extractors import (
    ClassProbabilityExtractor,
    FeatureExtractor,
    ImageDistance,
)
from stylesmith.perception.preprocessing import disable_tf32


def batch_ranges(count: int, batch_size: int) -> list[range]:
    """The indices 0 to `count` in consecutive batches."""
    return [range(i, min(i + batch_size, count)) for i in range(0, count, batch_size)]


def rank_batches(count: int, batch_size: int) -> Iterator[range]:
    """The batches that fall to this process."""
    yield from batch_ranges(count, batch_size)[distributed.rank() :: distributed.world_size()]


MIN_ANNOUNCED_SECONDS = 60
"""Seconds from which on a pass is announced with an estimate."""


@dataclass(frozen=True)
class ProgressReporter:
    """Tells progress, and an estimate once the second batch is done."""

    notify: Notify = lambda text: None
    on_progress: ProgressCallback | None = None

    def track(self, batches: Sequence[range], count: int, label: str) -> Iterator[range]:
        """The parts one by one, which this process takes of `count` images in all."""
        start = time.perf_counter()
        done = 0
        for number, part in enumerate(batches):
            if number == 2:  # the first batch pays for what only happens once
                self._announce((time.perf_counter() - start) * (len(batches) - 1), count, label)
            if number == 1:
                start = time.perf_counter()
            yield part
            done = min(count, done + len(part) * distributed.world_size())
            if self.on_progress:
                self.on_progress(done, count)

    def _announce(self, seconds: float, count: int, label: str) -> None:
        if seconds > MIN_ANNOUNCED_SECONDS:
            self.notify(
                f"{label}: {count:,} images, about {format_duration(seconds, estimate=True)}"
            )


MAX_BATCH_PIXELS = 1 << 22
"""Of a batch: 64 images of 256x256, 4 of 1024x1024."""


@dataclass
class FeatureStatistics:
    """What metrics need to know of the features of a set of images."""

    moments: dict[int, Moments] = field(default_factory=dict)
    """Of the first n images, by n."""
    features: Tensor | None = None
    """Features of the first images, `(N, D)` float32, on the CPU."""

    def first_features(self, count: int) -> Tensor:
        """The features of the first images."""
        assert self.features is not None and len(self.features) >= count
        return self.features[:count]


def batch_size(size: tuple[int, int]) -> int:
    """Images in a batch; a function of their size alone, so that all processes agree."""
    return max(4, min(64, MAX_BATCH_PIXELS // (size[0] * size[1])))


def extract_statistics(
    source: ImageSource,
    extractor: FeatureExtractor,
    moment_counts: set[int],
    feature_count: int,
    reporter: ProgressReporter,
    *,
    device: torch.device,
) -> FeatureStatistics:
    """Extract features once and keep what is needed: moments of first parts, and a table.

    Args:
        source: The images.
        extractor: The network.
        moment_counts: Numbers of images, from the first on, whose moments are wanted.
        feature_count: Number of images, from the first on, whose features are wanted.
        reporter: Told how far it is.
        device: Where moments are added up.
    """
    running = {n: Moments.empty(extractor.dimension, device) for n in sorted(moment_counts)}
    table = torch.zeros(feature_count, extractor.dimension)
    for part, images in _image_batches(
        source, max([feature_count, *moment_counts]), reporter, extractor.name
    ):
        features = extractor.features(images)
        for count, some in running.items():
            some.add(features[: max(0, count - part.start)])
        if part.start < feature_count:
            place = slice(part.start, min(part.stop, feature_count))
            table[place] = features[: place.stop - place.start].cpu()
    merged = {count: some.all_reduced() for count, some in running.items()}
    return FeatureStatistics(merged, distributed.all_reduce_sum(table) if feature_count else None)


def inception_score(
    source: ImageSource,
    extractor: ClassProbabilityExtractor,
    count: int,
    reporter: ProgressReporter,
) -> tuple[float, float]:
    """Inception score of the first images, and its spread over splits."""
    blank = torch.zeros(1, source.channels, *source.size, dtype=torch.uint8)
    scores = InceptionScore(count, extractor.probabilities(blank).shape[1])
    for part, images in _image_batches(source, count, reporter, extractor.name):
        scores.add(part.start, extractor.probabilities(images))
    scores.all_reduce()
    return scores.compute()


@torch.no_grad()
def path_length_samples(
    source: ModelSource, distance: ImageDistance, metric: Metric, reporter: ProgressReporter
) -> np.ndarray:
    """Squared perceptual speed at one place of each of `metric.count` paths, `(N,)`; fp32."""
    values = torch.zeros(metric.count, dtype=torch.float64)
    keys = RandomKeys(source.seed)
    with disable_tf32():
        for part in _small_batches(source, metric.count, reporter, metric.title):
            label, noise = source.label(part), source.noise(part)
            ends = source.z(part), source.z(part, "other z")
            if metric.space == "w":
                ends = source.w(ends[0], label), source.w(ends[1], label)
            places = [keys.uniform("place", i) if metric.whole_path else 0.0 for i in part]
            values[part.start : part.stop] = path_lengths(
                _image_function(source, metric, label, noise),
                distance.distance,
                ends,
                torch.tensor(places, device=source.device)[:, None],
                interpolate=slerp if metric.space == "z" else lerp,
                crop_to_face=metric.crop_to_face,
            ).cpu()
    return distributed.all_reduce_sum(values).numpy()


def _image_function(
    model: ModelSource, metric: Metric, label: Tensor | None, noise: NoiseMaps
) -> Callable[[Tensor], Tensor]:
    """From points in the metric's latent space to images, with this noise and label."""
    if metric.space == "w":
        return lambda w: model.draw(w, noise)
    return lambda z: model.draw(model.w(z, label), noise)


@torch.no_grad()
def per_image_path_length(
    source: ModelSource, distance: ImageDistance, metric: Metric, reporter: ProgressReporter
) -> np.ndarray:
    """Path length around each of `metric.count` images, `(N,)` (StyleGAN2, Figures 4 and 5)."""
    values = torch.zeros(metric.count, dtype=torch.float64)
    with disable_tf32():
        for part in _small_batches(source, metric.count, reporter, metric.title):
            label, noise = source.label(part), source.noise(part)
            ends = (
                source.w(source.z(part, f"other z {direction}"), label)
                for direction in range(DIRECTIONS_PER_IMAGE)
            )
            values[part.start : part.stop] = path_lengths_around(
                _image_function(source, metric, label, noise),
                distance.embed,
                source.w(source.z(part), label),
                ends,
            ).cpu()
    return distributed.all_reduce_sum(values).numpy()


@dataclass(frozen=True)
class LabeledLatents:
    """What classifiers say of the images of latents."""

    z: np.ndarray
    """`(N, z_dim)`"""
    w: np.ndarray
    """`(N, D)`"""
    logits: np.ndarray
    """`(N, A)`"""


def label_latents(
    model: ModelSource, classifiers: Classifiers, count: int, reporter: ProgressReporter
) -> LabeledLatents:
    """Draw, classify, and keep the latents of `count` images."""
    config = model.generator.config
    widths = (config.mapping.z_dim, config.w_dim, classifiers.dimension)
    z, w, logits = (torch.zeros(count, width) for width in widths)
    for part, images in _image_batches(model, count, reporter, classifiers.name):
        place = slice(part.start, part.stop)
        latents = model.z(part)
        z[place] = latents.cpu()
        w[place] = model.w(latents, model.label(part)).cpu()
        logits[place] = classifiers.features(images).cpu()
    tables = [distributed.all_reduce_sum(table).numpy() for table in (z, w, logits)]
    return LabeledLatents(*tables)


def _small_batches(
    source: ImageSource, count: int, reporter: ProgressReporter, label: str
) -> Iterator[range]:
    """Smaller batches, for distances look at several layers of two images at once."""
    size = max(1, batch_size(source.size) // 4)
    yield from reporter.track(list(rank_batches(count, size)), count, label)


def _image_batches(
    source: ImageSource, count: int, reporter: ProgressReporter, label: str
) -> Iterator[tuple[range, Tensor]]:
    parts: Sequence[range] = list(rank_batches(count, batch_size(source.size)))
    yield from zip(reporter.track(parts, count, label), source.batches(parts), strict=True)
