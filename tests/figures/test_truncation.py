import torch

from stylesmith.figures import FigureOptions
from stylesmith.figures.style_figures import TRUNCATION_PSIS, truncation_trick
from tests.figures.conftest import no_progress


def test_at_psi_0_every_seed_gives_the_mean_image(make_figure_input):
    layout = truncation_trick(make_figure_input(FigureOptions(seeds=[1, 2, 3])), no_progress)
    (images,) = [panel.images for panel in layout.image_panels]
    assert images.shape[:2] == (3, len(TRUNCATION_PSIS))
    assert torch.equal(images[0, 3], images[1, 3]) and torch.equal(images[0, 3], images[2, 3])
    assert not torch.equal(images[0, 0], images[1, 0])


def test_opposite_psi_is_mirrored_at_the_mean_in_w(make_figure_input):
    figure_input = make_figure_input()
    mean, plus, minus = (figure_input.pipeline(psi=psi).ws([4]) for psi in (0.0, 1.0, -1.0))
    torch.testing.assert_close(plus - mean, mean - minus)
