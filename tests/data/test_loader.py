"""Batches are a function of data, keys and positions; nothing else."""

from collections import Counter

import numpy as np
import pytest
import torch

from stylesmith.data.dataset import open_dataset
from stylesmith.data.loader import BatchLoader, Sampler
from stylesmith.errors import DataError
from stylesmith.latents import RandomKeys


def test_every_epoch_shows_every_image_once_in_another_order():
    sampler = Sampler(50, RandomKeys(3))
    epochs = [[sampler.index(50 * epoch + i) for i in range(50)] for epoch in range(3)]
    for order in epochs:
        assert sorted(order) == list(range(50))
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert epochs[0] != list(range(50))


def test_order_depends_on_seed_and_position_alone():
    forwards = [Sampler(7, RandomKeys(1)).index(p) for p in range(30)]
    sampler = Sampler(7, RandomKeys(1))
    assert [sampler.index(p) for p in reversed(range(30))] == forwards[::-1]
    assert [Sampler(7, RandomKeys(2)).index(p) for p in range(30)] != forwards


@pytest.fixture
def data(make_image, make_folder):
    content = {f"{'xy'[i % 2]}/{i:02}.png": make_image(i, size=(8, 8)) for i in range(10)}
    return open_dataset(make_folder(content))


def test_a_batch_holds_the_images_and_labels_of_its_positions(data):
    keys = RandomKeys(0)
    loader = BatchLoader(data, keys=keys, mirror=False)
    batch = loader.load_batch([3, 17, 4])
    assert batch.images.shape == (3, 3, 8, 8)
    assert (batch.images.dtype, batch.labels.dtype) == (torch.uint8, torch.float32)
    for row, position in enumerate([3, 17, 4]):
        index = Sampler(10, keys).index(position)
        np.testing.assert_array_equal(batch.images[row], data.pixels(index))
        np.testing.assert_array_equal(batch.labels[row], data.label(index))
    loader.close()


def test_workers_and_upcoming_change_nothing(data):
    plain = BatchLoader(data, keys=RandomKeys(0), mirror=True, workers=1)
    eager = BatchLoader(data, keys=RandomKeys(0), mirror=True, workers=4)
    for start in range(0, 24, 4):
        positions = list(range(start, start + 4))
        guesses = [*range(start + 4, start + 8), 1000 + start]  # the last one is never taken
        expected, got = plain.load_batch(positions), eager.load_batch(positions, guesses)
        assert torch.equal(expected.images, got.images)
        assert torch.equal(expected.labels, got.labels)
    plain.close()
    eager.close()


def test_mirroring_flips_half_of_the_positions_from_left_to_right(data):
    plain = BatchLoader(data, keys=RandomKeys(0), mirror=False).load_batch(range(200)).images
    mirrored = BatchLoader(data, keys=RandomKeys(0), mirror=True).load_batch(range(200)).images
    kinds = Counter(
        "same" if torch.equal(a, b) else "flipped" if torch.equal(a.flip(-1), b) else "other"
        for a, b in zip(plain, mirrored, strict=True)
    )
    assert set(kinds) == {"same", "flipped"}
    assert 70 < kinds["flipped"] < 130


def test_upcoming_images_are_decoded_before_they_are_asked_for(data, monkeypatch):
    read = []
    item = data.image_and_label
    monkeypatch.setattr(data, "image_and_label", lambda index: (read.append(index), item(index))[1])
    loader = BatchLoader(data, keys=RandomKeys(0), mirror=False)
    loader.load_batch([0], prefetch=[1, 2])
    loader._pool.submit(lambda: None).result()
    loader.load_batch([1, 2])
    loader.close()
    assert sorted(read) == sorted(Sampler(10, RandomKeys(0)).index(p) for p in range(3))


def test_random_labels_are_those_of_the_drawn_items(data):
    labels = BatchLoader(data, keys=RandomKeys(0), mirror=False).random_labels([0, 13, 10**17 + 9])
    np.testing.assert_array_equal(labels, [data.label(0), data.label(3), data.label(9)])
    assert labels.dtype == torch.float32


def test_damage_surfaces_where_it_is_taken_and_not_before(make_image, make_folder):
    good = make_image(0)
    bad = good[:1000] + bytes(200) + good[1200:]
    data = open_dataset(make_folder({"a.png": good, "b.png": bad}))
    keys = RandomKeys(0)
    order = {Sampler(2, keys).index(p): p for p in range(2)}
    loader = BatchLoader(data, keys=keys, mirror=False)
    loader.load_batch([order[0]], prefetch=[order[1]])
    with pytest.raises(DataError, match=r"'b\.png' cannot be read"):
        loader.load_batch([order[1]])
    assert len(loader.load_batch([order[0]]).images) == 1
    loader.close()
