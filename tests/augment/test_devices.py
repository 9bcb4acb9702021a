"""Augmentation on a virtual GPU: never waits, copies the draws alone, and equals the CPU."""

import pytest
import torch
from torch.testing import assert_close

from stylesmith.augment import open_augmentation
from stylesmith.config.augment import AdaConfig, AugmentConfig, DiffAugmentConfig
from tests import virtual_gpu
from tests.augment.draws import generators
from tests.virtual_gpu import Counts, VirtualGpu


@pytest.mark.parametrize(
    "config", [AdaConfig(), AdaConfig(groups="bgcfnc"), DiffAugmentConfig()], ids=str
)
def test_a_gpu_is_never_waited_for_and_computes_what_the_cpu_does(config: AugmentConfig):
    images = torch.rand(3, 3, 26, 34)  # sizes of no other test: constants are kept by device
    augmentation = open_augmentation(config, 3, 26, 34)
    draws = augmentation.draw(generators(3))
    wanted = augmentation.apply(images, draws, 0.9)
    with VirtualGpu("cpu", has_float64=False) as gpu:
        strength = torch.tensor(0.9).to(virtual_gpu.NAME)
        there = images.to(virtual_gpu.NAME), draws.to(virtual_gpu.NAME)
        augmentation.apply(*there, strength)  # makes the constants
        gpu.counts = Counts()
        found = augmentation.apply(*there, strength)
        assert not gpu.counts.waits and not gpu.counts.copies
        assert sum(gpu.counts.launches.values()) < 400
        assert_close(found.cpu(), wanted, rtol=1e-4, atol=1e-4)
