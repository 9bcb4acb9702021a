"""HDF5 files of images: StudioGAN's and ProGAN's arrays, and what is refused."""

import sys

import numpy as np
import pytest

from stylesmith.data.check import check_data
from stylesmith.data.dataset import open_dataset
from stylesmith.errors import DataError, UsageError
from tests.support import differing, newest_state, resume, start


@pytest.fixture
def write(tmp_path):
    """`write(name=array, ...)`: an HDF5 file with these arrays."""
    h5py = pytest.importorskip("h5py", reason="the extra [hdf5] is not installed")

    def write_arrays(**arrays):
        path = tmp_path / "photos.hdf5"
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array)
        return path

    return write_arrays


def noise(size=8):
    """Images `(N, C, H, W)`."""
    return np.random.default_rng(size).integers(0, 256, (12, 3, size, size), dtype=np.uint8)


def test_studiogans_file(write, tmp_path):
    path = write(imgs=noise(), labels=np.arange(12) % 3)
    data = open_dataset(path)
    assert data.recognized == "Recognized: HDF5, 12 images of imgs."
    for number, pixels in enumerate(noise()):
        np.testing.assert_array_equal(data.pixels(number), pixels)
        assert data.label(number).argmax() == number % 3
    np.save(tmp_path / "same.npy", noise())
    assert check_data(path).pixel_hash == check_data(tmp_path / "same.npy").pixel_hash


def test_progans_file(write, tmp_path):
    path = write(data8x8=noise(), data16x16=noise(16))
    np.save(tmp_path / "photos-labels.npy", np.eye(3, dtype=np.float32)[np.arange(12) % 3])
    for data, size in ((open_dataset(path), 16), (open_dataset(path, size=(8, 8)), 8)):
        np.testing.assert_array_equal(np.stack([data.pixels(i) for i in range(12)]), noise(size))
        assert data.label_size == 3


def test_training_and_resuming_equal_those_of_an_array(write, tmp_path):
    np.save(tmp_path / "same.npy", noise())
    whole = start(tmp_path / "same.npy", tmp_path / "whole", steps=4)
    halves = start(write(imgs=noise()), tmp_path / "halves", steps=2)
    resume(halves, steps=4)
    assert differing(newest_state(whole)[0], newest_state(halves)[0]) == []


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": np.zeros(3)}, r"it holds x \(3,\)"),
        ({"a": noise(), "b": noise()}, r"wanted one array of images .* a \(12, 3, 8, 8\), b"),
        ({"a": noise().astype(np.float32)}, "holds images of float32"),
        ({"imgs": noise(), "labels": np.arange(5)}, "holds 5 labels for 12 images"),
    ],
)
def test_other_files_are_refused(write, arrays, reason):
    with pytest.raises(DataError, match=reason):
        open_dataset(write(**arrays))


def test_a_damaged_file_is_refused(write):
    path = write(imgs=noise())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"photos\.hdf5: is damaged or no HDF5 file"):
        open_dataset(path)


def test_the_package_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "a.h5").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r'pip install "stylesmith\[hdf5\]"'):
        open_dataset(tmp_path / "a.h5")
