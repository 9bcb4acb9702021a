import pytest
import torch

from stylesmith.errors import ModelError
from stylesmith.figures import FigureInput, FigureOptions
from stylesmith.figures.style_figures import noise_components, stochastic_variation
from stylesmith.sampling.stochastic_variation import noise_layer_subsets, pixel_std
from tests.conftest import set_noise_strength
from tests.figures.conftest import no_progress

FEW = FigureOptions(seeds=[1, 2], count=6)


def images_of(figure, figure_input: FigureInput) -> torch.Tensor:
    (panel,) = figure(figure_input, no_progress).image_panels
    return panel.images


def test_without_strength_the_deviation_is_black_and_all_crops_are_equal(make_figure_input):
    images = images_of(stochastic_variation, make_figure_input(FEW, noise_strength=0.0))
    assert images.shape[:2] == (2, 3)
    assert (images[:, 2] == -1).all()
    crops = images[:, 1].unflatten(-1, (2, -1)).unflatten(-3, (2, -1))
    assert torch.equal(crops, crops[:, :, :1, :, :1].expand_as(crops))


def test_the_deviation_is_that_of_gray_values_over_draws_of_noise_times_four(make_figure_input):
    figure_input = make_figure_input(FEW)
    found = images_of(stochastic_variation, figure_input)[0, 2, 0]
    generator, seeds = figure_input.generator, range(6)
    ws = figure_input.pipeline().ws([1] * 6)
    drawn = generator.draw(ws, generator.noise_maps(seeds, "random")).detach().clamp(-1, 1)
    gray = (drawn.mean(dim=1) + 1) * 127.5
    wanted = pixel_std([gray.double()]) * 4
    assert wanted.max() > 10
    torch.testing.assert_close(
        (found + 1) * 127.5, wanted.float().clamp(max=255), atol=0.05, rtol=0
    )


def test_fine_and_coarse_layers_are_all_layers_once(make_figure_input):
    parts = noise_layer_subsets(make_figure_input().generator.config)
    assert sorted(parts["fine"] + parts["coarse"]) == list(parts["all"])
    assert parts["none"] == ()


def test_columns_differ_by_the_layers_that_get_noise(make_figure_input):
    figure_input = make_figure_input(FEW)
    generator = figure_input.generator
    for block in list(generator.synthesis.blocks)[:2]:  # those of the coarse layers, 0 to 2
        set_noise_strength(block, 0.0)
    every, none, fine, coarse = images_of(noise_components, figure_input).unbind(1)
    torch.testing.assert_close(every, generator.sample([1, 2], precision="fp32"), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        none, generator.sample([1, 2], noise="none", precision="fp32"), atol=1e-5, rtol=0
    )
    assert torch.equal(every, fine) and torch.equal(none, coarse)
    assert not torch.equal(every, none)


@pytest.mark.parametrize("figure", [stochastic_variation, noise_components])
def test_networks_without_noise_say_which_ones_have_it(make_figure_input, figure):
    with pytest.raises(ModelError, match=r"noise inputs.*stylegan-e and on"):
        figure(make_figure_input(noise=False), no_progress)
