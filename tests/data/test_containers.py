"""Containers hold the same images as a folder, whoever wrote them, and damaged ones are refused."""

import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylesmith.data.check import check_data
from stylesmith.data.crc32c import crc32c
from stylesmith.data.dataset import open_dataset
from stylesmith.data.file_names import missing_parts
from stylesmith.data.image_set import ReadOptions
from stylesmith.data.prepare import prepare_dataset
from stylesmith.errors import DataError
from tests.data import containers
from tests.data.containers import CONTAINERS, add_member, png
from tests.support import differing, newest_state, resume, start

COUNT = 12


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def classes() -> np.ndarray:
    return np.random.default_rng(1).permutation(np.arange(COUNT) % 3)


def write_folder(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir()
    for number, pixels in enumerate(images):
        (folder / f"{number:06d}.png").write_bytes(png(pixels))
    return folder


def all_pixels(dataset) -> np.ndarray:
    return np.stack([dataset.pixels(i) for i in range(len(dataset))]).transpose(0, 2, 3, 1)


def message(path: Path, **options) -> str:
    with pytest.raises(DataError) as caught:
        all_pixels(open_dataset(path, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_checksum_is_that_of_the_standard():
    assert crc32c(b"123456789") == 0xE3069283
    content = np.random.default_rng(0).bytes(2000)

    def bit_by_bit(data: bytes) -> int:
        crc = 0xFFFFFFFF
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        return crc ^ 0xFFFFFFFF

    for length in (0, 1, 5, 64, 65, 511, 512, 513, 1025, 2000):
        assert crc32c(content[:length]) == bit_by_bit(content[:length])


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_container_holds_the_images_of_a_folder(tmp_path, images, classes, kind):
    folder = write_folder(tmp_path / "folder", images)
    path = CONTAINERS[kind](tmp_path / "container", images, classes)
    data = open_dataset(path)
    assert (data.size, data.channels, len(data)) == ((8, 8), 3, COUNT)
    assert data.recognized.startswith("Recognized: ") and "\n" not in data.recognized
    np.testing.assert_array_equal(all_pixels(data), images)
    assert data.label_size == 3
    assert [int(data.label(i).argmax()) for i in range(COUNT)] == classes.tolist()
    old = open_dataset(path, version=2)  # by the rules of an older run that is measured
    assert old.names == data.names and old.label_size == 3
    report = check_data(path)
    assert report.pixel_hash == check_data(folder).pixel_hash
    assert report.images == COUNT and not report.bad_images


@pytest.mark.parametrize("kind", ["tfrecords", "shards", "npy"])
def test_training_and_resuming_do_not_depend_on_the_container(tmp_path, images, kind):
    folder = write_folder(tmp_path / "folder", images)
    path = CONTAINERS[kind](tmp_path / "container", images, None)
    runs = []
    for number, data in enumerate([folder, path]):
        runs.append(start(data, tmp_path / f"run{number}", steps=2 if number else 4))
    resume(runs[1], steps=4)
    (first, header), (second, other) = (newest_state(run) for run in runs)
    assert differing(first, second) == [] and header["clocks"] == other["clocks"]


def test_prepare_writes_the_same_images(tmp_path, images, classes):
    path = CONTAINERS["shards"](tmp_path / "shards", images, classes)
    done = prepare_dataset(path, tmp_path / "out.zip", size=(8, 8))
    data = open_dataset(tmp_path / "out.zip")
    assert done.count == COUNT and done.notes[0].startswith("Recognized: tar of 3 shards")
    np.testing.assert_array_equal(all_pixels(data), images)
    assert [int(data.label(i).argmax()) for i in range(COUNT)] == classes.tolist()


def test_data_is_known_again_and_a_change_is_seen(tmp_path, images):
    for kind, write in CONTAINERS.items():
        path = write(tmp_path / f"{kind} 1", images, None)
        same = write(tmp_path / f"{kind} 2", images, None)
        changed = images.copy()
        changed[5, -1] ^= 255
        other = write(tmp_path / f"{kind} 3", changed, None)
        first, second, third = map(open_dataset, (path, same, other))
        assert first.fingerprint == second.fingerprint != third.fingerprint, kind
        assert first.content_hash == second.content_hash != third.content_hash, kind


def test_the_level_of_the_wanted_size_is_taken(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    path = containers.write_tfrecords(tmp_path / "records", images, None)
    means = images.reshape(3, 8, 2, 8, 2, 3).mean(axis=(2, 4))
    small = open_dataset(path, size=(8, 8))
    np.testing.assert_array_equal(all_pixels(small), np.rint(means))
    assert "photos-r03.tfrecords" in small.recognized
    np.testing.assert_array_equal(all_pixels(open_dataset(path)), images)
    np.testing.assert_array_equal(
        all_pixels(open_dataset(path / "photos-r03.tfrecords")), np.rint(means)
    )
    assert open_dataset(path, size=(32, 32)).pixels(0).shape == (3, 32, 32)


def test_records_may_lie_in_several_parts(tmp_path, images):
    payloads = [containers.pixel_example(one) for one in images]
    for part in range(3):
        name = f"train.tfrecord-0000{part}-of-00003"
        containers.write_records(tmp_path / name, payloads[4 * part : 4 * part + 4])
    np.testing.assert_array_equal(all_pixels(open_dataset(tmp_path)), images)
    (tmp_path / "train.tfrecord-00001-of-00003").unlink()
    assert "train.tfrecord-00001-of-00003 is missing" in message(tmp_path)


@pytest.mark.parametrize("channels", [1, 4])
def test_gray_and_transparent_images(tmp_path, channels):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 8, 8, channels), dtype=np.uint8)
    np.save(tmp_path / "a.npy", images)
    data = open_dataset(tmp_path / "a.npy", channels=channels)
    np.testing.assert_array_equal(all_pixels(data), images)


@pytest.mark.parametrize("write", [containers.write_cifar, containers.write_binary_cifar])
def test_cifar(tmp_path, write):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (11, 32, 32, 3), dtype=np.uint8)
    classes, names = np.arange(11) % 10, [f"kind{i}" for i in range(10)]
    folder = write(tmp_path / "cifar-10", images, classes, names)
    data = open_dataset(folder)
    np.testing.assert_array_equal(all_pixels(data), images[:10])
    assert data.class_names == tuple(names)
    assert [int(data.label(i).argmax()) for i in range(10)] == list(range(10))
    everything = open_dataset(folder, options=ReadOptions(split="all"))
    np.testing.assert_array_equal(all_pixels(everything), images)
    with tarfile.open(tmp_path / "cifar-10.tar.gz", "w:gz") as tar:
        tar.add(folder, "cifar-10-batches")
    packed = open_dataset(tmp_path / "cifar-10.tar.gz")
    assert packed.fingerprint == data.fingerprint and packed.recognized == data.recognized


def test_a_pickle_that_would_run_something_is_refused(tmp_path):
    images = np.zeros((11, 32, 32, 3), np.uint8)
    names = list("abcdefghij")
    folder = containers.write_cifar(tmp_path / "c", images, np.arange(11) % 10, names)
    (folder / "data_batch_3").write_bytes(pickle.dumps({b"data": Path.cwd}))
    assert "data_batch_3 cannot be read: asks for" in message(folder)
    (folder / "data_batch_3").unlink()
    assert "holds data_batch_1" in message(folder)


@pytest.mark.parametrize("packed", [False, True])
def test_mnist(tmp_path, packed):
    images = np.random.default_rng(0).integers(0, 256, (11, 28, 28), dtype=np.uint8)
    folder = containers.write_mnist(tmp_path / "raw", images, np.arange(11) % 10, packed=packed)
    data = open_dataset(folder)
    assert (data.size, data.channels, len(data)) == ((32, 32), 1, 10)
    padded = np.pad(images[:10], ((0, 0), (2, 2), (2, 2)))
    np.testing.assert_array_equal(all_pixels(data)[..., 0], padded)
    assert [int(data.label(i).argmax()) for i in range(10)] == list(range(10))
    assert len(open_dataset(folder, options=ReadOptions(split="test"))) == 1
    file = next(folder.glob("train-images*"))
    assert open_dataset(file).fingerprint == data.fingerprint
    file.write_bytes(file.read_bytes()[:-100])
    assert "train-images" in message(folder)


def test_samples_of_several_images_give_the_main_one(tmp_path, images):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for number, pixels in enumerate(images):
            add_member(tar, f"{number:03d}.png", png(pixels))
            add_member(tar, f"{number:03d}.mask.png", png(255 - pixels))
    data = open_dataset(tmp_path / "a.tar")
    np.testing.assert_array_equal(all_pixels(data), images)
    assert "the .png of each sample without its other images" in data.recognized
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        for number, pixels in enumerate(images):
            add_member(tar, f"photo.{number:03d}.png", png(pixels))
    np.testing.assert_array_equal(all_pixels(open_dataset(tmp_path / "b.tar")), images)


def test_shards_with_equal_names_and_folders_as_classes(tmp_path, images):
    for shard in range(2):
        with tarfile.open(tmp_path / f"{shard}.tar", "w") as tar:
            for number in range(4):
                add_member(tar, f"./{'ab'[number % 2]}/{number}.png", png(images[number]))
    data = open_dataset(tmp_path)
    assert len(data) == 8 and data.class_names == ("a", "b")


def test_damaged_records_are_named(tmp_path, images):
    path = containers.write_tfrecords(tmp_path / "records", images, None)
    file = path / "photos-r03.tfrecords"
    whole = bytearray(file.read_bytes())
    length = len(whole) // COUNT

    def damage(position: int) -> None:
        changed = bytearray(whole)
        changed[position] ^= 1
        file.write_bytes(changed)

    damage(4 * length + 100)
    assert "record 4 of photos-r03.tfrecords does not fit its checksum" in message(path)
    assert [one.name for one in check_data(path).bad_images] == ["00000004.ppm"]
    assert len({i.tobytes() for i in all_pixels(open_dataset(path, skip_bad=True))}) == COUNT - 1
    damage(4 * length)
    assert "record 4, at byte" in message(path) and "length does not fit" in message(path)
    file.write_bytes(whole[: 7 * length + 20])
    assert f"{file}: is cut short in record 7" in message(path)
    file.write_bytes(b"")
    assert "holds no records" in message(path)


def test_records_of_two_sizes_or_without_an_image_are_refused(tmp_path, images):
    small = [containers.pixel_example(one[:4, :4]) for one in images]
    large = [containers.pixel_example(one) for one in images]
    path = containers.write_records(tmp_path / "a.tfrecords", [*large, *small])
    assert f"record {COUNT} has" in message(path) and "two sizes" in message(path)
    containers.write_records(path, [containers.example(text=b"hello", number=[1])])
    assert "its features are: number, text" in message(path)
    containers.write_records(path, [b"no example"])
    assert "record 0: no tf.train.Example" in message(path)


def test_labels_must_fit(tmp_path, images, classes):
    path = containers.write_tfrecords(tmp_path / "records", images, classes[:-1])
    assert "has labels for 11 images, where the TFRecords hold 12" in message(path)
    np.savez(tmp_path / "a.npz", images=images, labels=classes[:-1])
    assert "labels holds 11 labels for 12 images" in message(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", images)
    np.save(tmp_path / "a_labels.npy", classes[:-1])
    assert "a_labels.npy: holds 11 labels for 12 images" in message(tmp_path / "a.npy")


def test_a_missing_shard_is_named(tmp_path, images):
    path = containers.write_shards(tmp_path / "shards", images, None)
    (path / "photos-000001.tar").unlink()
    assert "the shard photos-000001.tar is missing" in message(path)
    assert len(open_dataset(path, skip_bad=True)) == 7
    (path / "index.json").unlink()
    assert "the shard photos-000001.tar is missing" in message(path)


def test_missing_parts():
    assert missing_parts(["a-00.tar", "a-01.tar"]) == []
    assert missing_parts(["a-2-07.tar", "a-2-10.tar"]) == ["a-2-08.tar", "a-2-09.tar"]
    assert missing_parts(["a-1-of-3.tar"]) == ["a-0-of-3.tar", "a-2-of-3.tar"]
    assert missing_parts(["cats.tar", "dogs.tar"]) == missing_parts(["a1.tar", "b3.tar"]) == []


def test_a_truncated_shard_is_named(tmp_path, images):
    path = containers.write_shards(tmp_path / "shards", images, None)
    shard = path / "photos-000001.tar"
    whole = shard.read_bytes()
    with tarfile.open(shard) as tar:
        last = tar.getmembers()[-1]
    for size in (len(whole) // 3, last.offset_data + 10, last.offset_data + 512, 100, 0):
        shard.write_bytes(whole[:size])
        assert str(shard) in message(path), size


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "x/../../a.png", "C:\\a.png"])
def test_a_tar_with_names_outside_is_refused(tmp_path, images, name):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        add_member(tar, name, png(images[0]))
    assert "points outside the archive" in message(tmp_path / "a.tar")


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((3, 8, 8, 3), np.float32), "holds images of float32"),
        (np.zeros((3, 5), np.uint8), r"holds an array of shape (3, 5)"),
        (np.zeros((3, 8, 8, 2), np.uint8), r"holds an array of shape (3, 8, 8, 2)"),
        (np.zeros((0, 8, 8, 3), np.uint8), "holds no images"),
        (np.array([{}]), "holds Python objects"),
    ],
)
def test_arrays_that_are_no_images_are_refused(tmp_path, array, reason):
    np.save(tmp_path / "a.npy", array)
    assert reason in message(tmp_path / "a.npy")


def test_damaged_arrays_are_refused(tmp_path, images):
    np.save(tmp_path / "a.npy", images)
    np.savez(tmp_path / "b.npz", images=images)
    np.savez_compressed(tmp_path / "c.npz", images=images)
    for path in sorted(tmp_path.iterdir()):
        path.write_bytes(path.read_bytes()[:-300])
        assert str(path) in message(path)


def test_a_compressed_tar_is_refused_with_advice(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz"):
        pass
    assert "decompress it to a .tar" in message(tmp_path / "a.tar.gz")


def test_a_part_that_is_not_there_is_refused(tmp_path, images):
    path = containers.write_packed_npz(tmp_path / "a", images, None)
    test = open_dataset(path, options=ReadOptions(split="test"))
    np.testing.assert_array_equal(all_pixels(test), 255 - images)
    assert "its parts are: test, train" in message(path, options=ReadOptions(split="val"))
    for kind in ("tfrecords", "shards", "npy"):
        path = CONTAINERS[kind](tmp_path / kind, images, None)
        assert "is not split" in message(path, options=ReadOptions(split="test"))


def test_a_folder_with_images_is_a_folder(tmp_path, images):
    write_folder(tmp_path / "a", images)
    np.save(tmp_path / "a" / "latents.npy", images)
    data = open_dataset(tmp_path / "a")
    assert len(data) == COUNT and data.recognized == ""
    assert data.archive.read("000000.png") == png(images[0])


def test_16_bit_gray_arrays_keep_their_range(tmp_path):
    values = np.arange(64, dtype=np.uint16).reshape(1, 8, 8) * 1040
    np.save(tmp_path / "a.npy", values)
    Image.fromarray(values[0]).save(tmp_path / "a.png")
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.png").rename(tmp_path / "folder" / "a.png")
    first, second = open_dataset(tmp_path / "a.npy"), open_dataset(tmp_path / "folder")
    np.testing.assert_array_equal(first.pixels(0), second.pixels(0))
