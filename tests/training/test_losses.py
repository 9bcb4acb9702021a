import math

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from stylesmith.networks.layers import EqualizedConv2d, EqualizedLinear
from stylesmith.training import losses


def test_undecided_discriminator_loses_2_ln_2_and_generator_ln_2():
    zero = torch.zeros(3)
    assert_close(losses.discriminator_logistic(zero, zero), torch.full((3,), 2 * math.log(2)))
    assert_close(losses.generator_logistic(zero), torch.full((3,), math.log(2)))


def test_losses_are_cross_entropies_of_the_right_sign():
    real, fake = torch.tensor([2.0, -3.0]), torch.tensor([-1.0, 4.0])
    probability = torch.sigmoid
    expected = -probability(real).log() - (1 - probability(fake)).log()
    assert_close(losses.discriminator_logistic(real, fake), expected)
    assert_close(losses.generator_logistic(fake), -probability(fake).log())


def test_losses_of_extreme_scores_stay_finite():
    far = torch.tensor([1e4, -1e4])
    assert losses.discriminator_logistic(far, far).tolist() == [1e4, 1e4]
    assert losses.generator_logistic(far).tolist() == [0, 1e4]


def test_r1_of_a_linear_critic_is_the_squared_norm_of_its_weights():
    weights = torch.randn(3, 4, 4)
    reals = torch.randn(5, 3, 4, 4, requires_grad=True)
    penalty = losses.r1_penalty((reals * weights).sum((1, 2, 3)) + 7, [reals])
    assert_close(penalty, weights.square().sum().expand(5))


def test_r1_has_the_gradient_that_finite_differences_give():
    body = EqualizedConv2d(3, 4, 3, down=True), nn.Flatten(), EqualizedLinear(4 * 4 * 4, 1)
    critic = nn.Sequential(*body).double()
    reals = torch.randn(4, 3, 8, 8, dtype=torch.float64)

    def mean_penalty() -> Tensor:
        images = reals.clone().requires_grad_()
        return losses.r1_penalty(critic(images), [images]).mean()

    weight = critic[0].weight
    (gradient,) = torch.autograd.grad(mean_penalty(), weight)
    direction = torch.randn_like(weight)
    step, values = 1e-6, []
    for sign in (1, -1):
        with torch.no_grad():
            weight += sign * step * direction
        values.append(mean_penalty().item())
        with torch.no_grad():
            weight -= sign * step * direction
    slope = (values[0] - values[1]) / (2 * step)
    assert slope != 0
    assert slope == pytest.approx(float((gradient * direction).sum()), rel=1e-4)


def test_path_length_of_a_linear_map_has_the_frobenius_norm_as_its_mean_square():
    """|J^T y|^2 averages |J|_F^2 over y, divided by H * W; each of L layers adds its own map."""
    channels, height, width, layers, latent = 2, 2, 4, 3, 5
    maps = torch.randn(layers, latent, channels * height * width)
    n = 4000
    ws = torch.randn(n, layers, latent, requires_grad=True)
    images = torch.einsum("nld,ldp->np", ws, maps).reshape(n, channels, height, width)
    lengths = losses.path_lengths(images, ws, torch.randn_like(images))
    expected = maps.square().sum((1, 2)).mean() / (height * width)
    assert lengths.square().mean().item() == pytest.approx(expected.item(), rel=0.05)


def test_path_length_of_one_direction_has_a_closed_form():
    matrix = torch.randn(4, 3 * 2 * 2)
    ws = torch.randn(2, 6, 4, requires_grad=True)
    images = (ws.mean(1) @ matrix).reshape(2, 3, 2, 2)  # every layer moves the image by a sixth
    directions = torch.randn(2, 3, 2, 2)
    projected = directions.flatten(1) @ matrix.T / math.sqrt(2 * 2)
    expected = projected.norm(dim=1) / 6
    assert_close(losses.path_lengths(images, ws, directions), expected)


@pytest.mark.parametrize("resolution", [8, 32, 256, 1024])
def test_weight_of_appendix_b_is_two_for_lengths_scaled_as_here(resolution):
    """Its lengths sum over the 2 log2(r) - 2 layers and do not divide by r; ours do both."""
    appendix = math.log(2) / (resolution**2 * (math.log(resolution) - math.log(2)))
    layers = 2 * math.log2(resolution) - 2
    assert appendix == pytest.approx(2 / resolution**2 / layers)
    summed = torch.tensor([3.0, 5.0])  # |J^T y|^2 as in the appendix
    ours = (summed / layers / resolution**2).sqrt()
    penalty = 2 * losses.path_penalty(ours, torch.tensor(0.0))
    assert_close(penalty, appendix * summed)


def test_path_penalty_pulls_lengths_to_the_target():
    lengths = torch.tensor([1.0, 3.0], requires_grad=True)
    losses.path_penalty(lengths, torch.tensor(2.0)).sum().backward()
    assert lengths.grad.tolist() == [-2, 2]


def test_wgan_penalty_of_a_linear_critic_is_known():
    weights = torch.randn(3, 4, 4)
    images = torch.randn(5, 3, 4, 4, requires_grad=True)
    scores = (images * weights).sum((1, 2, 3))
    expected = (weights.norm() / 2 - 1).square().expand(5)
    assert_close(losses.wgan_penalty(scores, [images], scale=0.25), expected)


def test_gradients_of_a_pyramid_are_summed_over_its_levels():
    views = [torch.randn(2, 3, side, side, requires_grad=True) for side in (4, 8, 16)]
    weights = [torch.randn(3, side, side) for side in (4, 8, 16)]
    scores = sum((v * w).sum((1, 2, 3)) for v, w in zip(views, weights, strict=True))
    expected = sum(w.square().sum() for w in weights)
    assert_close(losses.r1_penalty(scores, views), expected.expand(2))


def test_wasserstein_losses_are_differences_of_scores_with_a_drift():
    real, fake = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0])
    assert_close(losses.generator_wasserstein(fake), -fake)
    expected = torch.tensor([0.5 - 1 + 0.001, 3 + 2 + 0.004])
    assert_close(losses.discriminator_wasserstein(real, fake, 0.001), expected)
