"""Steps and batches on the device of `--device` have the numbers of the CPU.

    pytest --device cuda --dtype bf16 tests/test_device.py tests/ops tests/networks

Without `--device` they run on the virtual GPU, which computes on the CPU by the rules of CUDA.
"""

import pytest
import torch
from torch import Tensor

from stylesmith.inversion import LatentOptimizer, ProjectionSettings
from stylesmith.inversion.latent_optimizer import WStatistics
from stylesmith.metrics.extraction import ProgressReporter, extract_statistics
from stylesmith.metrics.image_sources import ModelSource
from stylesmith.networks import Generator
from stylesmith.networks.sampling_pipeline import SamplingPipeline, SamplingSettings
from stylesmith.perception.random_features import RandomFeatures
from stylesmith.training import train_state
from tests import virtual_gpu
from tests.support import CPU
from tests.test_virtual_gpu import FAMILIES, make_generator, make_step

MAX_ERRORS = {"fp32": 1e-4, "bf16": 0.1, "fp16": 0.03}
"""Length of the difference by that of the values, at most."""


@pytest.fixture
def dtype(request: pytest.FixtureRequest) -> str:
    return request.config.getoption("--dtype")


def relative_error(found: Tensor, wanted: Tensor) -> float:
    """Length of the difference of two tensors, by the length of the second."""
    return float((found.cpu().double() - wanted.double()).norm() / wanted.double().norm())


@pytest.mark.parametrize("preset", ["stylegan-e", "stylegan2-f"])
def test_a_training_step_has_the_losses_of_the_cpu(monkeypatch, device, dtype, preset):
    if dtype == "fp16" and device.type == virtual_gpu.NAME:
        pytest.skip("a kernel of torch for fp16 on the CPU ends the process below a virtual tensor")
    monkeypatch.setattr(
        train_state, "has_fused_adam", lambda device: device.type in {"cuda", virtual_gpu.NAME}
    )
    small = {"max_channels": 16, "batch_size": 4}
    steps = {"cpu": make_step(preset, 16, device=CPU, precision="fp32", **small)}
    steps["device"] = make_step(preset, 16, device=device, precision=dtype, **small)
    wanted, found = steps["cpu"].step(), steps["device"].step()
    assert wanted is not None and found is not None
    for name in ("loss_g", "loss_d", "r1", "path_length"):
        if name in wanted:
            assert relative_error(found[name], wanted[name]) < MAX_ERRORS[dtype], name
    if dtype != "fp32":
        return  # Adam's first steps follow signs of gradients, which rounding may turn
    pairs = zip(
        steps["device"].state.discriminator.parameters(),
        steps["cpu"].state.discriminator.parameters(),
        strict=True,
    )
    assert all(relative_error(a.detach(), b.detach()) < 0.05 for a, b in pairs if b.any())


@pytest.mark.parametrize("preset", FAMILIES)
def test_a_batch_is_drawn_as_on_the_cpu(device, dtype, preset):
    def draw(generator: Generator, precision: str) -> Tensor:
        settings = SamplingSettings(psi=0.7, precision=precision)
        return SamplingPipeline(generator, settings).sample(range(4))

    wanted = draw(make_generator(preset, device=CPU), "fp32")
    found = draw(make_generator(preset, device=device), dtype)
    assert relative_error(found, wanted) < MAX_ERRORS[dtype]


def test_a_projection_takes_the_steps_of_the_cpu(device):
    def distances(place: torch.device) -> Tensor:
        generator = make_generator(device=place)
        known = WStatistics(generator.mapping.w_avg, 1.0)
        optimizer = LatentOptimizer(
            generator, RandomFeatures(place), ProjectionSettings(steps=5), statistics=known
        )
        features = optimizer.embed(torch.linspace(-1, 1, 3072).reshape(1, 3, 32, 32))
        state = optimizer.initial_state(1)
        for _ in range(3):
            state = optimizer.evaluate(optimizer.step(state, features), features)
        return state.distances

    assert relative_error(distances(device), distances(CPU)) < 1e-3


def test_features_of_an_evaluation_are_those_of_the_cpu(device):
    def features(place: torch.device) -> Tensor:
        source = ModelSource(make_generator("stylegan-a", device=place), "model")
        reporter = ProgressReporter()
        return extract_statistics(
            source, RandomFeatures(place), {8}, 8, reporter, device=place
        ).features

    assert relative_error(features(device), features(CPU)) < 1e-2
