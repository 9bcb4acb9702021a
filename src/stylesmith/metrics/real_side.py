"""What is known of the real images: how many count, and their statistics, made once and kept."""

from collections.abc import Sequence

import torch

from stylesmith.metrics.cache import CacheKey, StatisticsCache
from stylesmith.metrics.meter import ProgressReporter
from stylesmith.metrics.moments import Moments
from stylesmith.metrics.passes import FeatureStatistics, extract_statistics
from stylesmith.metrics.protocol import Metric
from stylesmith.metrics.sources import DataSource, ImageSource
from stylesmith.perception.extractor import FeatureExtractor


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
