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
from stylesmith.metrics.path_length import path_lengths, path_lengths_around
from stylesmith.metrics.protocol import DIRECTIONS_PER_IMAGE, Metric
from stylesmith.metrics.scores import InceptionScore, Moments
from stylesmith.networks.latent_functions import slerp
from stylesmith.perception.extractors import (
    ClassProbabilityExtractor,
    FeatureExtractor,
)
from stylesmith.perception.preprocessing import ImageDistance


def batch_ranges(count: int, batch_size: int) -> list[range]:
    """The indices 0 to `count` in consecutive batches."""
    return [range(i, min(i + batch_size, count)) for i in range(0, count, batch_size)]


def rank_batches(count: int, batch_size: int) -> list[range]:
    """The batches of this process."""
    return batch_ranges(count, batch_size)[distributed.rank() :: distributed.world_size()]


MIN_ANNOUNCED_SECONDS = 60
"""A pass that takes longer than these seconds is announced with an estimate."""


@dataclass(frozen=True)
class ProgressReporter:
    """Reports progress, and an estimate once the second batch is done."""

    notify: Notify = lambda text: None
    on_progress: ProgressCallback | None = None

    def track(self, batches: Sequence[range], count: int, label: str) -> Iterator[range]:
        """Yield the batches of this process, out of `count` images in all."""
        done, start = 0, 0.0
        for number, part in enumerate(batches):
            if number == 1:  # the first batch pays for what only happens once
                start = time.perf_counter()
            if number == 2:
                seconds = (time.perf_counter() - start) * (len(batches) - 1)
                if seconds > MIN_ANNOUNCED_SECONDS:
                    about = format_duration(seconds, estimate=True)
                    self.notify(f"{label}: {count:,} images, about {about}")
            yield part
            done = min(count, done + len(part) * distributed.world_size())
            if self.on_progress:
                self.on_progress(done, count)


MAX_BATCH_PIXELS = 1 << 22
"""Maximum number of pixels in a batch: 64 images of 256x256, 4 of 1024x1024."""


@dataclass
class FeatureStatistics:
    """Statistics of the features of a set of images."""

    moments: dict[int, Moments] = field(default_factory=dict)
    """Of the first n images, by n."""
    features: Tensor = field(default_factory=lambda: torch.empty(0))
    """Features of the first images, `(N, D)` float32, on the CPU."""


def needed_statistics(
    metrics: Sequence[Metric], image_count: Callable[[Metric], int]
) -> tuple[set[int], int]:
    """Numbers of images whose moments metrics need, and of those whose features they need."""
    moments = {image_count(metric) for metric in metrics if metric.family == "fd"}
    features = [image_count(metric) for metric in metrics if metric.family != "fd"]
    return moments, max(features, default=0)


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
    return FeatureStatistics(merged, distributed.all_reduce_sum(table) if feature_count else table)


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
    """Path lengths by perceptual distance, `(metric.count,)`; fp32.

    For `ppl` the squared perceptual speed at one place of each path; for `ppl_image` the path
    length around each image (StyleGAN2, Figures 4 and 5).
    """
    values, keys = torch.zeros(metric.count, dtype=torch.float64), RandomKeys(source.seed)
    # Smaller batches, because distances keep several layers of two images at once.
    batches = rank_batches(metric.count, max(1, batch_size(source.size) // 4))
    for part in reporter.track(batches, metric.count, metric.title):
        points, draw = _latent_space(source, metric, part)
        if metric.family == "ppl_image":
            ends = (points(f"other z {i}") for i in range(DIRECTIONS_PER_IMAGE))
            found = path_lengths_around(draw, distance.embed, points("z"), ends)
        else:
            places = [keys.uniform("place", i) if metric.whole_path else 0.0 for i in part]
            found = path_lengths(
                draw,
                distance.distance,
                (points("z"), points("other z")),
                torch.tensor(places, device=source.device)[:, None],
                interpolate=slerp if metric.space == "z" else torch.lerp,
                crop_to_face=metric.crop_to_face,
            )
        values[part.start : part.stop] = found.cpu()
    return distributed.all_reduce_sum(values).numpy()


def _latent_space(
    source: ModelSource, metric: Metric, part: range
) -> tuple[Callable[[str], Tensor], Callable[[Tensor], Tensor]]:
    """Points of a batch by purpose, and images of points, in the metric's latent space.

    All have the labels and the noise of the batch.
    """
    label, noise = source.label(part), source.noise(part)
    if metric.space == "w":
        return (
            lambda purpose: source.w(source.z(part, purpose), label),
            lambda w: source.draw(w, noise),
        )
    return (
        lambda purpose: source.z(part, purpose),
        lambda z: source.draw(source.w(z, label), noise),
    )


@dataclass(frozen=True)
class LabeledLatents:
    """Latents, with the logits that classifiers give their images."""

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


def _image_batches(
    source: ImageSource, count: int, reporter: ProgressReporter, label: str
) -> Iterator[tuple[range, Tensor]]:
    parts = rank_batches(count, batch_size(source.size))
    yield from zip(reporter.track(parts, count, label), source.batches(parts), strict=True)
