"""Spectral normalization against the singular value decomposition (StyleGAN2, appendix E)."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from stylesmith.config import DiscriminatorConfig, GeneratorConfig, MappingConfig
from stylesmith.networks import MappingNetwork
from stylesmith.networks.discriminators import (
    GrowingDiscriminator,
    OrigDiscriminator,
    ResidualDiscriminator,
)
from stylesmith.networks.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    ShortcutConv2d,
    SpectralNorm,
    StyledConv2d,
    ToRGB,
)
from stylesmith.networks.stylegan2 import ResidualSynthesis, SkipSynthesis

SHAPES = pytest.mark.parametrize("shape", [(6, 4, 3, 3), (3, 16, 1, 1), (5, 7), (1, 9)])


def largest_singular_value(weight: Tensor) -> Tensor:
    return torch.linalg.svd(weight.flatten(1)).S[0]


def settled(shape: tuple[int, ...]) -> tuple[SpectralNorm, Tensor]:
    """A weight, and its norm after many forwards."""
    normalize, weight = SpectralNorm(shape[0]).double(), torch.randn(shape, dtype=torch.float64)
    for _ in range(500):
        normalize(weight)
    return normalize, weight


@SHAPES
def test_the_largest_singular_value_becomes_one(shape):
    normalize, weight = settled(shape)
    for mode in (True, False):
        found = normalize.train(mode)(weight)
        assert largest_singular_value(found).item() == pytest.approx(1, abs=1e-6)
        assert_close(found, weight / largest_singular_value(weight), atol=1e-6, rtol=1e-6)


def test_one_forward_is_one_step_of_power_iteration():
    normalize, weight = SpectralNorm(6), torch.randn(6, 5)
    u = normalize.u.clone()
    v = nn.functional.normalize(weight.T @ u, dim=0)
    u = nn.functional.normalize(weight @ v, dim=0)
    assert_close(normalize(weight), weight / (u @ weight @ v))
    assert_close(normalize.u, u)


def test_kernels_are_a_matrix_of_their_output_channels_in_any_memory_format():
    normalize, weight = SpectralNorm(6), torch.randn(6, 4, 3, 3)
    other = copy.deepcopy(normalize)
    last = normalize(weight.contiguous(memory_format=torch.channels_last))
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert_close(last, other(weight))
    assert_close(other(weight.flatten(1)).view_as(weight), normalize(weight))


def test_it_follows_a_weight_that_learns():
    normalize, weight = settled((6, 4, 3, 3))
    moved = weight + 0.1 * torch.randn_like(weight)
    errors = [abs(largest_singular_value(normalize(moved)).item() - 1) for _ in range(200)]
    assert errors[0] > 1e-4 > 1e-6 > errors[-1]


@SHAPES
def test_the_gradient_is_that_of_the_singular_value(shape):
    normalize, weight = settled(shape)
    direction = torch.randn_like(weight)

    def gradient(divide: Callable[[Tensor], Tensor]) -> Tensor:
        leaf = weight.clone().requires_grad_()
        return torch.autograd.grad((divide(leaf) * direction).sum(), leaf)[0]

    def by_definition(weight: Tensor) -> Tensor:
        return weight / torch.linalg.matrix_norm(weight.flatten(1), ord=2)

    assert_close(gradient(normalize), gradient(by_definition), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("quiet", ["eval", "no_grad"])
def test_nothing_moves_without_training(quiet):
    network = OrigDiscriminator(
        DiscriminatorConfig(connection="orig", levels=3, max_channels=8, spectral_norm=True)
    )
    images = torch.randn(4, 3, 16, 16)
    before = {name: x.clone() for name, x in network.named_buffers()}
    assert len(before) == 8
    if quiet == "eval":
        scores = [network.eval()(images) for _ in range(2)]
    else:
        with torch.no_grad():
            scores = [network(images) for _ in range(2)]
    assert torch.equal(*scores)
    assert all(torch.equal(x, before[name]) for name, x in network.named_buffers())
    network.train()(images)
    assert not any(
        torch.equal(x, before[name]) for name, x in network.named_buffers() if len(x) > 1
    )


def test_a_forward_in_evaluation_may_wait_for_its_backward():
    layer = EqualizedConv2d(4, 4, 3, spectral_norm=True)
    still = layer.eval()(torch.randn(2, 4, 8, 8))
    layer.train()(torch.randn(2, 4, 8, 8))
    still.mean().backward()
    assert layer.weight.grad.any()


@pytest.mark.parametrize("lr_multiplier", [1.0, 0.01])
def test_the_matrix_that_a_layer_multiplies_by_has_norm_one(lr_multiplier):
    layer = EqualizedLinear(7, 5, lr_multiplier=lr_multiplier, spectral_norm=True)
    for _ in range(500):
        rows = layer(torch.eye(7))
    assert largest_singular_value(rows).item() == pytest.approx(1, abs=1e-5)


def test_two_forwards_may_precede_one_backward():
    layer = EqualizedConv2d(4, 4, 3, spectral_norm=True)
    reals, fakes = torch.randn(2, 2, 4, 8, 8)
    (layer(reals).mean() - layer(fakes).mean()).backward()
    assert layer.weight.grad.isfinite().all() and layer.weight.grad.any()


def test_it_is_almost_a_no_op_on_a_demodulated_layer():
    plain = StyledConv2d(8, 6, 8)
    normalized = StyledConv2d(8, 6, 8, spectral_norm=True)
    normalized.load_state_dict(plain.state_dict(), strict=False)
    x, w, noise = torch.randn(2, 8, 8, 8), torch.randn(2, 8), torch.randn(1, 1, 8, 8)
    assert_close(normalized(x, w, noise), plain(x, w, noise), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "options", "rest"),
    [(ToRGB, {}, ()), (StyledConv2d, {"noise": False, "demodulate": False}, (None,))],
)
def test_without_demodulation_it_divides_the_result(kind, options, rest):
    plain, normalized = (kind(8, 6, 8, spectral_norm=on, **options) for on in (False, True))
    normalized.load_state_dict(plain.state_dict(), strict=False)
    x, w = torch.randn(2, 8, 8, 8), torch.randn(2, 8)
    for _ in range(500):
        found = normalized(x, w, *rest)
    norm = largest_singular_value(plain.weight * plain.weight_gain).item()
    assert abs(norm - 1) > 0.2
    assert_close(found * norm, plain(x, w, *rest), atol=1e-4, rtol=1e-4)


def normalized_layers(network: nn.Module) -> set[str]:
    """Names of the layers whose weight is normalized."""
    return {
        name.removesuffix(".normalize")
        for name, module in network.named_modules()
        if isinstance(module, SpectralNorm)
    }


def weighted_layers(network: nn.Module) -> set[str]:
    kinds = (EqualizedConv2d, EqualizedLinear, ShortcutConv2d, StyledConv2d, ToRGB)
    return {name for name, module in network.named_modules() if isinstance(module, kinds)}


@pytest.mark.parametrize("on", [True, False])
def test_every_layer_of_a_network_but_mappings_and_affines_is_normalized(on):
    fields = {"levels": 3, "max_channels": 8, "spectral_norm": on}
    generator = GeneratorConfig(mapping=MappingConfig(w_dim=8), **fields)
    discriminator = DiscriminatorConfig(label_size=3, label_mode="projection", **fields)
    networks = [kind(generator) for kind in (SkipSynthesis, ResidualSynthesis)]
    networks += [kind(discriminator) for kind in (ResidualDiscriminator, GrowingDiscriminator)]
    for network in networks:
        layers = weighted_layers(network)
        spared = {n for n in layers if n.endswith("affine") or "label_mapping" in n}
        assert layers > spared > set()
        assert normalized_layers(network) == (layers - spared if on else set())
    assert normalized_layers(MappingNetwork(generator.mapping)) == set()


def test_the_state_is_saved_with_the_network():
    config = DiscriminatorConfig(levels=3, max_channels=8, spectral_norm=True)
    first, second = (ResidualDiscriminator(config) for _ in range(2))
    images = torch.randn(4, 3, 16, 16)
    first(images)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.eval()(images), second.eval()(images))
