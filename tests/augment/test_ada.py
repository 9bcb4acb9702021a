"""ADA's pipeline: equal to a plain reference, exact where nothing happens, affine, batch-free."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from stylesmith.augment import Draws, open_augmentation
from stylesmith.augment.ada import COINS
from stylesmith.config.augment import ADA_GROUPS, AdaConfig
from stylesmith.errors import ConfigError, ShapeError
from tests.augment.reference import ada_reference

SIDES = {"filter": 24, "bgcfnc": 24}


def generators(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed * 1000 + i) for i in range(count)]


def augment(groups: str, images: Tensor, strength: float | Tensor, seed: int = 0, **more) -> Tensor:
    augmentation = open_augmentation(AdaConfig(groups=groups, **more), *images.shape[1:])
    return augmentation.apply(images, augmentation.draw(generators(len(images), seed)), strength)


def photos(n: int, *shape: int, dtype=torch.float64) -> Tensor:
    return torch.rand(n, *shape, dtype=dtype) * 2 - 1


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("shape", [(3, 24, 24), (1, 22, 30), (4, 33, 24)], ids=str)
def test_all_groups_equal_the_reference(shape, strength, assert_equal_to_second_order):
    images = photos(6, *shape)
    augmentation = open_augmentation(AdaConfig(groups="bgcfnc"), *shape)
    draws = augmentation.draw(generators(6))
    assert_equal_to_second_order(
        lambda x: augmentation.apply(x, draws, strength).sin(),
        lambda x: ada_reference(x, draws, strength, set(ADA_GROUPS)).sin(),
        [images],
    )


@pytest.mark.parametrize("group", ADA_GROUPS)
def test_each_group_equals_the_reference(group):
    side = SIDES.get(group, 16)
    images = photos(16, 3, side, side)
    augmentation = open_augmentation(AdaConfig(groups=group), 3, side, side)
    draws = augmentation.draw(generators(16))
    found = augmentation.apply(images, draws, 0.7)
    assert_close(found, ada_reference(images, draws, 0.7, {group}), rtol=0, atol=1e-10)
    assert not torch.equal(found, images)


@pytest.mark.parametrize("shape", [(3, 24, 24), (1, 24, 40)], ids=str)
def test_strength_zero_is_the_identity_to_the_bit_and_so_is_its_gradient(shape):
    images = photos(8, *shape, dtype=torch.float32).requires_grad_()
    found = augment("bgcfnc", images, 0.0)
    assert torch.equal(found, images)
    direction = torch.randn_like(images)
    (gradient,) = torch.autograd.grad(found, images, direction)
    assert torch.equal(gradient, direction)


def test_strength_is_clamped_and_may_be_a_tensor():
    images = photos(8, 3, 16, 16, dtype=torch.float32)
    whole = augment("bgc", images, 1.0)
    for strength in (2.5, torch.tensor(1.0), torch.tensor(7.0)):
        assert torch.equal(augment("bgc", images, strength), whole)
    assert torch.equal(augment("bgc", images, -1.0), images)


def test_images_are_augmented_in_single_precision_whatever_comes_in():
    images = photos(8, 3, 16, 16, dtype=torch.float32).bfloat16()
    found = augment("bgc", images, 1.0)
    assert found.dtype == torch.float32
    assert torch.equal(found, augment("bgc", images.float(), 1.0))


def test_an_image_is_augmented_the_same_alone_and_in_a_batch():
    images = photos(8, 3, 24, 24)
    together = augment("bgcfnc", images, 1.0)
    augmentation = open_augmentation(AdaConfig(groups="bgcfnc"), 3, 24, 24)
    for n in (0, 5):
        draws = augmentation.draw([torch.Generator().manual_seed(n)])
        alone = augmentation.apply(images[n : n + 1], draws, 1.0)
        assert_close(alone[0], together[n], rtol=0, atol=1e-12)


def test_draws_do_not_depend_on_the_groups_in_use():
    plain, all_groups = (
        open_augmentation(AdaConfig(groups=name), 3, 24, 24).draw(generators(4))
        for name in ("blit", "bgcfnc")
    )
    assert torch.equal(plain.values, all_groups.values)
    assert plain.noise is None and all_groups.noise.shape == (4, 3, 24, 24)


def test_other_keys_draw_other_numbers():
    images = photos(4, 3, 16, 16)
    assert torch.equal(augment("bgc", images, 1.0, seed=1), augment("bgc", images, 1.0, seed=1))
    assert not torch.equal(augment("bgc", images, 1.0, 1), augment("bgc", images, 1.0, 2))


def test_the_pipeline_is_affine_in_the_image():
    x, y = photos(8, 3, 24, 24), photos(8, 3, 24, 24)
    mixed = augment("bgcfnc", 0.3 * x + 0.7 * y, 0.8)
    parts = 0.3 * augment("bgcfnc", x, 0.8) + 0.7 * augment("bgcfnc", y, 0.8)
    assert_close(mixed, parts, rtol=0, atol=1e-13)


def test_first_and_second_derivatives_are_exact():
    images = photos(2, 3, 5, 5).requires_grad_()

    def f(x: Tensor) -> Tensor:
        return augment("bgc", x, 1.0, seed=3).sin().sum((2, 3))

    assert torch.autograd.gradcheck(f, images)
    assert torch.autograd.gradgradcheck(f, images)


def test_r1_through_contrast_alone_is_that_of_the_augmented_image_times_its_square():
    images = photos(4, 3, 8, 8).requires_grad_()
    augmentation = open_augmentation(AdaConfig(groups="color"), 3, 8, 8)
    draws = augmentation.draw(generators(4))
    others = [COINS.index(name) for name in COINS if name != "contrast"]
    draws.values[:, others] = 1.0  # never below the strength
    augmented = augmentation.apply(images, draws, 1.0)
    (through,) = torch.autograd.grad(augmented.pow(3).sum(), images)
    (direct,) = torch.autograd.grad(
        (leaf := augmented.detach().requires_grad_()).pow(3).sum(), leaf
    )
    contrast = torch.exp2(0.5 * draws.normal("contrast").double())
    norms = [gradient.square().sum((1, 2, 3)) for gradient in (through, direct)]
    assert_close(norms[0], contrast.square() * norms[1])


def test_multipliers_scale_the_strength_of_their_group():
    images = photos(16, 3, 16, 16)
    halved = augment("geom", images, 1.0, multipliers={"geom": 0.5})
    assert torch.equal(halved, augment("geom", images, 0.5))
    without = augment("bgc", images, 1.0, multipliers={"blit": 0.0, "geom": 0.0})
    assert torch.equal(without, augment("color", images, 1.0))


def test_frequencies_of_all_gates():
    count, p = 4000, 0.6
    augmentation = open_augmentation(AdaConfig(groups="bgc"), 3, 8, 8)
    draws = augmentation.draw(generators(count))
    error = 4 * math.sqrt(0.25 / count)
    for name in COINS:
        assert (draws.coins[:, COINS.index(name)] < p).double().mean() == pytest.approx(
            p, abs=error
        )
    angles = draws.values[:, [COINS.index("first rotation"), COINS.index("second rotation")]]
    rotated = (angles < 1 - math.sqrt(1 - p)).any(1).double().mean()
    assert rotated == pytest.approx(p, abs=error)
    numbers = draws.values[:, len(COINS) :]
    assert torch.corrcoef(numbers.T).fill_diagonal_(0).abs().max() < 5 / math.sqrt(count)


def test_unknown_groups_are_refused_and_the_nearest_one_is_offered():
    with pytest.raises(ConfigError, match="groups: unknown group 'bcg': wanted bg, bgc"):
        AdaConfig().change(groups="bcg")
    with pytest.raises(ConfigError, match="did you mean color"):
        AdaConfig().change(groups="blit,colour")


def test_names_of_groups_may_be_joined_and_run_in_the_order_of_the_pipeline():
    assert AdaConfig(groups="color,blit").group_names == ("blit", "color")
    assert AdaConfig(groups="bgcfnc").group_names == ADA_GROUPS
    assert AdaConfig().group_names == ("blit", "geom", "color")


def test_groups_that_cannot_run_are_left_out_and_named():
    small = open_augmentation(AdaConfig(groups="bgcfnc"), 3, 16, 40)
    assert small.left_out == {"filter": "filter needs sides of 22 pixels, these are 40x16"}
    images = photos(4, 3, 16, 40)
    draws = small.draw(generators(4))
    wanted = ada_reference(images, draws, 1.0, set(ADA_GROUPS) - {"filter"})
    assert_close(small.apply(images, draws, 1.0), wanted, rtol=0, atol=1e-10)
    two = open_augmentation(AdaConfig(), 2, 8, 8)
    assert two.left_out == {"color": "color needs images with 1, 3 or 4 channels, these have 2"}
    with pytest.raises(ConfigError, match="augmentation filter: filter needs sides of 22"):
        open_augmentation(AdaConfig(groups="filter"), 3, 16, 16)


def test_images_of_another_size_or_number_are_refused():
    augmentation = open_augmentation(AdaConfig(), 3, 8, 8)
    draws: Draws = augmentation.draw(generators(2))
    for shape in ((2, 3, 8, 9), (3, 3, 8, 8)):
        with pytest.raises(ShapeError, match=r"must be \(N, C, H, W\) = \(2, 3, 8, 8\)"):
            augmentation.apply(torch.zeros(shape), draws, 0.5)
