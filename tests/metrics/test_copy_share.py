"""The copy share is 1 for copies of training images, and one half where nothing is copied."""

import pytest
import torch

from stylesmith.metrics.copy_share import copy_share


def features(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(seed))


TRAINING, HELD_OUT = features(100, 1), features(100, 2)


def test_copies_of_training_images_have_a_share_of_1():
    found = copy_share(TRAINING + 1e-4 * features(100, 3), TRAINING, HELD_OUT)
    assert found.share == 1


def test_images_that_are_new_have_a_share_of_one_half():
    found = copy_share(features(500, 3), TRAINING, HELD_OUT)
    assert found.share == pytest.approx(0.5, abs=0.06)
    assert found.control == pytest.approx(0.5, abs=0.12)


def test_copies_of_held_out_images_have_a_share_of_0():
    assert copy_share(HELD_OUT.clone(), TRAINING, HELD_OUT).share == 0


def test_numbers_of_images_of_both_kinds_do_not_matter():
    """Of 1,000 held-out images 100 are drawn each time, or they would nearly always be nearer."""
    many = features(1000, 4)
    assert copy_share(features(300, 3), TRAINING, many).share == pytest.approx(0.5, abs=0.06)
    assert copy_share(features(300, 3), many, TRAINING).share == pytest.approx(0.5, abs=0.06)


def test_equally_near_images_count_one_half():
    assert copy_share(features(50, 3), TRAINING, TRAINING.clone()).share == pytest.approx(
        0.5, abs=0.06
    )
