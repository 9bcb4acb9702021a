"""Whole passes under `torch.compile` have the gradients of the eager ones, to second order."""

import pytest
import torch
from torch import Tensor

from stylesmith.training import loss_passes
from tests.support import make_photos, make_train_step, tiny_config

PASSES = ("generator", "discriminator", "path", "r1")


@pytest.fixture(scope="module")
def train_step(tmp_path_factory):
    photos = make_photos(tmp_path_factory.mktemp("data") / "photos", size=8)
    return make_train_step(*tiny_config(photos))


@pytest.mark.parametrize("name", PASSES)
def test_a_compiled_pass_has_the_gradients_of_the_eager_one(train_step, name):
    """The compiler that is used here changes no arithmetic, so only wrong rules could differ."""
    networks, training = train_step.networks, train_step.config.training
    latents = train_step._latent_batch("generator", range(2))
    reals = torch.randn(2, 3, 8, 8)
    network = networks.generator if name in {"generator", "path"} else networks.discriminator
    parameters = list(network.parameters())

    def gradients() -> tuple[Tensor | None, ...]:
        match name:
            case "generator":
                loss, _ = loss_passes.generator_pass(networks, latents)
            case "discriminator":
                loss, _ = loss_passes.discriminator_pass(networks, reals, None, latents)
            case "path":
                mean = torch.tensor(0.5)
                loss, _ = loss_passes.path_pass(networks, latents, reals, mean, training)
            case "r1":
                loss, _ = loss_passes.r1_pass(networks, reals, None, training)
        return torch.autograd.grad(loss, parameters, allow_unused=True)

    expected = gradients()
    torch._dynamo.reset()
    with torch._dynamo.config.patch(trace_autograd_ops=True):
        found = torch.compile(gradients, backend="aot_eager", fullgraph=True)()
    assert any(gradient is not None for gradient in expected)
    for mine, reference in zip(found, expected, strict=True):
        if reference is None:
            assert mine is None or not mine.any()
        else:
            torch.testing.assert_close(mine, reference)
