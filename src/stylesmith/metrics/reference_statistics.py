"""Statistics of the real images, extracted once and cached by content of data and extractor."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stylesmith import distributed, files
from stylesmith.errors import ModelError, OutputError
from stylesmith.metrics.extraction import FeatureStatistics, ProgressReporter, extract_statistics
from stylesmith.metrics.image_sources import DataSource, ImageSource, blake2b_digest
from stylesmith.metrics.protocol import Metric
from stylesmith.metrics.scores import Moments
from stylesmith.perception.extractors import FeatureExtractor
from stylesmith.tensor_file import TensorFileKind, read_tensor_file, write_tensor_file

STATISTICS_KIND: TensorFileKind = "statistics"
CACHE_VERSION = 1
"""Of what the statistics are; another number lets go of all old files."""


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


def default_cache_folder() -> Path:
    """`STYLESMITH_CACHE`, else `stylesmith/metrics` in the user's cache folder."""
    place = os.environ.get("STYLESMITH_CACHE")
    return Path(place) if place else files.cache_folder() / "metrics"


@dataclass(frozen=True)
class StatisticsCache:
    """A folder of statistics; a missing, damaged or unwritable file only costs time."""

    folder: Path | None
    """None keeps nothing."""

    def load(self, key: CacheKey) -> dict[str, Tensor] | None:
        """The statistics of this key; None if they must be made.

        All processes take them, or none does.
        """
        found = self._read(key)
        owners = distributed.all_reduce_sum(torch.tensor(0.0 if found is None else 1.0))
        return found if int(owners) == distributed.world_size() else None

    def save(self, key: CacheKey, tensors: Mapping[str, Tensor]) -> None:
        """Keep statistics; written by the main process alone."""
        if self.folder is None or not distributed.is_main():
            return
        try:
            write_tensor_file(self._path(key), tensors, {"key": vars(key)}, kind=STATISTICS_KIND)
        except OutputError:  # a full disk or a read-only home takes no result away
            return

    def _read(self, key: CacheKey) -> dict[str, Tensor] | None:
        if self.folder is None:
            return None
        try:
            return read_tensor_file(self._path(key), kind=STATISTICS_KIND)[0]
        except ModelError:
            return None

    def _path(self, key: CacheKey) -> Path:
        assert self.folder is not None
        name = blake2b_digest([json.dumps([CACHE_VERSION, vars(key)], sort_keys=True).encode()])
        return self.folder / f"{name}.safetensors"


class ReferenceStatistics:
    """Real images as metrics see them; statistics of a data set are cached by its content."""

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
        self._meter = reporter
        self._device = device

    def image_count(self, metric: Metric) -> int:
        """How many real images a metric takes: as many as its name says, if there are so many."""
        there = self.source.count
        if there is None:
            return metric.max_reals or metric.count
        return there if metric.max_reals is None else min(there, metric.max_reals)

    def load_or_extract(
        self, metrics: Sequence[Metric], extractor: FeatureExtractor
    ) -> FeatureStatistics:
        """What these metrics need; one pass over the images for all that is not there yet."""
        moments = {self.image_count(metric) for metric in metrics if metric.family == "fd"}
        rows = max(
            [self.image_count(metric) for metric in metrics if metric.family != "fd"], default=0
        )
        found = self._load(extractor, moments, rows)
        missing = moments - found.moments.keys()
        missing_rows = rows if found.features is None else 0
        if not missing and not missing_rows:
            return found
        made = extract_statistics(
            self.source, extractor, missing, missing_rows, self._meter, device=self._device
        )
        self._save(extractor, made)
        table = made.features if missing_rows else found.features
        return FeatureStatistics(found.moments | made.moments, table)

    def _load(self, extractor: FeatureExtractor, moments: set[int], rows: int) -> FeatureStatistics:
        found = FeatureStatistics()
        for count in sorted(moments):
            if tensors := self._cache.load(self._key("moments", extractor, count)):
                found.moments[count] = Moments(count, tensors["mean"], tensors["scatter"])
        if rows and (tensors := self._cache.load(self._key("features", extractor, rows))):
            found.features = tensors["features"]
        return found

    def _save(self, extractor: FeatureExtractor, made: FeatureStatistics) -> None:
        for count, some in made.moments.items():
            tensors = {"mean": some.mean, "scatter": some.scatter}
            self._cache.save(self._key("moments", extractor, count), tensors)
        if made.features is not None:
            key = self._key("features", extractor, len(made.features))
            self._cache.save(key, {"features": made.features})

    def _key(self, kind: str, extractor: FeatureExtractor, count: int) -> CacheKey:
        network = f"{extractor.name} {extractor.weights_hash}"
        return CacheKey(kind, self.source.hash, network, count)
