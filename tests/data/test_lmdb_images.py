"""LMDB databases of image files: LSUN's keys, rosinality's, and what is refused."""

import hashlib
import sys

import numpy as np
import pytest

from stylesmith.data.check import check_data
from stylesmith.data.dataset import open_dataset
from stylesmith.data.image_set import ReadOptions
from stylesmith.errors import DataError, UsageError
from tests.data.containers import png
from tests.support import differing, newest_state, resume, start


def write(path, values):
    lmdb = pytest.importorskip("lmdb", reason="the extra [lmdb] is not installed")
    with lmdb.open(str(path), map_size=1 << 26) as database, database.begin(write=True) as writer:
        for key, value in values.items():
            writer.put(key.encode(), value)
    return path


def noise(count, size=8):
    shape = (count, size, size, 3)
    return np.random.default_rng(size).integers(0, 256, shape, dtype=np.uint8)


def lsun(path, images):
    """A database as LSUN's; the names of its images in order, and their pixels."""
    keys = [hashlib.sha1(bytes([i])).hexdigest() for i in range(len(images))]
    write(path, {key: png(one) for key, one in zip(keys, images, strict=True)})
    return [keys[i] for i in np.argsort(keys)], images[np.argsort(keys)]


def test_lsun_keeps_the_order_of_its_keys(tmp_path):
    keys, images = lsun(tmp_path / "cat_lmdb", noise(12))
    folder = tmp_path / "folder"
    folder.mkdir()
    for key, pixels in zip(keys, images, strict=True):
        (folder / f"{key}.png").write_bytes(png(pixels))
    data = open_dataset(tmp_path / "cat_lmdb")
    assert data.names == [f"{key}.png" for key in keys] and data.labels is None
    assert data.recognized == "Recognized: LMDB, 12 images."
    for number, pixels in enumerate(images):
        np.testing.assert_array_equal(data.pixels(number), pixels.transpose(2, 0, 1))
    plain = open_dataset(folder)
    assert data.fingerprint == plain.fingerprint and data.content_hash == plain.content_hash
    assert check_data(tmp_path / "cat_lmdb").pixel_hash == check_data(folder).pixel_hash
    assert open_dataset(tmp_path / "cat_lmdb" / "data.mdb").fingerprint == data.fingerprint


def test_training_and_resuming_equal_those_of_a_folder(tmp_path):
    keys, images = lsun(tmp_path / "cat_lmdb", noise(12))
    (tmp_path / "folder").mkdir()
    for key, pixels in zip(keys, images, strict=True):
        (tmp_path / "folder" / f"{key}.png").write_bytes(png(pixels))
    whole = start(tmp_path / "folder", tmp_path / "whole", steps=4)
    halves = start(tmp_path / "cat_lmdb", tmp_path / "halves", steps=2)
    resume(halves, steps=4)
    assert differing(newest_state(whole)[0], newest_state(halves)[0]) == []


def test_one_of_several_sizes_is_taken(tmp_path):
    values = {"length": b"3"}
    for size in (8, 16):
        for number, pixels in zip((0, 1, 100000), noise(3, size), strict=True):
            values[f"{size}-{number:05d}"] = png(pixels)
    path = write(tmp_path / "faces", values)
    large, small = open_dataset(path), open_dataset(path, size=(8, 8))
    assert "3 images of size 16, without those of 8" in large.recognized
    for data, size in ((large, 16), (small, 8)):
        pixels = np.stack([data.pixels(i) for i in range(3)])
        np.testing.assert_array_equal(pixels, noise(3, size).transpose(0, 3, 1, 2))


def test_a_damaged_image_is_named(tmp_path):
    path = write(tmp_path / "db", {"a": png(noise(1)[0]), "b": png(noise(1)[0])[:-60]})
    with pytest.raises(DataError, match=r"'b\.png' \(cut short\)"):
        open_dataset(path)
    assert open_dataset(path, skip_bad=True).names == ["a.png"]


def test_other_databases_are_refused_with_some_keys(tmp_path):
    path = write(tmp_path / "text", {"x1": b"hello", "x2": b"world"})
    with pytest.raises(DataError, match="holds no image files; some of its keys are: 'x1', 'x2'"):
        open_dataset(path)
    with pytest.raises(DataError, match="is not split"):
        open_dataset(path, options=ReadOptions(split="test"))
    (path / "data.mdb").write_bytes(b"damaged" * 100)
    with pytest.raises(DataError, match="cannot be read as an LMDB database"):
        open_dataset(path)


def test_the_package_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "data.mdb").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(UsageError, match=r'pip install "stylesmith\[lmdb\]"'):
        open_dataset(tmp_path)
