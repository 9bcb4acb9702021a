"""Measuring with fake networks, and tiny data to measure against."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stylesmith.data.dataset import open_dataset
from stylesmith.metrics import evaluate as evaluation
from stylesmith.metrics.evaluate import EvaluationSettings, evaluate
from stylesmith.metrics.image_sources import DataSource, ImageSource
from stylesmith.metrics.protocol import parse_metrics
from stylesmith.metrics.reference_statistics import StatisticsCache
from stylesmith.metrics.results import MetricResult
from tests.metrics.fakes import CPU, FakeClassifier, FakeDistance, FakeExtractor
from tests.support import make_photos


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[FakeExtractor]:
    """Every extractor that is opened from now on, all of them fakes."""
    extractors: list[FakeExtractor] = []

    def open_extractor(name: str, device: object) -> FakeExtractor:
        kind = FakeClassifier if name == "inception" else FakeExtractor
        extractors.append(kind(name))
        return extractors[-1]

    monkeypatch.setattr(evaluation, "open_extractor", open_extractor)
    monkeypatch.setattr(evaluation, "open_distance", lambda name, device: FakeDistance(name))
    return extractors


@pytest.fixture
def measure(opened: list[FakeExtractor]) -> Callable[..., list[MetricResult]]:
    """`measure(fake, real, "fid64", repeats=2)`: all results."""

    def call(
        fake: ImageSource,
        real: ImageSource | None,
        names: str,
        *,
        cache: Path | None = None,
        repeats: int = 1,
        seed: int = 0,
        classifiers: Path | None = None,
    ) -> list[MetricResult]:
        settings = EvaluationSettings(CPU, seed, repeats, classifiers, StatisticsCache(cache))
        return list(evaluate(fake, real, parse_metrics(names), settings))

    return call


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> DataSource:
    """Forty 8x8 images in two classes."""
    return DataSource(open_dataset(make_photos(tmp_path_factory.mktemp("real"), count=40)))
