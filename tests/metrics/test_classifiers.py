"""Classifiers learn attributes that are there, and are kept whole."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from stylesmith.data.dataset import Dataset, open_dataset
from stylesmith.errors import DataError, ModelError, OutputError, ShapeError
from stylesmith.metrics.attributes import Attributes
from stylesmith.metrics.classifiers import (
    ClassifierTraining,
    classifier_config,
    classifier_input,
    classifier_path,
    open_classifiers,
    plan_classifier_training,
    train_classifiers,
)
from stylesmith.networks import build_discriminator
from tests.metrics.fakes import CPU
from tests.support import DAMAGES, make_photos

COUNT = 60


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    """Noise, brighter in every other image."""
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for i in range(COUNT):
        pixels = rng.integers(0, 156, (8, 8, 3)) + 100 * (i % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / f"{i:03d}.png")
    return open_dataset(tmp_path / "photos")


def make_training(
    dataset: Dataset, *, images: int = 400, names: tuple[str, ...] = ("bright", "dark")
):
    bright = np.arange(COUNT) % 2 == 1
    attributes = Attributes(list(names), np.stack([bright, ~bright], axis=1)[:, : len(names)])
    config = classifier_config((8, 8), 3, max_channels=8)
    return ClassifierTraining(dataset, attributes, config, images, 0, CPU)


def quiet(text: str) -> None:
    """Nobody listens."""


def test_the_architecture_is_the_papers():
    """Widths of ProGAN's discriminator at 256x256, without statistics over a batch."""
    config = classifier_config((1024, 1024), 3)
    assert config.size() == (256, 256)
    assert [config.channels(level) for level in range(7)] == [512, 512, 512, 512, 256, 128, 64]
    assert config.stddev_features == 0 and config.resample == "box"
    scores = build_discriminator(classifier_config((8, 8), 3, max_channels=8))
    x = torch.randn(4, 3, 8, 8)
    assert_close(scores(x)[:1], scores(x[:1]))  # an answer does not depend on the other images


def test_attributes_are_learned_and_kept(dataset, tmp_path):
    facts = train_classifiers(make_training(dataset), tmp_path / "out", force=False, notify=quiet)
    assert [f.attribute for f in facts] == ["bright", "dark"]
    assert [f.accuracy for f in facts] == [1, 1] and [f.share for f in facts] == [0.5, 0.5]
    opened = open_classifiers(tmp_path / "out", CPU)
    assert opened.attributes == ["bright", "dark"] and opened.dimension == 2
    images = torch.from_numpy(np.stack([dataset.pixels(i) for i in range(20)]))
    logits = opened.features(images)
    assert torch.equal(logits > 0, torch.tensor([[False, True], [True, False]]).repeat(10, 1))


def test_training_depends_on_its_seed_alone(dataset, tmp_path):
    outs = [tmp_path / name for name in ("a", "b")]
    for out in outs:
        train_classifiers(make_training(dataset, images=32), out, force=False, notify=quiet)
    first, second = (open_classifiers(out, CPU) for out in outs)
    assert first.weights_hash == second.weights_hash


def test_an_interrupted_training_goes_on_with_what_is_missing(dataset, tmp_path):
    out = tmp_path / "out"
    train_classifiers(make_training(dataset, images=32), out, force=False, notify=quiet)
    whole = open_classifiers(out, CPU).weights_hash
    kept = classifier_path(out, 0).stat().st_mtime_ns
    classifier_path(out, 1).unlink()
    said: list[str] = []
    train_classifiers(make_training(dataset, images=32), out, force=False, notify=said.append)
    assert "1 of 2 classifiers are there already." in said
    assert classifier_path(out, 0).stat().st_mtime_ns == kept
    assert open_classifiers(out, CPU).weights_hash == whole


def test_classifiers_of_another_training_stay_without_force(dataset, tmp_path):
    out = tmp_path / "out"
    train_classifiers(make_training(dataset, images=32), out, force=False, notify=quiet)
    other = make_training(dataset, images=16, names=("bright",))
    with pytest.raises(OutputError, match="holds classifiers of other data, attributes or sett"):
        train_classifiers(other, out, force=False, notify=quiet)
    train_classifiers(other, out, force=True, notify=quiet)
    assert open_classifiers(out, CPU).attributes == ["bright"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_classifiers_are_refused(dataset, tmp_path, damage):
    out = tmp_path / "out"
    train_classifiers(make_training(dataset, images=16), out, force=False, notify=quiet)
    damage(classifier_path(out, 1))
    with pytest.raises(ModelError, match=r"001\.safetensors"):
        open_classifiers(out, CPU)


def test_a_folder_without_classifiers_says_how_to_make_them(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ModelError, match="`stylesmith classifiers train DATA --out"):
            open_classifiers(folder, CPU)


def test_images_are_averaged_over_squares_down_to_256():
    config = classifier_config((512, 512), 1, max_channels=1)
    pixels = torch.zeros(1, 1, 512, 512, dtype=torch.uint8)
    pixels[:, :, ::2, ::2] = 255
    assert_close(classifier_input(pixels, config), torch.full((1, 1, 256, 256), -0.5))
    with pytest.raises(ShapeError, match=r"images are \(3, 256, 256\)"):
        classifier_input(torch.zeros(1, 3, 256, 256, dtype=torch.uint8), config)
    with pytest.raises(ShapeError, match=r"trained on \(1, 256, 256\)"):
        classifier_input(torch.zeros(1, 1, 128, 128, dtype=torch.uint8), config)


def test_too_few_images_are_refused(tmp_path):
    photos = open_dataset(make_photos(tmp_path / "photos", count=19))
    with pytest.raises(DataError, match="holds 19 images; classifiers need 20 or more"):
        plan_classifier_training(photos, Attributes(["a"], np.ones((19, 1), bool)), device=CPU)


def test_the_small_protocol_is_shorter_and_narrower(dataset):
    attributes = make_training(dataset).attributes
    paper = plan_classifier_training(dataset, attributes, device=CPU)
    small = plan_classifier_training(dataset, attributes, protocol="small", device=CPU)
    assert (paper.images, paper.config.max_channels) == (150_000, 512)
    assert (small.images, small.config.max_channels) == (10_000, 64)
