import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylesmith.latents import RandomKeys, latents_from_seeds, noise_from_seeds, split_noise_maps

SHAPES = [(4, 4), (8, 8), (3, 5)]


def test_seed_zero_gives_the_published_numbers():
    """The first values of numpy's RandomState(0), printed in many places."""
    z = latents_from_seeds([0], 512)
    assert_close(z[0, :3], torch.tensor([1.76405235, 0.40015721, 0.97873798]))


@pytest.mark.parametrize("seed", [1, 85, 2**32 - 1])
def test_z_follows_the_convention_of_the_published_tools(seed):
    z = latents_from_seeds([seed], 16)
    assert z.dtype == torch.float32
    wanted = np.random.RandomState(seed).randn(1, 16).astype(np.float32)
    assert np.array_equal(z.numpy(), wanted)


def test_noise_continues_the_stream_behind_z():
    stream = np.random.RandomState(7)
    stream.randn(1, 16)
    for noise, shape in zip(noise_from_seeds([7], 16, SHAPES), SHAPES, strict=True):
        assert noise.shape == (1, 1, *shape)
        assert np.array_equal(noise[0].numpy(), stream.randn(1, *shape).astype(np.float32))


def test_each_seed_has_its_numbers_in_any_company():
    alone, together = latents_from_seeds([5], 16), latents_from_seeds([9, 5, 2], 16)
    assert torch.equal(alone[0], together[1])
    maps_alone = noise_from_seeds([5], 16, SHAPES)
    maps_together = noise_from_seeds([9, 5, 2], 16, SHAPES)
    assert all(torch.equal(a[0], b[1]) for a, b in zip(maps_alone, maps_together, strict=True))


def test_keyed_numbers_do_not_depend_on_order_or_global_state():
    keys = RandomKeys(3)
    wanted = keys.normal(5, "z", 10, 2)
    torch.manual_seed(99)
    keys.normal(5, "other", 10, 2)
    assert torch.equal(RandomKeys(3).normal(5, "z", 10, 2), wanted)


def test_every_part_of_the_key_counts():
    found = {
        RandomKeys(seed).number(purpose, *numbers)
        for seed in (0, 1)
        for purpose in ("z", "noise")
        for numbers in ((), (1,), (12,), (1, 2), (2, 1), (0, 12))
    }
    assert len(found) == 2 * 2 * 6
    assert all(0 <= number < 2**63 for number in found)


def test_keyed_uniform_numbers_are_uniform():
    values = np.array([RandomKeys(0).uniform("coin", i) for i in range(4000)])
    assert ((values >= 0) & (values < 1)).all()
    counts = np.histogram(values, bins=4, range=(0, 1))[0]
    assert abs(counts - 1000).max() < 120  # over four standard deviations


def test_keyed_normal_numbers_are_standard_normal_and_uncorrelated():
    rows = torch.stack([RandomKeys(0).normal(1000, "z", step) for step in range(8)])
    assert_close(rows.mean(), torch.tensor(0.0), atol=0.05, rtol=0)
    assert_close(rows.std(), torch.tensor(1.0), atol=0.05, rtol=0)
    assert_close(torch.corrcoef(rows), torch.eye(8), atol=0.15, rtol=0)


def test_keyed_permutations_are_permutations_that_differ():
    first, second = (RandomKeys(0).permutation(50, "order", epoch) for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)


def test_split_maps_cuts_rows_in_order():
    flat = torch.arange(2 * 10).reshape(2, 10)
    first, second = split_noise_maps(flat, [(2, 2), (2, 3)])
    assert (first.shape, second.shape) == ((2, 1, 2, 2), (2, 1, 2, 3))
    assert first[1].flatten().tolist() == [10, 11, 12, 13]
    assert second[0].flatten().tolist() == [4, 5, 6, 7, 8, 9]
