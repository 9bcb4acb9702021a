"""A finished run for tests of models."""

from pathlib import Path

import pytest

from stylesmith.models import RunFolder
from tests import support


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of 6 steps with two checkpoints and a snapshot; copy it to change it."""
    folder: Path = tmp_path_factory.mktemp("models")
    photos = support.make_photos(folder / "photos")
    return support.start(photos, folder / "run", "output.snapshot_kimg=0.016", steps=6)
