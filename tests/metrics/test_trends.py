"""Distances by the extractor without weights rise with everything that makes images worse."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.data.avatars import make_avatars
from stylesmith.data.dataset import open_dataset
from stylesmith.latents import RandomKeys
from stylesmith.metrics.precision_recall import compute_precision_recall
from stylesmith.metrics.scores import frechet_distance, kernel_distance
from stylesmith.perception.extractors import open_extractor
from tests.metrics.fakes import moments_of

COUNT = 400
EXTRACTOR = open_extractor("random", torch.device("cpu"))


@dataclass(frozen=True)
class Avatars:
    """Faces, and the number of each one's hair color."""

    images: Tensor
    kinds: Tensor


@pytest.fixture(scope="module")
def avatars(tmp_path_factory) -> Avatars:
    """The first half are real, the second half is to be harmed; all are different."""
    path = tmp_path_factory.mktemp("avatars") / "faces.zip"
    make_avatars(path, count=2 * COUNT, size=32)
    dataset = open_dataset(path)
    faces = np.stack([dataset.pixels(i) for i in range(2 * COUNT)])
    assert dataset.labels is not None
    return Avatars(torch.from_numpy(faces), torch.from_numpy(dataset.labels.values))


def blur(faces: Tensor, width: float) -> Tensor:
    if not width:
        return faces
    place = torch.arange(-6, 7).float()
    line = torch.exp(-place.square() / (2 * width**2))
    kernel = torch.outer(line, line) / line.sum() ** 2
    padded = F.pad(pixels.from_uint8(faces), [6] * 4, mode="replicate")
    return pixels.to_uint8(F.conv2d(padded, kernel.expand(3, 1, 13, 13), groups=3))


def add_noise(faces: Tensor, strength: float) -> Tensor:
    return pixels.to_uint8(pixels.from_uint8(faces) + strength * torch.randn(faces.shape))


def darken(faces: Tensor, amount: float) -> Tensor:
    return (faces.float() * (1 - amount)).to(torch.uint8)


def distances(real: Tensor, fakes: list[Tensor]) -> tuple[list[float], list[float]]:
    """Frechet and kernel distances of images to real ones."""
    a, others = EXTRACTOR.features(real), [EXTRACTOR.features(fake) for fake in fakes]
    frechet = [frechet_distance(moments_of(a), moments_of(b)) for b in others]
    return frechet, [kernel_distance(a, b, keys=RandomKeys(0), subsets=1) for b in others]


@pytest.mark.parametrize(
    ("harm", "steps"),
    [
        (blur, (0, 0.4, 0.7, 1.0, 1.5, 2.5)),
        (add_noise, (0, 0.02, 0.05, 0.1, 0.2, 0.4)),
        (darken, (0, 0.05, 0.1, 0.2, 0.4)),
    ],
)
def test_distances_rise_with_every_step_of_harm(avatars, harm: Callable, steps):
    real, fake = avatars.images[:COUNT], avatars.images[COUNT:]
    for found in distances(real, [harm(fake, step) for step in steps]):
        assert found == sorted(found) and found[-1] > 2 * found[0], found


def test_distances_rise_with_every_lost_kind_and_coverage_falls(avatars):
    """Ever fewer hair colors, each image shown more often."""
    real, fake = avatars.images[:COUNT], avatars.images[COUNT:]
    fakes = []
    for kinds in (7, 3, 2, 1):
        kept = torch.nonzero(avatars.kinds[COUNT:] < kinds)[:, 0]
        fakes.append(fake[kept[torch.arange(COUNT) % len(kept)]])
    for found in distances(real, fakes):
        assert found == sorted(found) and found[-1] > 2 * found[0], found
    a = EXTRACTOR.features(real)
    covered = [compute_precision_recall(a, EXTRACTOR.features(fake)).coverage for fake in fakes]
    assert covered == sorted(covered, reverse=True) and covered[-1] < covered[0] / 2, covered


def test_frechet_distance_rises_with_every_lost_image(avatars):
    real, fake = avatars.images[:COUNT], avatars.images[COUNT:]
    kept = (400, 200, 80, 40, 20, 8)
    frechet, _ = distances(real, [fake[torch.arange(COUNT) % count] for count in kept])
    assert frechet == sorted(frechet) and frechet[-1] > 2 * frechet[0], frechet
