"""Statistics belong to content: a copy finds them, a change of one pixel does not."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from stylesmith.data.dataset import open_dataset
from stylesmith.data.prepare import prepare_dataset
from stylesmith.metrics.reference_statistics import CacheKey, StatisticsCache
from stylesmith.networks.build import model_hash
from tests.metrics.fakes import tiny_network
from tests.support import DAMAGES, make_photos

KEY = CacheKey("moments", "data", "network", 10)


def test_what_was_saved_is_found(tmp_path):
    cache, tensors = (
        StatisticsCache(tmp_path / "new"),
        {"mean": torch.randn(3, dtype=torch.float64)},
    )
    assert cache.load(KEY) is None
    cache.save(KEY, tensors)
    found = cache.load(KEY)
    assert found is not None and torch.equal(found["mean"], tensors["mean"])


@pytest.mark.parametrize(
    "other",
    [
        CacheKey("features", "data", "network", 10),
        CacheKey("moments", "other", "network", 10),
        CacheKey("moments", "data", "other", 10),
        CacheKey("moments", "data", "network", 11),
    ],
)
def test_everything_in_the_key_counts(tmp_path, other):
    cache = StatisticsCache(tmp_path)
    cache.save(KEY, {"mean": torch.zeros(1)})
    assert cache.load(other) is None


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_made_anew(tmp_path, damage):
    cache = StatisticsCache(tmp_path)
    cache.save(KEY, {"mean": torch.zeros(1000)})
    (path,) = tmp_path.iterdir()
    damage(path)
    assert cache.load(KEY) is None


def test_a_place_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    (tmp_path / "file").write_text("mine")
    cache = StatisticsCache(tmp_path / "file")
    cache.save(KEY, {"mean": torch.zeros(1)})
    assert cache.load(KEY) is None
    assert StatisticsCache(None).load(KEY) is None
    StatisticsCache(None).save(KEY, {"mean": torch.zeros(1)})


def photo_hash(path, **options) -> str:
    return open_dataset(path, **options).content_hash


def test_a_copy_elsewhere_has_the_same_hash(tmp_path):
    photos = make_photos(tmp_path / "photos")
    copy = shutil.copytree(photos, tmp_path / "copy")
    assert photo_hash(photos) == photo_hash(copy)
    for name in ("a.zip", "b.zip"):
        prepare_dataset(photos, tmp_path / name, size=(8, 8))
    assert photo_hash(tmp_path / "a.zip") == photo_hash(tmp_path / "b.zip")


def test_one_changed_pixel_of_a_file_of_equal_name_and_size_has_another_hash(tmp_path):
    """Names and sizes alone would not tell."""
    photos = make_photos(tmp_path / "photos")
    path = photos / "class0" / "000.png"
    before, size = photo_hash(photos), path.stat().st_size
    prepare_dataset(photos, tmp_path / "a.zip", size=(8, 8))
    pixels = np.random.default_rng(5).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    assert path.stat().st_size == size
    assert photo_hash(photos) != before
    prepare_dataset(photos, tmp_path / "b.zip", size=(8, 8))
    assert photo_hash(tmp_path / "a.zip") != photo_hash(tmp_path / "b.zip")


def test_another_size_has_another_hash(tmp_path):
    photos = make_photos(tmp_path / "photos")
    hashes = {photo_hash(photos), photo_hash(photos, size=(16, 16)), photo_hash(photos, channels=1)}
    assert len(hashes) == 3


def test_a_models_hash_is_of_its_weights():
    network = tiny_network()
    before = model_hash(network)
    assert model_hash(tiny_network()) == before != model_hash(tiny_network(seed=1))
    network.mapping.w_avg += 1
    assert model_hash(network) != before
