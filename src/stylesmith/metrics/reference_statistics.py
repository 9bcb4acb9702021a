"""Statistics of the real images, extracted once and cached by content of data and extractor."""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stylesmith import distributed, files
from stylesmith.data.archive import blake2b_digest
from stylesmith.errors import ModelError, OutputError, UsageError
from stylesmith.metrics.extraction import (
    FeatureStatistics,
    ProgressReporter,
    extract_statistics,
    needed_statistics,
)
from stylesmith.metrics.image_sources import DataSource, ImageSource
from stylesmith.metrics.protocol import Metric
from stylesmith.metrics.scores import Moments
from stylesmith.perception.extractors import FeatureExtractor
from stylesmith.tensor_file import TensorFileKind, read_tensor_file, write_tensor_file

STATISTICS_KIND: TensorFileKind = "statistics"
CACHE_VERSION = 1
"""Version of the cached statistics. Increase it to invalidate existing files."""


@dataclass(frozen=True)
class CacheKey:
    """Everything that statistics depend on."""

    kind: str
    """`moments` or `features`."""
    data: str
    """Hash of the images."""
    extractor: str
    """Hash of the network's weights."""
    count: int
    """How many images, from the first on."""

    @property
    def file_name(self) -> str:
        """A hash of all fields."""
        content = json.dumps([CACHE_VERSION, vars(self)], sort_keys=True)
        return f"{blake2b_digest([content.encode()])}.safetensors"


def default_cache_folder() -> Path | None:
    """`STYLESMITH_CACHE`, or `metrics` in the user's cache folder; None if there is no such."""
    if place := os.environ.get("STYLESMITH_CACHE"):
        return Path(place)
    with contextlib.suppress(UsageError):  # statistics are made again each time
        return files.cache_folder() / "metrics"
    return None


@dataclass(frozen=True)
class StatisticsCache:
    """A folder of statistics; a missing, damaged or unwritable file only costs time."""

    folder: Path | None
    """None keeps nothing."""

    def load(self, key: CacheKey) -> dict[str, Tensor] | None:
        """The statistics of this key; None if they must be made.

        All processes take them, or none does.
        """
        found = None
        if self.folder is not None:
            with contextlib.suppress(ModelError):
                found = read_tensor_file(self.folder / key.file_name, kind=STATISTICS_KIND)[0]
        owners = distributed.all_reduce_sum(torch.tensor(0.0 if found is None else 1.0))
        return found if int(owners) == distributed.world_size() else None

    def save(self, key: CacheKey, tensors: Mapping[str, Tensor]) -> None:
        """Keep statistics; written by the main process alone."""
        if self.folder is not None and distributed.is_main():
            path = self.folder / key.file_name
            with contextlib.suppress(OutputError):  # a full disk takes no result away
                write_tensor_file(path, tensors, {"key": vars(key)}, kind=STATISTICS_KIND)


class ReferenceStatistics:
    """Statistics of real images; those of a data set are cached by its content."""

    def __init__(
        self,
        source: ImageSource,
        cache: StatisticsCache,
        reporter: ProgressReporter,
        *,
        device: torch.device,
    ):
        self.source = source
        self._cache = cache if isinstance(source, DataSource) else StatisticsCache(None)
        self._reporter = reporter
        self._device = device

    def image_count(self, metric: Metric) -> int:
        """Number of real images that a metric takes: that of its name, if there are so many."""
        if self.source.count is None:
            return metric.max_reals or metric.count
        return min(self.source.count, metric.max_reals or self.source.count)

    def load_or_extract(
        self, metrics: Sequence[Metric], extractor: FeatureExtractor
    ) -> FeatureStatistics:
        """The statistics that these metrics need; one pass over the images for all missing ones."""
        counts, rows = needed_statistics(metrics, self.image_count)
        found = FeatureStatistics()
        for count in sorted(counts):
            if tensors := self._cache.load(self._key("moments", extractor, count)):
                found.moments[count] = Moments(count, tensors["mean"], tensors["scatter"])
        if rows and (tensors := self._cache.load(self._key("features", extractor, rows))):
            found.features, rows = tensors["features"], 0
        missing = counts - found.moments.keys()
        if not missing and not rows:
            return found
        made = extract_statistics(
            self.source, extractor, missing, rows, self._reporter, device=self._device
        )
        for count, some in made.moments.items():
            tensors = {"mean": some.mean, "scatter": some.scatter}
            self._cache.save(self._key("moments", extractor, count), tensors)
        if rows:
            key = self._key("features", extractor, rows)
            self._cache.save(key, {"features": made.features})
            found.features = made.features
        found.moments |= made.moments
        return found

    def _key(self, kind: str, extractor: FeatureExtractor, count: int) -> CacheKey:
        network = f"{extractor.name} {extractor.weights_hash}"
        return CacheKey(kind, self.source.hash, network, count)
