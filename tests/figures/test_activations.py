import math

import pytest
import torch

from stylesmith.figures.activations import (
    capture_activations,
    common_scale_view,
    feature_map_grid,
    high_frequency_fraction,
    indices_by_std,
    max_normalized_rms,
    normalized_rms,
    normalized_view,
)
from stylesmith.networks import Growth
from stylesmith.ops import instance_norm
from stylesmith.sampling import SamplingPipeline, SamplingSettings

GROWING = {"kind": "traditional", "connection": "grow", "constant_input": False}
ADAIN = {"kind": "adain", "connection": "grow"}


@pytest.fixture
def observed(tiny_generator):
    def capture(**fields):
        pipeline = SamplingPipeline(tiny_generator(**fields), SamplingSettings(precision="fp32"))
        return pipeline, capture_activations(pipeline, pipeline.codes([0, 1]))

    return capture


@pytest.mark.parametrize("fields", [GROWING, ADAIN, {}, {"connection": "resid"}])
def test_features_of_every_level_are_kept_and_drawing_is_as_before(observed, fields):
    pipeline, seen = observed(**fields)
    assert [maps.shape for maps in seen.features] == [(2, 8, side, side) for side in (4, 8, 16)]
    assert torch.equal(seen.images, pipeline.draw(pipeline.codes([0, 1])))


def test_the_image_is_what_to_rgb_makes_of_the_last_features(observed):
    pipeline, seen = observed(**GROWING)
    drawn = pipeline.generator.synthesis.to_rgb[-1](seen.features[-1])
    torch.testing.assert_close(drawn.clamp(-1, 1), seen.images)


def test_a_network_that_has_not_grown_up_shows_the_levels_in_use(tiny_generator):
    generator = tiny_generator(**GROWING)
    generator.growth = Growth(1)
    pipeline = SamplingPipeline(generator)
    assert len(capture_activations(pipeline, pipeline.codes([0])).features) == 2


def test_before_and_after_adain_differ_by_its_style_alone(observed):
    pipeline, seen = observed(**ADAIN)
    assert len(seen.adain_inputs) == len(seen.features) == 3
    w = pipeline.ws([0, 1])
    for level, (before, after) in enumerate(zip(seen.adain_inputs, seen.features, strict=True)):
        layer = pipeline.generator.synthesis.blocks[level].layer1
        torch.testing.assert_close(layer.normalize(before, w[:, 2 * level + 1]), after)
        assert not torch.allclose(before, after)


def test_only_adain_has_something_in_front_of_it(observed):
    assert observed()[1].adain_inputs == observed(**GROWING)[1].adain_inputs == []


def test_nothing_stays_on_a_network_that_was_observed(observed, tiny_generator):
    pipeline, _ = observed(**ADAIN)
    for module in pipeline.generator.modules():
        assert not module._forward_hooks and "normalize" not in vars(module)


def test_normalized_maps_have_mean_0_and_variance_1():
    maps = 5 + torch.randn(2, 3, 8, 8) * torch.tensor([0.1, 1, 30])[:, None, None]
    normal = instance_norm(maps)
    torch.testing.assert_close(normal.mean(dim=(2, 3)), torch.zeros(2, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(normal.var(dim=(2, 3), correction=0), torch.ones(2, 3))
    torch.testing.assert_close(normalized_view(maps[0]), (normal[0] / 3).clamp(-1, 1))


def test_on_a_common_scale_strong_maps_stay_stronger():
    maps = torch.randn(2, 16, 16) * torch.tensor([1.0, 0.1])[:, None, None]
    strong, weak = common_scale_view(maps).std(dim=(1, 2))
    assert strong > 5 * weak
    assert not common_scale_view(torch.full((2, 4, 4), 7.0)).any()


def test_the_strongest_map_comes_first():
    maps = torch.randn(3, 8, 8) * torch.tensor([1.0, 9.0, 3.0])[:, None, None]
    assert indices_by_std(maps) == [1, 2, 0]


def test_the_peak_of_a_spot_that_all_maps_share_is_sqrt_of_the_pixels():
    maps = torch.zeros(1, 5, 8, 8)
    maps[:, :, 2, 3] = torch.tensor([1.0, -2.0, 30.0, 9.0, 5.0])
    torch.testing.assert_close(max_normalized_rms(maps), torch.tensor([math.sqrt(63)]))
    assert normalized_rms(maps)[0].argmax() == 2 * 8 + 3


def test_the_peak_without_any_spot_is_1():
    columns = torch.arange(8)
    board = ((columns + columns[:, None]) % 2).float()
    torch.testing.assert_close(max_normalized_rms(board.expand(1, 3, 8, 8)), torch.ones(1))


def test_fine_share_of_blocks_of_noise_and_of_a_checkerboard():
    noise = torch.randn(1, 4, 64, 64)
    columns = torch.arange(64)
    board = ((columns + columns[:, None]) % 2).float().expand(1, 1, 64, 64)
    blocks = noise.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert high_frequency_fraction(blocks) == pytest.approx(0, abs=1e-9)
    assert high_frequency_fraction(noise) == pytest.approx(0.75, abs=0.02)
    assert high_frequency_fraction(board) == pytest.approx(1)


def test_maps_that_are_constant_have_no_part_in_fine_share():
    noise = torch.randn(1, 2, 8, 8)
    padded = torch.cat([noise, torch.zeros(1, 3, 8, 8)], dim=1)
    assert high_frequency_fraction(padded) == pytest.approx(high_frequency_fraction(noise))
    assert high_frequency_fraction(torch.ones(1, 2, 8, 8)) == 0


def test_a_grid_repeats_small_maps_and_averages_large_ones():
    image, small, large = torch.rand(3, 512, 384), torch.rand(2, 4, 3), torch.rand(1, 512, 384)
    tiles = feature_map_grid(image, [small, large])
    assert tiles.shape == (2, 3, 3, 256, 192)
    torch.testing.assert_close(tiles[0, 0, :, 0, 0], image[:, :2, :2].mean(dim=(1, 2)))
    torch.testing.assert_close(tiles[1, 1, 0, :64, :64], small[1, 0, 0].expand(64, 64))
    torch.testing.assert_close(tiles[0, 2, 2, 0, 0], large[0, :2, :2].mean())
    assert tiles[1, 0].isnan().all() and tiles[1, 2].isnan().all()


def test_maps_beside_a_transparent_image_are_opaque():
    tiles = feature_map_grid(torch.zeros(4, 8, 8), [torch.zeros(1, 4, 4)])
    assert (tiles[0, 1, 3] == 1).all() and not tiles[0, 1, :3].any()
