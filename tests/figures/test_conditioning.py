import torch

from stylesmith.figures import FigureOptions, save_figure
from stylesmith.figures.generator_smoothness import (
    jacobian_conditioning,
    normalized_spectra,
    normalized_spectrum,
)
from tests.figures.conftest import no_progress


def test_of_a_linear_generator_they_are_those_of_its_matrix(make_figure_input, monkeypatch):
    pipeline = make_figure_input().pipeline()
    matrix = torch.randn(3 * 16 * 16, 8, dtype=torch.float64)
    monkeypatch.setattr(
        pipeline.generator, "draw", lambda ws: (ws[:, 0] @ matrix.T).unflatten(1, (3, 16, 16))
    )
    wanted = torch.linalg.svdvals(matrix)
    found = normalized_spectrum(pipeline, torch.randn(8, dtype=torch.float64))
    torch.testing.assert_close(found, wanted / wanted[0])


def test_they_fall_from_1_at_every_w(make_figure_input):
    values = normalized_spectra(make_figure_input(FigureOptions(count=3)), no_progress)
    assert values.shape == (3, 8) and (values[:, 0] == 1).all()
    assert (values.diff(dim=1) <= 0).all() and not torch.equal(values[0], values[1])


def test_a_model_compared_with_itself_has_the_same_spectrum(make_figure_input, tmp_path):
    figure_input = make_figure_input(
        FigureOptions(count=1, other=make_figure_input(name="second").path), name="first"
    )
    layout = jacobian_conditioning(figure_input, no_progress)
    words = layout.caption.split("conditioning. ")[1].split("; ")
    assert words[0].removeprefix("first") == words[1].removeprefix("second").rstrip(".")
    assert [path.suffix for path in save_figure(layout, tmp_path / "x.png")] == [".png", ".svg"]
