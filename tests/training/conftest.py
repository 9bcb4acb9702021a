"""Photos and a finished run for tests of training."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from stylesmith.models import RunFolder
from tests import support


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen 8x8 images in two classes."""
    return support.make_photos(tmp_path_factory.mktemp("data") / "photos")


@pytest.fixture(scope="session")
def finished_run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of 20 steps with several checkpoints; copy it to change it."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    every_step = "output.checkpoint_minutes=1e-9"
    return support.start(photos, out, every_step, "output.snapshot_kimg=0.032", steps=20)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute with one thread, as processes started by tests do; other numbers give other bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
