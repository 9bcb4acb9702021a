"""Inception-v3 is the one of the published FID, as torch-fidelity 0.4.0 computes it."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from stylesmith.errors import ShapeError
from stylesmith.perception import inception as module
from stylesmith.perception.inception import resize_as_tensorflow
from tests.perception.published import random_images, thin

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
SIZES = ["299x299", "40x56", "320x304"]


def images(size: str) -> torch.Tensor:
    height, width = map(int, size.split("x"))
    return random_images(1, 3, height, width)


@pytest.mark.parametrize("size", SIZES)
def test_features_and_probabilities_are_those_of_torch_fidelity(inception, reference, size):
    features, probabilities = reference["inception"][size]
    assert_close(thin(inception.features(images(size))), torch.tensor(features), **CLOSE)
    found = thin(inception.probabilities(images(size)))
    assert_close(found, torch.tensor(probabilities), rtol=1e-5, atol=1e-8)


def as_others_resize(x, size):
    return F.interpolate(x, size=(size, size), mode="bilinear")


def with_padding(x):
    return F.avg_pool2d(x, 3, stride=1, padding=1)


@pytest.mark.parametrize(
    ("name", "other"),
    [("resize_as_tensorflow", as_others_resize), ("avg_pool_3x3", with_padding)],
)
def test_the_comparison_sees_what_other_versions_do(inception, reference, monkeypatch, name, other):
    monkeypatch.setattr(module, name, other)
    features = torch.tensor(reference["inception"]["40x56"][0])
    found = thin(inception.features(images("40x56")))
    assert ((found - features).norm() / features.norm()) > 1e-4


def test_the_comparison_sees_the_last_pooling(inception, reference, monkeypatch):
    monkeypatch.setattr(inception.network.Mixed_7c, "pool", module.avg_pool_3x3)
    features = torch.tensor(reference["inception"]["299x299"][0])
    found = thin(inception.features(images("299x299")))
    assert ((found - features).norm() / features.norm()) > 1e-4


def test_tensorflows_resize_reads_a_ramp_at_whole_steps():
    """Pixel i of the output lies at i * 10 / 25; beyond the last pixel it repeats."""
    ramp = torch.arange(10.0).expand(1, 1, 10, 10)
    found = resize_as_tensorflow(ramp, 25)[0, 0]
    assert_close(found[0], (torch.arange(25) * 0.4).clamp(max=9))
    assert_close(found, found[:1].expand(25, 25))
    assert_close(resize_as_tensorflow(ramp.mT, 25)[0, 0], found.T)


def test_shrinking_does_not_average():
    image = torch.zeros(1, 1, 20, 20)
    image[..., 1::2, 1::2] = 1
    assert resize_as_tensorflow(image, 10).max() == 0
    assert resize_as_tensorflow(image, 20) is image


def test_gray_is_repeated_and_transparency_lies_on_white(inception):
    gray = random_images(2, 1, 32, 32)
    assert_close(inception.features(gray), inception.features(gray.expand(-1, 3, -1, -1)))
    color = random_images(2, 3, 32, 32)
    opaque, clear = (torch.full((2, 1, 32, 32), a, dtype=torch.uint8) for a in (255, 0))
    assert_close(inception.features(torch.cat([color, opaque], 1)), inception.features(color))
    white = torch.full_like(color, 255)
    assert_close(inception.features(torch.cat([color, clear], 1)), inception.features(white))


def test_images_do_not_see_each_other(inception):
    batch = random_images(3, 3, 32, 32)
    together = inception.features(batch)
    assert together.shape == (3, inception.dimension) and together.dtype == torch.float32
    alone = torch.cat([inception.features(image[None]) for image in batch])
    assert_close(together, alone, **CLOSE)
    assert_close(inception.probabilities(batch).sum(1), torch.ones(3))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (torch.zeros(1, 3, 8, 8), "must be uint8, 0..255, got torch.float32"),
        (torch.zeros(1, 2, 8, 8, dtype=torch.uint8), "1, 3 or 4 channels, got (1, 2, 8, 8)"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), "1, 3 or 4 channels, got (3, 8, 8)"),
    ],
)
def test_other_tensors_are_refused(inception, bad, message):
    with pytest.raises(ShapeError) as caught:
        inception.features(bad)
    assert message in str(caught.value)
