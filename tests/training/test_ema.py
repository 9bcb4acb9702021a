import pytest
import torch
from torch.testing import assert_close

from stylesmith.training.train_step import ema_decay, update_ema


@pytest.mark.parametrize("batch_size", [1, 32, 1000])
def test_weights_keep_half_their_share_after_the_half_life(batch_size):
    decay = ema_decay(batch_size, half_life_kimg=10, images_seen=10**9, rampup=None)
    assert decay ** (10_000 / batch_size) == pytest.approx(0.5)


def test_rampup_copies_first_and_ends_at_the_full_half_life():
    def decay(seen: int) -> float:
        return ema_decay(32, half_life_kimg=10, images_seen=seen, rampup=0.05)

    assert decay(0) == 0
    assert decay(32_000) == pytest.approx(0.5 ** (32 / 1600))
    assert decay(200_000) == decay(10**9) == 0.5 ** (32 / 10_000)


def test_parameters_move_and_buffers_are_copied(tiny_generator):
    average, network = tiny_generator(seed=1), tiny_generator(seed=2)
    network.mapping.w_avg.fill_(3.0)
    before = [p.detach().clone() for p in average.parameters()]
    update_ema(average, network, 0.75)
    for old, now, new in zip(before, average.parameters(), network.parameters(), strict=True):
        assert_close(now, 0.75 * old + 0.25 * new)
    for mine, theirs in zip(average.buffers(), network.buffers(), strict=True):
        assert torch.equal(mine, theirs)


def test_decay_zero_copies_to_the_bit(tiny_generator):
    average, network = tiny_generator(seed=1), tiny_generator(seed=2)
    update_ema(average, network, 0.0)
    theirs = network.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in average.state_dict().items())
