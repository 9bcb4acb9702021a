"""Numbers of the papers, checked on the meta device: shapes without memory."""

import pytest
import torch

from stylesmith.config import DiscriminatorConfig, GeneratorConfig
from stylesmith.networks import build_discriminator, build_generator, parameter_count

# Trainable parameters of generator and discriminator: RGB, no labels, 8 mapping layers.
COUNTS = {
    ("e", 256): (24_767_458, 24_001_089),
    ("e", 512): (24_860_935, 24_030_753),
    ("e", 1024): (24_900_764, 24_038_161),
    ("f", 256): (30_034_338, 28_864_129),
    ("f", 512): (30_276_583, 28_982_849),
    ("f", 1024): (30_370_060, 29_012_513),
}
CHANNEL_BASE = {"e": 16384, "f": 32768}


@pytest.mark.parametrize(("row", "side"), COUNTS)
def test_parameter_counts_are_those_of_stylegan2(row, side):
    fields = {"levels": side.bit_length() - 2, "channel_base": CHANNEL_BASE[row]}
    with torch.device("meta"):
        generator = build_generator(GeneratorConfig(**fields))
        discriminator = build_discriminator(DiscriminatorConfig(**fields))
    assert (parameter_count(generator), parameter_count(discriminator)) == COUNTS[row, side]


def test_a_smaller_mapping_gives_the_counts_of_ada():
    config = GeneratorConfig().change(mapping={"layers": 2})
    with torch.device("meta"):
        assert parameter_count(build_generator(config)) == 28_794_124


@pytest.mark.parametrize("row", ["e", "f"])
@pytest.mark.parametrize("levels", range(2, 10))
def test_every_power_of_two_runs_forward(row, levels):
    fields = {"levels": levels, "channel_base": CHANNEL_BASE[row]}
    side = 2 << levels
    with torch.device("meta"):
        generator = build_generator(GeneratorConfig(**fields))
        discriminator = build_discriminator(DiscriminatorConfig(**fields))
        images = generator(torch.randn(2, 512))
        scores = discriminator(images)
    assert images.shape == (2, 3, side, side)
    assert scores.shape == (2,)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("base", [(3, 4), (4, 3), (2, 5), (4, 4)])
def test_rectangular_images_and_all_channel_counts(
    base, channels, tiny_generator, tiny_discriminator
):
    fields = {"base": base, "levels": 4, "image_channels": channels}
    images = tiny_generator(**fields)(torch.randn(2, 8))
    assert images.shape == (2, channels, 8 * base[0], 8 * base[1])
    assert images.isfinite().all()
    assert tiny_discriminator(**fields)(images).shape == (2,)


def test_the_same_seed_builds_the_same_weights_and_spares_the_global_state(tiny_generator):
    torch.manual_seed(5)
    wanted = torch.randn(3)
    torch.manual_seed(5)
    first, second, other = (tiny_generator(seed=seed).synthesis.const for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.randn(3), wanted)
