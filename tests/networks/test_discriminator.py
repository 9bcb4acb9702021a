import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from stylesmith.devices import choose_precision
from stylesmith.errors import UsageError
from stylesmith.networks.discriminators import ResidualBlock

CPU = torch.device("cpu")


def outputs_of_last_layer(discriminator, images: Tensor, label: Tensor) -> Tensor:
    seen: list[Tensor] = []
    hook = discriminator.epilogue.output.register_forward_hook(lambda _, x, y: seen.append(y))
    discriminator(images, label)
    hook.remove()
    return seen[0]


def test_activations_keep_unit_scale_at_the_start(tiny_discriminator):
    energies: list[float] = []
    discriminator = tiny_discriminator(levels=5, max_channels=64)
    for module in discriminator.modules():
        if isinstance(module, ResidualBlock):
            module.register_forward_hook(
                lambda _, args, y: energies.append(y.square().mean().item())
            )
    smooth = F.interpolate(torch.randn(16, 3, 4, 4), scale_factor=16, mode="nearest")
    scores = discriminator(smooth)
    assert len(energies) == 4
    assert all(0.3 < energy < 2.0 for energy in energies), energies
    assert 0.1 < scores.square().mean() < 10


def test_select_scores_with_the_labels_own_output(tiny_discriminator):
    discriminator = tiny_discriminator(label_size=3)
    images, label = torch.randn(4, 3, 16, 16), torch.eye(3)[[2, 0, 1, 2]]
    outputs = outputs_of_last_layer(discriminator, images, label)
    wanted = outputs[torch.arange(4), torch.tensor([2, 0, 1, 2])]
    assert_close(discriminator(images, label), wanted)


def test_projection_scores_along_the_labels_direction(tiny_discriminator):
    discriminator = tiny_discriminator(label_size=3, label_mode="projection")
    images, label = torch.randn(4, 3, 16, 16), torch.eye(3)[[2, 0, 1, 2]]
    features = outputs_of_last_layer(discriminator, images, label)
    directions = discriminator.epilogue.label_mapping(label)
    assert features.shape == directions.shape == (4, 8)
    assert_close(discriminator(images, label), (features * directions).sum(1) / math.sqrt(8))


@pytest.mark.parametrize("mode", ["select", "projection"])
def test_the_label_changes_the_score(mode, tiny_discriminator):
    discriminator = tiny_discriminator(label_size=3, label_mode=mode)
    images = torch.randn(1, 3, 16, 16)
    scores = torch.cat([discriminator(images, row[None]) for row in torch.eye(3)])
    assert scores.unique().numel() == 3


@pytest.mark.parametrize("mode", ["select", "projection"])
def test_a_forgotten_label_is_refused(mode, tiny_discriminator):
    discriminator = tiny_discriminator(label_size=3, label_mode=mode)
    with pytest.raises(UsageError, match="without labels"):
        discriminator(torch.randn(2, 3, 16, 16))


def test_images_of_another_group_do_not_change_a_score(tiny_discriminator):
    """With groups of two, image 0 meets image 2 only."""
    discriminator = tiny_discriminator(stddev_group=2)
    images = torch.randn(4, 3, 16, 16)
    score = discriminator(images)[0]
    for neighbor, changes in ((1, False), (2, True), (3, False)):
        other = images.clone()
        other[neighbor] *= 3
        assert torch.isclose(discriminator(other)[0], score, rtol=1e-4) != changes


def test_without_stddev_images_are_scored_alone(tiny_discriminator):
    discriminator = tiny_discriminator(stddev_features=0)
    images = torch.randn(3, 3, 16, 16)
    alone = torch.cat([discriminator(images[i : i + 1]) for i in range(3)])
    assert_close(discriminator(images), alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_low_precision_stays_near_fp32_and_scores_in_fp32(name, tiny_discriminator):
    discriminator = tiny_discriminator(levels=5, max_channels=16)
    images = torch.randn(8, 3, 64, 64)
    formats: list[torch.dtype] = []
    for block in discriminator.blocks:
        block.register_forward_hook(lambda _, args, y: formats.append(y.dtype))
    policy = choose_precision(name, CPU)
    scores = discriminator(images, precision=policy)
    assert formats == [policy.dtype_at(level, 5) for level in (4, 3, 2, 1)]
    assert scores.dtype == torch.float32
    assert_close(scores, discriminator(images), atol=0.05, rtol=0.05)
