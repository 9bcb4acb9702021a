"""The command line in this process, with photos and runs to use it on."""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from stylesmith.cli import main
from stylesmith.metrics import evaluate
from stylesmith.models import RunFolder
from tests import support
from tests.metrics.fakes import FakeClassifier, FakeDistance, FakeExtractor
from tests.support import Result


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable:
    """`cli("train", photos, ...)`: run a command as the console script does."""

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["stylesmith", *map(str, arguments)])
        capsys.readouterr()
        with warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
            warnings.simplefilter("default")
            main()
        output = capsys.readouterr()
        return Result(int(ended.value.code or 0), output.out, output.err)

    return call


@pytest.fixture
def fake_networks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Metric networks without weights, and a cache of this test's own."""

    def open_extractor(name: str, device: object) -> FakeExtractor:
        return FakeClassifier(name) if name == "inception" else FakeExtractor(name)

    monkeypatch.setattr(evaluate, "open_extractor", open_extractor)
    monkeypatch.setattr(evaluate, "open_distance", lambda name, device: FakeDistance(name))
    monkeypatch.setenv("STYLESMITH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen 8x8 images in two classes."""
    return support.make_photos(tmp_path_factory.mktemp("data") / "photos")


@pytest.fixture(scope="session")
def finished_run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of 6 steps; copy it to change it."""
    return support.start(photos, tmp_path_factory.mktemp("runs") / "run", steps=6)


@pytest.fixture(scope="session")
def conditional_run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of one step with two classes."""
    out = tmp_path_factory.mktemp("runs") / "conditional"
    return support.start(photos, out, steps=1, conditional=True)
