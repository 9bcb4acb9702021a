"""What all distances have in common; `random` and `pixels` need no file."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from stylesmith.errors import ShapeError
from stylesmith.perception.extractors import open_distance, open_extractor
from stylesmith.perception.preprocessing import ImageDistance

CPU = torch.device("cpu")


@pytest.fixture(params=["random", "pixels", "lpips"])
def distance(request: pytest.FixtureRequest) -> ImageDistance:
    if request.param == "lpips":
        return request.getfixturevalue("lpips")
    return open_distance(request.param, CPU)


def images(n: int, *, channels: int = 3) -> Tensor:
    return torch.rand(n, channels, 16, 16) * 2 - 1


@torch.no_grad()
def test_it_is_the_squared_length_of_a_difference_of_embeddings(distance):
    a, b = images(3), images(3)
    b[2] = a[2]
    found = distance.distance(a, b)
    assert found.shape == (3,) and found.dtype == torch.float32
    assert (found[:2] > 0.01).all() and found[2] == 0
    assert_close(found, distance.distance(b, a))
    assert_close(found, (distance.embed(a) - distance.embed(b)).square().sum(1))
    assert_close(found[:1], distance.distance(a[:1], b[:1]))


def test_its_gradient_is_its_slope(distance):
    a, b = images(1).requires_grad_(), images(1)
    (gradient,) = torch.autograd.grad(distance.distance(a, b).sum(), a)
    step = 1e-2 * gradient / gradient.norm()
    with torch.no_grad():
        slope = (distance.distance(a + step, b) - distance.distance(a - step, b)).item() / 2e-2
    assert slope == pytest.approx(gradient.norm().item(), rel=0.02)


@torch.no_grad()
def test_small_steps_cost_their_square(distance):
    """Path lengths divide distances of images 1e-4 apart by the square of that."""
    a, step = images(4), torch.randn(4, 3, 16, 16)
    rates = [distance.distance(a, a + size * step) / size**2 for size in (1e-4, 1e-3)]
    assert_close(rates[0], rates[1], rtol=0.05, atol=0)


@torch.no_grad()
def test_flat_pictures_have_finite_gradients(distance):
    with torch.enable_grad():
        a = torch.full((1, 3, 16, 16), -1.0, requires_grad=True)
        (gradient,) = torch.autograd.grad(distance.distance(a, images(1)).sum(), a)
    assert gradient.isfinite().all()


@torch.no_grad()
def test_gray_is_repeated_and_transparency_lies_on_white(distance):
    gray, color = images(2, channels=1), images(2)
    repeated = gray.expand(-1, 3, -1, -1)
    assert_close(distance.embed(gray), distance.embed(repeated))
    for alpha, seen in ((1.0, color), (-1.0, torch.ones_like(color)), (0.0, (color + 1) / 2)):
        transparent = torch.cat([color, torch.full_like(color[:, :1], alpha)], 1)
        assert_close(distance.embed(transparent), distance.embed(seen), rtol=1e-4, atol=1e-5)


def test_pixels_is_the_mean_squared_difference():
    a, b = images(3), images(3)
    found = open_distance("pixels", CPU).distance(a, b)
    assert_close(found, (a - b).square().mean(dim=(1, 2, 3)))


def test_random_sees_structure_where_pixels_see_none():
    """A checkerboard's inverse is far in pixels; people see the two as alike."""
    rows = torch.arange(32)
    board = (((rows[:, None] + rows) % 2) * 2.0 - 1).expand(1, 3, 32, 32)
    gray = torch.zeros_like(board)
    ratio = {}
    for name in ("random", "pixels"):
        measure = open_distance(name, CPU).distance
        ratio[name] = (measure(board, -board) / measure(board, gray)).item()
    assert ratio["pixels"] == pytest.approx(4)
    assert ratio["random"] < 2


def test_random_refuses_images_that_vanish():
    with pytest.raises(ShapeError, match="are 8x4; this network needs at least 8"):
        open_distance("random", CPU).embed(torch.zeros(1, 3, 4, 8))


def test_hashes_tell_definitions_apart(lpips):
    names = ("random", "pixels")
    hashes = [open_distance(name, CPU).weights_hash for name in names]
    assert len({*hashes, lpips.weights_hash}) == 3
    assert all(len(value) == 64 for value in hashes)
    assert hashes[0] == open_extractor("random", CPU).weights_hash
