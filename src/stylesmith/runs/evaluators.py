"""Metrics of a run while it trains, for training, which does not import metrics."""

from dataclasses import dataclass

import torch

from stylesmith.config import RunConfig
from stylesmith.data.dataset import Dataset
from stylesmith.devices import choose_precision
from stylesmith.metrics.evaluate import (
    EvaluationSettings,
    check_measurable,
    evaluate,
    open_networks,
)
from stylesmith.metrics.image_sources import DataSource, ModelSource
from stylesmith.metrics.protocol import Metric, parse_metrics
from stylesmith.metrics.reference_statistics import StatisticsCache, default_cache_folder
from stylesmith.networks import Generator, build_generator
from stylesmith.training.recorder import Score

LARGER_IS_BETTER = frozenset({"is", "pr"})
"""Families of metrics whose largest number is the best; of all others it is the smallest."""


@dataclass(frozen=True)
class RunEvaluator:
    """Compares a run's model with the images that it learns from."""

    config: RunConfig
    dataset: Dataset
    metrics: list[Metric]
    settings: EvaluationSettings

    @classmethod
    def from_config(
        cls, config: RunConfig, dataset: Dataset, device: torch.device
    ) -> "RunEvaluator | None":
        """An evaluator of the metrics in the configuration; None if there are none.

        Raises:
            StylesmithError: If a metric is unknown, lacks its weights, or does not fit the data.
        """
        names = config.output.metrics
        if not names:
            return None
        evaluator = cls(
            config,
            dataset,
            parse_metrics(",".join(names)),
            EvaluationSettings(device, cache=StatisticsCache(default_cache_folder())),
        )
        evaluator.check()
        return evaluator

    def check(self) -> None:
        """Raise an error for what cannot be measured, before anything is trained."""
        networks = open_networks(self.metrics, self.settings)
        with torch.device("meta"):
            untrained = build_generator(self.config.generator)
        fake, real = self._model_source(untrained), DataSource(self.dataset)
        check_measurable(fake, real, self.metrics, networks, repeats=1)

    def measure(self, generator: Generator) -> list[Score]:
        """The scores of a generator; an empty list on all but the main process."""
        real = DataSource(self.dataset)
        results = evaluate(self._model_source(generator), real, self.metrics, self.settings)
        families = {metric.name: metric.family for metric in self.metrics}
        return [
            Score(result.title, result.value, families[result.protocol] in LARGER_IS_BETTER)
            for result in results
        ]

    def _model_source(self, generator: Generator) -> ModelSource:
        precision = choose_precision(self.config.training.precision, self.settings.device)
        labels = self.dataset if generator.config.label_size else None
        return ModelSource(generator, "the run", precision=precision, labels=labels)
