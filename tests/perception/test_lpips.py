"""LPIPS is that of the package `lpips` 0.1.4."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from stylesmith.errors import ModelError, ShapeError
from stylesmith.perception.vgg_lpips import normalize_channels, read_lpips_heads
from tests.perception.published import random_images, random_weights


def pair(height: int, width: int) -> list[torch.Tensor]:
    return [random_images(1, 3, height, width, seed=seed) / 127.5 - 1 for seed in (0, 1)]


@pytest.mark.parametrize("size", ["64x64", "48x80", "256x256"])
def test_distances_are_those_of_the_lpips_package(lpips, reference, size):
    a, b = pair(*map(int, size.split("x")))
    with torch.no_grad():
        assert lpips.distance(a, b).item() == pytest.approx(reference["lpips"][size], rel=1e-5)


@torch.no_grad()
def test_large_images_are_averaged_down_to_256_and_small_ones_left(lpips):
    a, _ = pair(512, 320)
    assert_close(lpips.embed(a), lpips.embed(F.interpolate(a, (256, 160), mode="area")))
    blocks = random_images(1, 3, 256, 256) / 127.5 - 1
    doubled = blocks.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert_close(lpips.embed(doubled), lpips.embed(blocks), rtol=1e-4, atol=1e-6)
    places = sum((48 >> i) ** 2 * width for i, width in enumerate((64, 128, 256, 512, 512)))
    assert lpips.embed(torch.zeros(1, 3, 48, 48)).shape == (1, places)


def test_gradients_are_finite_where_no_channel_answers():
    """A flat image can leave a place without activation, where the root of a sum has no slope."""
    x = torch.zeros(1, 4, 2, 2, requires_grad=True)
    y = normalize_channels(x.relu())
    y.square().sum().backward()
    assert (y == 0).all() and (x.grad == 0).all()


def test_too_small_images_are_refused(lpips):
    with pytest.raises(ShapeError, match="are 32x8; this network needs at least 16"):
        lpips.embed(torch.zeros(1, 3, 8, 32))


def test_a_negative_weight_has_no_root(tmp_path):
    weights = random_weights("lpips")
    weights["lin2.model.1.weight"] = -weights["lin2.model.1.weight"]
    torch.save(weights, tmp_path / "heads.pth")
    with pytest.raises(ModelError, match=r"heads\.pth: has a negative weight"):
        read_lpips_heads(tmp_path / "heads.pth")
