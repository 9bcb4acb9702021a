"""Protocols of feature extractors and image distances, and opening one by name."""

import difflib
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.perception.inception import InceptionExtractor
from stylesmith.perception.preprocessing import to_rgb
from stylesmith.perception.random_features import RandomDistance, RandomExtractor
from stylesmith.perception.vgg_lpips import LPIPS, VGG16Extractor
from stylesmith.perception.weights import locate_weights

PIXEL_DISTANCE_DEFINITION = "stylesmith mean squared pixel difference, -1..1, 1"


class PixelDistance:
    """Mean over channels and places of squared differences of colors in -1..1."""

    name = "pixels"
    min_size = 1

    def __init__(self, device: torch.device):
        self.weights_hash = hashlib.sha256(PIXEL_DISTANCE_DEFINITION.encode()).hexdigest()
        self.device = device

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Two batches `(N, 3, H, W)`, -1..1 -> `(N,)`; differentiable."""
        return (self.embed(a) - self.embed(b)).square().sum(1)

    def embed(self, images: Tensor) -> Tensor:
        """`(N, 3, H, W)` -> `(N, 3 * H * W)`."""
        x = to_rgb(images.to(self.device).float(), black=-1, white=1).flatten(1)
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
    """Shortest side in pixels that it accepts."""

    def features(self, images: Tensor) -> Tensor:
        """uint8 `(N, 1, 3 or 4, H, W)` -> float32 `(N, D)`, on the extractor's device."""
        ...


class ClassProbabilityExtractor(FeatureExtractor, Protocol):
    """An extractor that also tells classes, as the Inception Score needs."""

    def probabilities(self, images: Tensor) -> Tensor:
        """uint8 images -> `(N, K)`, rows that sum to 1."""
        ...


class ImageDistance(Protocol):
    """How different two images look."""

    name: str
    weights_hash: str
    min_size: int
    """Shortest side in pixels that it accepts."""

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Two float batches `(N, 3, H, W)`, -1..1 -> `(N,)`; differentiable."""
        ...

    def embed(self, images: Tensor) -> Tensor:
        """`(N, D)`, such that distances are squared lengths of differences."""
        ...


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
            return RandomExtractor(device)
        case "inception":
            (file,) = locate_weights([name], weights_folder, purpose="extractor 'inception'")
            return InceptionExtractor(file.path, file.sha256, device)
        case "vgg16":
            (file,) = locate_weights([name], weights_folder, purpose="extractor 'vgg16'")
            return VGG16Extractor(file.path, file.sha256, device)
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
            return RandomDistance(device)
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
    close = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return UsageError(f"{name!r}: no such {kind}.{hint} There are: {', '.join(known)}.")
