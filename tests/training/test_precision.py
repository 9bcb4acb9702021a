"""The evidence for training in bf16: the gradient of each pass beside that in fp32."""

from functools import cache

import pytest
import torch
from torch import Tensor

from stylesmith.config import DataConfig, RunConfig
from stylesmith.devices import FP32, Precision
from stylesmith.latents import RandomKeys
from stylesmith.networks import build_discriminator, build_generator
from stylesmith.presets import find_preset
from stylesmith.training import loss_passes
from stylesmith.training.loss_passes import LatentBatch, Networks
from tests.conftest import set_noise_strength

BF16 = Precision(torch.bfloat16)
CPU = torch.device("cpu")
BATCH = 8

PASSES = ("generator", "discriminator", "path", "r1")


@cache
def config() -> RunConfig:
    """`stylegan2-f` at 64x64, with at most 32 channels."""
    whole = find_preset("stylegan2-f").build(DataConfig(size=(64, 64)), CPU)
    width = {"max_channels": 32}
    return whole.change(generator=width, discriminator=width)


@cache
def networks(precision: Precision) -> Networks:
    """As at the start of training, but that noise has an effect."""
    generator, critic = (
        build_generator(config().generator),
        build_discriminator(config().discriminator),
    )
    set_noise_strength(generator, 0.1)
    return Networks(generator, critic, precision)


def latents(first: int) -> LatentBatch:
    return loss_passes.make_latent_batch(
        config().generator,
        RandomKeys(0),
        "generator",
        0,
        range(first, first + BATCH),
        level=config().generator.levels - 1,
        mixing_probability=0.9,
        label=None,
        device=CPU,
    )


@cache
def gradient(name: str, precision: Precision, first: int = 0) -> Tensor:
    """The whole gradient of a pass over the batch that begins at image `first`, as a vector."""
    pair, training = networks(precision), config().training
    numbers = torch.Generator().manual_seed(first)
    reals, directions = torch.randn(2, BATCH, 3, 64, 64, generator=numbers)
    match name:
        case "generator":
            loss, _ = loss_passes.generator_pass(pair, latents(first))
        case "discriminator":
            loss, _ = loss_passes.discriminator_pass(pair, reals, None, latents(first))
        case "path":
            mean = torch.tensor(0.1)
            loss, _ = loss_passes.path_pass(pair, latents(first), directions, mean, training)
        case "r1":
            loss, _ = loss_passes.r1_pass(pair, reals, None, training)
    network = pair.generator if name in {"generator", "path"} else pair.discriminator
    parts = torch.autograd.grad(loss, list(network.parameters()), materialize_grads=True)
    return torch.cat([part.flatten().double() for part in parts])


def distance(first: Tensor, second: Tensor) -> float:
    """Length of the difference of two vectors, by the length of the first."""
    return float((first - second).norm() / first.norm())


@pytest.mark.parametrize("name", PASSES)
def test_bf16_keeps_the_gradient_of_a_pass(name):
    wanted, found = gradient(name, FP32), gradient(name, BF16)
    assert float(torch.cosine_similarity(wanted, found, dim=0)) > 0.99
    assert float(found.norm() / wanted.norm()) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("name", PASSES)
def test_rounding_is_small_beside_the_noise_of_a_batch(name):
    wanted = gradient(name, FP32)
    assert distance(wanted, gradient(name, BF16)) < distance(wanted, gradient(name, FP32, 100)) / 2
