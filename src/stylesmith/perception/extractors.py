"""Protocols of feature extractors and image distances, and opening one by name."""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from stylesmith.errors import UsageError, suggest_name
from stylesmith.perception.inception import InceptionExtractor
from stylesmith.perception.preprocessing import ImageDistance, signed_to_rgb
from stylesmith.perception.random_features import RandomFeatures
from stylesmith.perception.vgg_lpips import LPIPS, VGG16Extractor
from stylesmith.perception.weights import locate_weights

PIXEL_DISTANCE_DEFINITION = "stylesmith mean squared pixel difference, -1..1, 1"


class PixelDistance(ImageDistance):
    """Mean over channels and places of squared differences of colors in -1..1."""

    name = "pixels"
    min_size = 1

    def __init__(self, device: torch.device):
        self.weights_hash = hashlib.sha256(PIXEL_DISTANCE_DEFINITION.encode()).hexdigest()
        self.device = device

    def embed(self, images: Tensor) -> Tensor:
        """`(N, 3, H, W)` -> `(N, 3 * H * W)`."""
        x = signed_to_rgb(images, self.device).flatten(1)
        return x / math.sqrt(x.shape[1])


EXTRACTORS = ("inception", "vgg16", "random")
DISTANCES = ("lpips", "random", "pixels")


class FeatureExtractor(Protocol):
    """Images to features."""

    name: str
    dimension: int
    """D, the number of features."""
    weights_hash: str
    """SHA-256 of the weights file; of its definition where there is none."""
    min_size: int
    """Least height and width in pixels."""

    def features(self, images: Tensor) -> Tensor:
        """uint8 `(N, 1, 3 or 4, H, W)` -> float32 `(N, D)`, on the extractor's device."""


class ClassProbabilityExtractor(FeatureExtractor, Protocol):
    """An extractor that also classifies, as the Inception Score needs."""

    def probabilities(self, images: Tensor) -> Tensor:
        """uint8 images -> `(N, K)`, rows that sum to 1."""


def open_extractor(
    name: str, device: torch.device, weights_folder: Path | None = None
) -> FeatureExtractor:
    """The extractor of that name; an `inception` is a `ClassProbabilityExtractor` too.

    Raises:
        UsageError: If there is none of that name.
        ModelError: If its weights are missing or have another layout.
    """
    match name:
        case "random":
            return RandomFeatures(device)
        case "inception" | "vgg16":
            (file,) = locate_weights([name], weights_folder, purpose=f"extractor {name!r}")
            extractor = InceptionExtractor if name == "inception" else VGG16Extractor
            return extractor(file.path, file.sha256, device)
    raise _unknown_name_error("extractor", name, EXTRACTORS)


def open_distance(
    name: str, device: torch.device, weights_folder: Path | None = None
) -> ImageDistance:
    """The perceptual distance of that name.

    Raises:
        UsageError: If there is none of that name.
        ModelError: If its weights are missing or have another layout.
    """
    match name:
        case "random":
            return RandomFeatures(device)
        case "pixels":
            return PixelDistance(device)
        case "lpips":
            trunk, heads = locate_weights(
                ["vgg16", "lpips"], weights_folder, purpose="distance 'lpips'"
            )
            both = hashlib.sha256(f"{trunk.sha256} {heads.sha256}".encode()).hexdigest()
            return LPIPS(trunk.path, heads.path, both, device)
    raise _unknown_name_error("distance", name, DISTANCES)


def _unknown_name_error(kind: str, name: str, known: Sequence[str]) -> UsageError:
    near = suggest_name(name, known)
    hint = f" Did you mean {near!r}?" if near else ""
    return UsageError(f"{name!r}: no such {kind}.{hint} There are: {', '.join(known)}.")
