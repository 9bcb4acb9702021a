"""Opening and reading folders and zips."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from stylesmith.config import DataConfig
from stylesmith.data import dataset as dataset_module
from stylesmith.data.archive import blake2b_digest
from stylesmith.data.dataset import open_dataset, open_training_data
from stylesmith.errors import ConfigError, DataError


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).transpose(2, 0, 1)


@pytest.mark.parametrize("compression", [None, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_folder_and_zip_give_the_same_pixels_in_sorted_order(
    make_image, make_folder, make_zip, compression
):
    content = {
        "b/2.PNG": make_image(0),
        "a.jpeg": make_image(1, ".jpg"),
        "b/1.webp": make_image(2, ".webp"),
        "notes.txt": b"hello",
        ".hidden/x.png": b"broken",
        "b/.y.png": b"broken",
        "__MACOSX/._a.png": b"broken",
    }
    path = (
        make_folder(content) if compression is None else make_zip(content, compression=compression)
    )
    data = open_dataset(path)
    assert data.names == ["a.jpeg", "b/1.webp", "b/2.PNG"]
    assert (len(data), data.size, data.channels, data.label_size) == (3, (32, 32), 3, 0)
    for index, name in enumerate(data.names):
        np.testing.assert_array_equal(data.pixels(index), decoded(content[name]))
        assert data.label(index).shape == (0,)
    data.close()


def test_size_is_height_by_width(make_image, make_folder):
    data = open_dataset(make_folder({"a.png": make_image(0, size=(48, 64))}))
    assert data.size == (48, 64)
    assert data.pixels(0).shape == (3, 48, 64)


def test_gray_images_alone_give_one_channel(make_folder):
    def png(mode: str) -> bytes:
        buffer = io.BytesIO()
        Image.new(mode, (8, 8)).save(buffer, "PNG")
        return buffer.getvalue()

    folder = make_folder({f"{mode}.png": png(mode) for mode in ("L", "1", "LA")})
    assert open_dataset(folder).channels == 1
    assert open_dataset(folder, channels=3).pixels(0).shape == (3, 8, 8)
    (folder / "p.png").write_bytes(png("P"))
    assert open_dataset(folder).channels == 3
    assert open_dataset(folder, channels=4).pixels(0).shape == (4, 8, 8)


def test_a_wanted_size_crops_around_the_center(make_folder):
    wide = Image.new("RGB", (96, 32), "red")
    wide.paste("blue", (32, 0, 64, 32))
    buffer = io.BytesIO()
    wide.save(buffer, "PNG")
    data = open_dataset(make_folder({"wide.png": buffer.getvalue()}), size=(16, 16))
    np.testing.assert_array_equal(data.pixels(0), np.full((3, 16, 16), 0) + [[[0]], [[0]], [[255]]])


def test_a_wanted_size_that_no_network_has_is_a_config_error(make_image, make_folder):
    with pytest.raises(ConfigError, match="100x100"):
        open_dataset(make_folder({"a.png": make_image(0)}), size=(100, 100))


def test_small_data_is_decoded_once_and_is_safe_from_changes(make_image, make_folder):
    folder = make_folder({"a.png": make_image(0)})
    data = open_dataset(folder)
    first = data.pixels(0)
    expected = first.copy()
    first[:] = 0
    (folder / "a.png").unlink()
    np.testing.assert_array_equal(data.pixels(0), expected)


def test_large_data_is_read_anew(make_image, make_folder, monkeypatch):
    monkeypatch.setattr(dataset_module, "MAX_CACHED_BYTES", 100)
    folder = make_folder({"a.png": make_image(0)})
    data = open_dataset(folder)
    np.testing.assert_array_equal(data.pixels(0), decoded(make_image(0)))
    (folder / "a.png").unlink()
    with pytest.raises(DataError, match=r"'a\.png' cannot be read"):
        data.pixels(0)


def test_many_threads_read_one_zip(make_image, make_zip, monkeypatch):
    monkeypatch.setattr(dataset_module, "MAX_CACHED_BYTES", 0)
    content = {f"{i:02}.png": make_image(i) for i in range(20)}
    data = open_dataset(make_zip(content, compression=zipfile.ZIP_DEFLATED))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(data.pixels, list(range(20)) * 5))
    for index, pixels in enumerate(results):
        np.testing.assert_array_equal(pixels, decoded(content[f"{index % 20:02}.png"]))


def test_fingerprint_follows_names_sizes_and_labels(make_image, make_folder, labels_file):
    folder = make_folder({"a.png": make_image(0), "b.png": make_image(1)})
    seen = [open_dataset(folder).fingerprint]
    assert open_dataset(folder).fingerprint == seen[0]
    for labels in ([["a.png", 0], ["b.png", 1]], [["a.png", 1], ["b.png", 0]]):
        (folder / "dataset.json").write_bytes(labels_file(labels))
        seen.append(open_dataset(folder).fingerprint)
    (folder / "a.png").write_bytes(make_image(0) + b"more")
    seen.append(open_dataset(folder).fingerprint)
    (folder / "a.png").rename(folder / "c.png")
    (folder / "dataset.json").unlink()
    seen.append(open_dataset(folder).fingerprint)
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_fingerprint_follows_content_of_equal_names_and_sizes(
    kind, make_image, make_folder, make_zip
):
    make = make_folder if kind == "folder" else make_zip
    content = {f"{i}.png": make_image(i) for i in range(2)}
    path = make(content)
    before = open_dataset(path)
    other = bytearray(content["1.png"])
    other[len(other) // 2] ^= 1
    if kind == "folder":
        (path / "1.png").write_bytes(other)
    else:
        make({**content, "1.png": bytes(other)})
    after = open_dataset(path)
    assert before.archive.sizes == after.archive.sizes
    assert before.fingerprint != after.fingerprint
    assert open_dataset(path, version=1).fingerprint == open_dataset(path, version=1).fingerprint


def test_runs_with_the_first_fingerprint_keep_their_images_and_classes(make_image, make_folder):
    names = ["10/a.png", "2/a.png", "2/b.jpe"]
    folder = make_folder({name: make_image(0) for name in names})
    first = open_dataset(folder, version=1)
    parts = b"".join(f"{name}\0{len(make_image(0))}\n".encode() for name in first.names)
    values = np.array([0, 1], np.int64)
    assert first.fingerprint == blake2b_digest([parts, b"2 int64", values.tobytes()])

    data = make_data_config(folder, first.fingerprint)
    again = open_training_data(data)
    assert again.names == ["10/a.png", "2/a.png"]
    assert again.class_names == ("10", "2")
    assert again.fingerprint == first.fingerprint

    newest = open_dataset(folder)
    assert newest.names == names
    assert newest.class_names == ("2", "10")
    assert newest.fingerprint.startswith("3:")
    again = open_training_data(make_data_config(folder, newest.fingerprint))
    assert again.fingerprint == newest.fingerprint


def make_data_config(folder, fingerprint: str) -> DataConfig:
    return DataConfig(path=str(folder), size=(32, 32), label_size=2, fingerprint=fingerprint)


def test_progress_ends_at_the_total(make_image, make_folder):
    told = []
    folder = make_folder({f"{i:03}.png": make_image(0, size=(8, 8)) for i in range(100)})
    open_dataset(folder, on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (100, 100)
    assert told == sorted(told)
