"""Generated images among the real ones."""

import pytest
import torch

from stylesmith.augment.apa import draw_coins, replace_reals
from stylesmith.errors import ShapeError
from tests.augment.draws import generators


def test_reals_are_replaced_with_the_chance_of_the_strength():
    reals = torch.ones(2000, 1, 2, 2)
    fakes = torch.zeros(2000, 1, 2, 2, requires_grad=True)
    mixed, replaced = replace_reals(reals, fakes, draw_coins(generators(2000)), 0.3)
    assert torch.equal(mixed[:, 0, 0, 0] == 0, replaced)
    assert replaced.double().mean() == pytest.approx(0.3, abs=0.045)
    assert not mixed.requires_grad


@pytest.mark.parametrize(("strength", "share"), [(0.0, 0.0), (1.0, 1.0), (torch.tensor(2.0), 1.0)])
def test_none_or_all_are_replaced_at_the_ends(strength, share):
    coins = draw_coins(generators(50))
    _, replaced = replace_reals(torch.ones(50, 3, 2, 2), torch.zeros(50, 3, 2, 2), coins, strength)
    assert replaced.double().mean() == share


def test_a_coin_belongs_to_its_image():
    assert torch.equal(draw_coins(generators(5))[3:], draw_coins(generators(5)[3:]))


def test_images_of_other_shapes_are_refused():
    with pytest.raises(ShapeError, match="reals and fakes must be"):
        replace_reals(torch.ones(2, 3, 4, 4), torch.ones(2, 3, 8, 8), torch.rand(2), 0.5)
