import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torchmetrics.image.fid import FrechetInceptionDistance

from stylesmith.metrics.scores import Moments, frechet_distance, matrix_sqrt
from tests.metrics.fakes import moments_of


def gaussian(mean: list[float], variances: list[float]) -> Moments:
    """Exactly these moments."""
    count = 11
    scatter = torch.diag(torch.tensor(variances, dtype=torch.float64)) * (count - 1)
    return Moments(count, torch.tensor(mean, dtype=torch.float64), scatter)


def test_diagonal_gaussians_have_a_closed_form():
    real, fake = gaussian([1, 0, 2], [1, 4, 9]), gaussian([0, 0, 0], [4, 1, 0.25])
    wanted = 5 + (1 - 2) ** 2 + (2 - 1) ** 2 + (3 - 0.5) ** 2  # |m|^2 + sum (sd - sd')^2
    assert frechet_distance(real, fake) == pytest.approx(wanted, rel=1e-12)


def test_gaussians_with_common_axes_have_a_closed_form():
    """A rotation of both changes nothing."""
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    real, fake = gaussian([1, 0, 2], [1, 4, 9]), gaussian([0, 0, 0], [4, 1, 0.25])
    turned = [Moments(m.count, turn @ m.mean, turn @ m.scatter @ turn.T) for m in (real, fake)]
    assert frechet_distance(*turned) == pytest.approx(frechet_distance(real, fake), rel=1e-10)


def test_a_shift_costs_its_square():
    x, shift = torch.randn(100, 5).double(), torch.tensor([1.0, -2.0, 0.0, 0.5, 3.0])
    distance = frechet_distance(moments_of(x), moments_of(x + shift))
    assert distance == pytest.approx(float(shift.square().sum()), rel=1e-6)


@pytest.mark.parametrize("count", [200, 8])  # with full rank and without
def test_equal_sets_are_no_distance_apart(count):
    moments = moments_of(torch.randn(count, 32))
    assert 0 <= frechet_distance(moments, moments) < 1e-5


def test_the_distance_is_symmetric():
    a, b = (
        moments_of(torch.randn(60, 8)),
        moments_of(torch.randn(40, 8) * 2 + 1),
    )
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)


def test_the_root_squared_is_the_matrix():
    x = torch.randn(5, 8, dtype=torch.float64)
    root = matrix_sqrt(x.T @ x)  # rank 5 of 8
    assert_close(root @ root, x.T @ x)
    assert_close(root, root.T)


class Flatten(torch.nn.Module):
    """An extractor that torchmetrics accepts."""

    num_features = 12

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1).float() @ torch.linspace(-1, 1, 48 * 12).reshape(48, 12).sin()


def test_the_value_is_that_of_torchmetrics():
    real = torch.randint(0, 256, (80, 3, 4, 4), dtype=torch.uint8)
    fake = torch.randint(0, 200, (60, 3, 4, 4), dtype=torch.uint8)
    extractor = Flatten()
    other = FrechetInceptionDistance(feature=extractor, input_img_size=(3, 4, 4))
    other.set_dtype(torch.float64)
    other.update(real, real=True)
    other.update(fake, real=False)
    distance = frechet_distance(moments_of(extractor(real)), moments_of(extractor(fake)))
    assert distance == pytest.approx(float(other.compute()), rel=1e-4)
    assert distance > 100
