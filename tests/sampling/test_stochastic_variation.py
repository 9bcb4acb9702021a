"""What noise does: standard deviations in closed form, and the two figures."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from stylesmith import images as pixels
from stylesmith.errors import UsageError
from stylesmith.sampling import NoiseSettings, measure_noise_variation, write_latent_file
from stylesmith.sampling.latent_files import load_sources
from stylesmith.sampling.stochastic_variation import (
    crop_grid,
    draw_noise_variants,
    gray_levels,
    most_varied_window,
    noise_layer_subsets,
    pixel_std,
    std_image,
    write_noise_layers_figure,
    write_variation_figure,
)
from tests.conftest import set_noise_strength


def test_the_deviation_is_that_of_all_images_at_once():
    images = torch.randn(23, 5, 7, dtype=torch.float64) * 3 + 1e4
    found = pixel_std(images.split([4, 9, 1, 9]))
    assert_close(found, images.std(dim=0, correction=0))


def test_nothing_varies_without_noise(make_pipeline):
    pipeline = make_pipeline(noise_strength=0.0)
    assert (measure_noise_variation(pipeline, 3, draws=5).std == 0).all()
    pipeline = make_pipeline(settings={"noise": NoiseSettings("fixed", ())})
    assert (measure_noise_variation(pipeline, 3, draws=5).std == 0).all()
    assert (measure_noise_variation(make_pipeline(), 3, draws=5).std > 0).any()


def test_draws_have_the_noise_of_their_seeds_whatever_the_batch(make_pipeline, with_settings):
    pipeline = make_pipeline()
    found = []
    for pipeline.batch_size in (2, 1):
        found.append(torch.cat(list(draw_noise_variants(pipeline, 3, 5))))
    several, single = found
    assert len(several) == 5
    assert_close(several, single)
    random = with_settings(pipeline, noise=NoiseSettings("random"))
    assert_close(several[3:4], random.draw(random.codes([3])))


def test_latent_files_vary_as_their_seed_does(make_pipeline, tmp_path):
    pipeline = make_pipeline()
    path = tmp_path / "face.safetensors"
    write_latent_file(path, pipeline.codes([3]), model=pipeline.model_hash, settings={})
    (source,) = load_sources(pipeline, [path])
    assert_close(
        measure_noise_variation(pipeline, source, 4).std,
        measure_noise_variation(pipeline, 3, 4).std,
    )


def test_gray_is_the_mean_of_the_colors():
    images = torch.tensor([-1.0, 0.0, 0.5, 1.0])[None, :, None, None].expand(1, 4, 2, 2)
    assert_close(gray_levels(images), torch.full((1, 2, 2), (0.5 / -3 + 1) * 127.5).double())
    assert_close(gray_levels(images[:, 3:]), torch.full((1, 2, 2), 255.0).double())


def test_the_crop_is_where_noise_changes_most():
    deviation = torch.zeros(16, 32)
    deviation[9:13, 20:28] = 1
    assert most_varied_window(deviation) == (20, 9, 28, 13)


def test_the_variation_figure(make_pipeline, tmp_path):
    pipeline = make_pipeline()
    told = []
    found = [
        measure_noise_variation(pipeline, seed, 6, on_progress=lambda *step: told.append(step))
        for seed in (3, 5)
    ]
    write_variation_figure(tmp_path / "noise.png", iter(found), rows=2, crop=(2, 4, 6, 12))
    page = torch.from_numpy(np.asarray(Image.open(tmp_path / "noise.png")).copy()).permute(2, 0, 1)
    assert page.shape == (3, 2 * 16, 3 * 16)
    assert torch.equal(page[:, 16:, :16], pixels.to_uint8(found[1].image))
    bright = (found[0].std * 4).clamp(max=255)
    assert_close(page[0, :16, 32:].double(), bright, atol=0.51, rtol=0)
    assert told[-1] == (6, 6)
    with pytest.raises(UsageError, match="crop 0,0,17,4: images are 16x16"):
        write_variation_figure(tmp_path / "x.png", found, rows=2, crop=(0, 0, 17, 4))


def test_crops_are_four_draws_enlarged(make_pipeline):
    variation = measure_noise_variation(make_pipeline(), 3, 6)
    page = crop_grid(variation, (4, 8, 8, 12))
    examples = variation.samples[..., 8:12, 4:8].repeat_interleave(2, -1).repeat_interleave(2, -2)
    assert_close(page[:, :8, 8:], examples[1])
    assert_close(page[:, 8:, :8], examples[2])
    assert std_image(variation).shape == (3, 16, 16)


@pytest.mark.parametrize(("levels", "split"), [(9, 8), (5, 8), (4, 4), (3, 3), (2, 2)])
def test_components_part_the_layers(tiny_generator, levels, split):
    chosen = noise_layer_subsets(tiny_generator(levels=levels, max_channels=2).config)
    assert list(chosen) == ["all", "none", "fine", "coarse"]
    assert chosen["coarse"] + chosen["fine"] == chosen["all"] == tuple(range(2 * levels))
    assert len(chosen["coarse"]) == split and chosen["none"] == ()


def test_the_components_figure(make_pipeline, with_settings, tmp_path):
    pipeline = make_pipeline()
    write_noise_layers_figure(pipeline, [3, 5], tmp_path / "noise.png")
    page = torch.from_numpy(np.asarray(Image.open(tmp_path / "noise.png")).copy()).permute(2, 0, 1)
    assert page.shape == (3, 2 * 16, 4 * 16)
    choices = [NoiseSettings(), NoiseSettings("none"), NoiseSettings("fixed", (3, 4, 5))]
    for column, choice in enumerate([*choices, NoiseSettings("fixed", (0, 1, 2))]):
        other = with_settings(pipeline, noise=choice)
        wanted = pixels.to_uint8(other.draw(other.codes([5]))[0])
        tile = page[:, 16:, column * 16 : column * 16 + 16]
        assert (tile.int() - wanted.int()).abs().max() <= 1
    assert len({page[:, 16:, i : i + 16].numpy().tobytes() for i in range(0, 64, 16)}) == 4


def test_networks_without_noise_inputs_are_refused(make_pipeline, tmp_path):
    pipeline = make_pipeline(noise=False)
    set_noise_strength(pipeline.generator, 1.0)
    for use in (
        lambda: measure_noise_variation(pipeline, 3),
        lambda: write_noise_layers_figure(pipeline, [3], tmp_path / "x.png"),
    ):
        with pytest.raises(UsageError, match="this network has no noise inputs"):
            use()
