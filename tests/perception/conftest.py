"""A weights folder in the public layouts, filled with random numbers."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from stylesmith.perception.extractors import (
    FeatureExtractor,
    open_distance,
    open_extractor,
)
from stylesmith.perception.preprocessing import ImageDistance
from stylesmith.perception.weights import WEIGHT_FILES
from tests.perception.published import FOLDER, random_weights

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def weights_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three files; a few MB, since their tensors share storage."""
    folder = tmp_path_factory.mktemp("weights")
    for name, file in WEIGHT_FILES.items():
        torch.save(random_weights(name), folder / file.file_name)
    return folder


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    """What torch-fidelity, torchvision and lpips compute from the same files."""
    return json.loads((FOLDER / "reference.json").read_text())


@pytest.fixture(scope="session")
def inception(weights_folder: Path) -> FeatureExtractor:
    return _quietly(open_extractor, "inception", weights_folder)


@pytest.fixture(scope="session")
def vgg16(weights_folder: Path) -> FeatureExtractor:
    return _quietly(open_extractor, "vgg16", weights_folder)


@pytest.fixture(scope="session")
def lpips(weights_folder: Path) -> ImageDistance:
    return _quietly(open_distance, "lpips", weights_folder)


def _quietly(open_one: Any, name: str, folder: Path) -> Any:
    """Without the note that the weights are not the published ones; a test of its own sees it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return open_one(name, CPU, folder)
