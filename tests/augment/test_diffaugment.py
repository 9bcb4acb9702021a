"""DiffAugment's policies: closed forms, ranges, and the published form at strength 1."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from stylesmith.augment import open_augmentation
from stylesmith.config.augment import AugmentConfig, DiffAugmentConfig
from stylesmith.errors import ConfigError
from tests.augment.draws import generators, set_uniform


def open_policies(policies: str, *shape: int):
    return open_augmentation(DiffAugmentConfig(policies=policies), *shape)


def augment(policies: str, images: Tensor, strength: float = 1.0) -> Tensor:
    augmentation = open_policies(policies, *images.shape[1:])
    return augmentation.apply(images, augmentation.draw(generators(len(images))), strength)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_colors_follow_their_definitions(channels):
    images = torch.rand(6, channels, 8, 10, dtype=torch.float64)
    augmentation = open_policies("color", channels, 8, 10)
    draws = augmentation.draw(generators(6))
    found = augmentation.apply(images, draws, 1.0)
    for n in range(6):
        b, s, c = (draws.uniform(k)[n].item() for k in ("brightness", "saturation", "contrast"))
        x = images[n, :3] + b - 0.5
        x = x.mean(0) + (x - x.mean(0)) * 2 * s
        x = x.mean() + (x - x.mean()) * (c + 0.5)
        assert_close(found[n, :3], x)
    assert torch.equal(found[:, 3:], images[:, 3:])


@pytest.mark.parametrize(("side", "farthest"), [(32, 4), (20, 3), (11, 1)])
def test_translations_reach_an_eighth_and_fill_with_gray(side, farthest):
    images = torch.ones(400, 1, side, 2 * side)
    found = augment("translation", images)
    rows, columns = (found.flatten(1, 2) != 0).any(2), (found[:, 0] != 0).any(1)
    lost = side - rows.sum(1)
    assert lost.max() == farthest
    assert (2 * side - columns.sum(1)).max() == int(2 * side / 8 + 0.5)
    top, bottom = (~rows[:, 0]).sum(), (~rows[:, -1]).sum()
    still = 400 / (2 * farthest + 1)
    assert (lost == 0).sum() == pytest.approx(still, abs=4 * still**0.5)
    assert top == pytest.approx(bottom, abs=0.2 * 400)


def test_translations_take_every_step_alike():
    augmentation = open_policies("translation", 1, 16, 16)
    count = 50
    draws = augmentation.draw(generators(count))
    set_uniform(draws, "translation x", (torch.arange(count) + 0.5) / count)
    set_uniform(draws, "translation y", 0.5)
    images = torch.arange(16.0).expand(count, 1, 16, 16) + 1
    found = augmentation.apply(images, draws, 1.0)[:, 0, 0, 8]
    steps, counts = (9 - found).unique(return_counts=True)
    assert steps.tolist() == [-2, -1, 0, 1, 2] and counts.tolist() == [10] * 5


@pytest.mark.parametrize(("side", "size", "positions"), [(8, 4, 9), (9, 5, 9), (10, 5, 10)])
def test_cutouts_are_centered_on_whole_pixels_and_clipped(side, size, positions):
    augmentation = open_policies("cutout", 1, side, side)
    draws = augmentation.draw(generators(positions))
    set_uniform(draws, "cutout x", (torch.arange(positions) + 0.5) / positions)
    set_uniform(draws, "cutout y", 0.5)
    found = augmentation.apply(torch.ones(positions, 1, side, side), draws, 1.0)
    for center, row in enumerate(found[:, 0, side // 2]):
        erased = [p for p in range(side) if 0 <= p - (center - size // 2) < size]
        assert (row == 0).nonzero().flatten().tolist() == erased


def test_each_policy_has_the_chance_of_the_strength():
    images = torch.rand(500, 3, 8, 8) + 1
    for policy in ("color", "cutout"):
        changed = (augment(policy, images, 0.3) != images).flatten(1).any(1)
        assert changed.double().mean() == pytest.approx(0.3, abs=0.08)
        assert (augment(policy, images) != images).flatten(1).any(1).all()
    assert torch.equal(augment("color,translation,cutout", images, 0.0), images)


def test_images_are_independent_and_derivatives_exact():
    images = torch.rand(3, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    policies = "color,translation,cutout"
    together = augment(policies, images)
    augmentation = open_policies(policies, 3, 5, 6)
    alone = augmentation.apply(images[2:], augmentation.draw(generators(3)[2:]), 1.0)
    assert torch.equal(alone[0], together[2])

    def f(x: Tensor) -> Tensor:
        return augment(policies, x).sin().sum((2, 3))

    assert torch.autograd.gradcheck(f, images[:2].detach().requires_grad_())
    assert torch.autograd.gradgradcheck(f, images[:1].detach().requires_grad_())


def test_policies_run_in_their_order_and_unknown_ones_are_refused():
    config = AugmentConfig(kind="diffaugment", policies="cutout,color")
    assert isinstance(config, DiffAugmentConfig)
    assert config.policy_names == ("color", "cutout")
    with pytest.raises(ConfigError, match="unknown policy 'colour': wanted some of color, "):
        config.change(policies="colour")


def test_color_is_left_out_where_there_are_none():
    augmentation = open_policies("color,cutout", 2, 8, 8)
    assert set(augmentation.left_out) == {"color"}
    with pytest.raises(ConfigError, match="1, 3 or 4 channels, these have 2"):
        open_policies("color", 2, 8, 8)
