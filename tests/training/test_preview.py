import pytest
import torch

from stylesmith.networks import build_generator
from stylesmith.training.recorder import Preview, color_moments, mean_pairwise_distance
from tests.support import tiny_config


@pytest.fixture
def preview(photos) -> Preview:
    return Preview.from_dataset(*tiny_config(photos))


def test_color_moments_are_means_and_deviations_of_each_channel():
    batch = torch.randn(50, 3, 16, 16) * torch.tensor([0.1, 0.2, 0.3])[:, None, None]
    batch += torch.tensor([-0.5, 0.0, 0.5])[:, None, None]
    expected = torch.tensor([-0.5, 0.0, 0.5, 0.1, 0.2, 0.3])
    torch.testing.assert_close(color_moments(batch), expected, atol=0.01, rtol=0)


def test_the_data_is_at_no_distance_from_itself_and_as_varied(preview):
    scores = preview.compare_with_reals(preview.reals)
    assert scores == {"color_distance": 0, "diversity": pytest.approx(1)}


def test_order_does_not_matter(preview):
    scores = preview.compare_with_reals(preview.reals.flip(0))
    assert scores["color_distance"] == pytest.approx(0, abs=1e-5)
    assert scores["diversity"] == pytest.approx(1)


def test_one_image_again_and_again_has_no_diversity(preview):
    scores = preview.compare_with_reals(preview.reals[:1].expand(16, -1, -1, -1))
    assert scores["diversity"] == pytest.approx(0, abs=1e-3)
    assert scores["color_distance"] > 0


def test_other_colors_are_at_a_distance(preview):
    assert preview.compare_with_reals(preview.reals + 0.5)["color_distance"] == pytest.approx(
        0.5 * 3**0.5, rel=1e-3
    )


def test_spread_is_the_mean_distance_of_two_images():
    batch = torch.zeros(2, 1, 8, 8)
    batch[1] = 3
    assert mean_pairwise_distance(batch).item() == pytest.approx(3 * 8)
    assert mean_pairwise_distance(batch[:1]).item() == 0


def test_real_images_are_the_same_in_every_session(photos, preview):
    assert torch.equal(preview.reals, Preview.from_dataset(*tiny_config(photos)).reals)
    assert preview.reals.shape == (16, 3, 8, 8)
    assert preview.real_grid().shape == (3, 16, 16)


def test_samples_come_from_the_same_seeds(preview):
    generator = build_generator(preview.config.generator)
    assert torch.equal(preview.samples(generator), preview.samples(generator))
    torch.testing.assert_close(
        preview.samples(generator)[:2], generator.sample([0, 1], precision="fp32")
    )


def test_classes_take_turns(photos):
    config, dataset = tiny_config(photos, "output.grid_images=5", conditional=True)
    generator = build_generator(config.generator)
    samples = Preview.from_dataset(config, dataset).samples(generator)
    assert len(samples) == 5
    for seed, image in enumerate(samples):
        expected = generator.sample([seed], label=seed % 2, precision="fp32")[0]
        torch.testing.assert_close(image, expected)
