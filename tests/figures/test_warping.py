"""The experiment of StyleGAN's Figure 6: W is less warped than Z, and how that is measured."""

import pytest
import torch

from stylesmith.errors import UsageError
from stylesmith.figures import check_model, find_figure
from stylesmith.figures.warping import (
    LATENT_DISC_RADIUS,
    POINTS_PER_LINE,
    AffineFit,
    PointGenerator,
    grid_lines,
    is_forbidden,
    measure_point_path_lengths,
    sample_training_points,
    sample_z,
    train_point_generator,
    w_grid,
    z_grid,
)

PAIRS = 5000
MATRIX = torch.tensor([[0.5, 0.1], [-0.2, 0.3]], dtype=torch.double)


def numbers() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture(scope="module")
def trained() -> PointGenerator:
    return train_point_generator()


def test_paths_in_w_are_shorter_than_in_z_and_longer_than_straight_lines(trained):
    lengths = measure_point_path_lengths(trained, PAIRS)
    assert lengths.straight < lengths.w < lengths.z  # by how much, rounding of the machine decides


def test_the_generator_has_learned_its_training_set(trained):
    made = trained.features(sample_z(PAIRS, numbers()).double()).float()
    real = sample_training_points(PAIRS, numbers())
    assert is_forbidden(made, margin=0.05).float().mean() < 0.02
    cells = {"bins": [4, 4], "range": [-1.0, 1.0, -1.0, 1.0]}
    shares = [torch.histogramdd(points, **cells).hist / PAIRS for points in (made, real)]
    assert (shares[0] - shares[1]).abs().sum() / 2 < 0.2  # total variation


def test_no_training_point_is_in_the_corner_and_all_else_is_even():
    points = sample_training_points(12_000, numbers())
    assert points.shape == (12_000, 2) and not is_forbidden(points).any()
    quarters = torch.histogramdd(points, bins=[2, 2], range=[-1.0, 1.0, -1.0, 1.0]).hist
    torch.testing.assert_close(quarters[quarters > 0], torch.full((3,), 4000.0), atol=200, rtol=0)


def test_latents_are_even_on_the_disc_and_have_variance_1():
    z = sample_z(20_000, numbers())
    assert z.norm(dim=1).max() <= LATENT_DISC_RADIUS
    inner = (z.norm(dim=1) < LATENT_DISC_RADIUS / 2).float().mean()
    assert float(inner) == pytest.approx(0.25, abs=0.01)
    torch.testing.assert_close(z.T.cov(), torch.eye(2), atol=0.03, rtol=0)


def test_where_all_is_linear_all_paths_are_straight():
    lengths = measure_point_path_lengths(
        PointGenerator(lambda z: 3 * z, lambda w: w @ MATRIX), PAIRS
    )
    assert lengths.z == pytest.approx(lengths.straight, rel=1e-4)
    assert lengths.w == pytest.approx(lengths.straight, rel=1e-4)


def test_a_mapping_that_takes_all_the_warping_leaves_w_straight():
    lengths = measure_point_path_lengths(
        PointGenerator(lambda z: z * z.norm(dim=1, keepdim=True), lambda w: w), PAIRS
    )
    assert lengths.w == pytest.approx(lengths.straight, rel=1e-4)
    assert lengths.z > 1.1 * lengths.straight


def test_a_mapping_that_does_nothing_leaves_w_as_warped_as_z():
    lengths = measure_point_path_lengths(PointGenerator(lambda z: z, lambda w: w**3), PAIRS)
    assert lengths.w == lengths.z > lengths.straight


def test_training_is_repeatable_and_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    z = sample_z(10, numbers()).double()
    first, second, other = (train_point_generator(seed, steps=2).features(z) for seed in (1, 1, 2))
    assert torch.equal(first, second) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_grid_of_z_covers_the_disc_and_nothing_else():
    upright, level = z_grid(PointGenerator(lambda z: z, lambda w: w))
    for lines, across in ((upright, 0), (level, 1)):
        inside = ~lines.isnan().any(dim=2)
        wanted = (LATENT_DISC_RADIUS * grid_lines()[across]).norm(dim=2) <= LATENT_DISC_RADIUS
        assert torch.equal(inside, wanted) and 0.7 < inside.double().mean() < 0.8
        assert all(len(line[~line.isnan()].unique()) == 1 for line in lines[1:-1, :, across])


def test_the_grid_of_a_straight_w_is_straight_whatever_coordinates_it_has():
    upright, level = w_grid(PointGenerator(lambda z: z @ MATRIX + 1, lambda w: w - 1))
    for lines, across in ((upright, 0), (level, 1)):
        inside = ~lines.isnan().any(dim=2)
        assert 0 < inside.double().mean() < 1
        wanted = 1.5 * grid_lines()[across]
        torch.testing.assert_close(lines[inside], wanted[inside])


def test_the_grid_of_w_ends_where_its_samples_end(trained):
    points = torch.cat([lines.flatten(0, 1) for lines in w_grid(trained)])
    seen = points[~points.isnan().any(dim=1)]
    assert len(seen) > 10 * POINTS_PER_LINE
    assert not is_forbidden(seen, margin=0.4).any()


def test_an_affine_fit_finds_an_affine_map_and_its_inverse():
    points = torch.randn(20, 2, dtype=torch.double)
    fit = AffineFit(points, points @ MATRIX - 2)
    torch.testing.assert_close(fit.forward(points), points @ MATRIX - 2)
    torch.testing.assert_close(fit.inverse(fit.forward(points)), points)


def test_it_needs_no_model_and_others_do():
    check_model(find_figure("stylegan-6"), None)
    check_model(find_figure("stylegan-8"), "runs/photos")
    with pytest.raises(UsageError, match="stylegan-6: shows no model; leave runs/photos out"):
        check_model(find_figure("stylegan-6"), "runs/photos")
    with pytest.raises(UsageError, match="name a figure and a model; stylegan-8 needs any model"):
        check_model(find_figure("stylegan-8"), None)
