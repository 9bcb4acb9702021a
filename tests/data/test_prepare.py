"""A prepared zip holds the images that were asked for, their labels, and how it was made."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from stylesmith.data.dataset import open_dataset
from stylesmith.data.decode import center_crop_box, crop_and_resize
from stylesmith.data.prepare import prepare_dataset
from stylesmith.errors import ConfigError, DataError, OutputError, UsageError


def damaged(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(200) + data[middle + 200 :]


def manifest_of(path) -> dict:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("stylesmith.json"))


def labels_of(path) -> list | None:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("dataset.json"))["labels"]


@pytest.mark.parametrize(
    ("size", "wanted", "box"),
    [
        ((100, 100), (32, 32), (0, 0, 100, 100)),
        ((100, 200), (32, 32), (50, 0, 150, 100)),
        ((200, 100), (32, 32), (0, 50, 100, 150)),
        ((400, 512), (384, 512), (0, 8, 512, 392)),
        ((1, 1000), (1024, 8), (499, 0, 500, 1)),
    ],
)
def test_the_crop_is_the_largest_centered_one_of_the_wanted_shape(size, wanted, box):
    assert center_crop_box(size, wanted) == box


def test_filters_differ_and_box_is_the_mean_of_blocks():
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    means = pixels.reshape(8, 2, 8, 2).mean((1, 3))
    boxed = np.asarray(crop_and_resize(Image.fromarray(pixels), (8, 8), "box"))
    assert np.abs(boxed - means).max() <= 1  # rounded once per direction
    sharp = np.asarray(crop_and_resize(Image.fromarray(pixels), (8, 8), "lanczos"))
    assert np.abs(sharp - means).max() > 5


def test_prepared_data_equals_the_source_read_at_that_size(make_image, make_folder, tmp_path):
    folder = make_folder(
        {
            "dogs/a.jpg": make_image(0, ".jpg", size=(70, 50)),
            "cats/b.png": make_image(1, size=(40, 90)),
            "dogs/c.webp": make_image(2, ".webp", size=(33, 33)),
        }
    )
    told = []
    done = prepare_dataset(
        folder, tmp_path / "out.zip", size=(32, 48), on_progress=lambda *now: told.append(now)
    )
    assert (done.count, done.size, done.channels, done.label_size) == (3, (32, 48), 3, 2)
    assert done.class_names == ["cats", "dogs"]
    assert done.enlarged == 1  # the crop of 33x33 is 33x22
    assert told[-1] == (3, 3)
    source, data = open_dataset(folder, size=(32, 48)), open_dataset(done.path)
    assert data.names == [f"00000/img0000000{i}.png" for i in range(3)]
    assert (data.size, data.channels, data.labels.class_names) == ((32, 48), 3, ["cats", "dogs"])
    for index in range(3):
        np.testing.assert_array_equal(data.pixels(index), source.pixels(index))
        np.testing.assert_array_equal(data.label(index), source.label(index))


def test_the_manifest_says_how_it_was_made(make_image, make_folder, tmp_path):
    folder = make_folder({"a.png": make_image(0, size=(50, 70)), "bad.png": b""})
    done = prepare_dataset(folder, tmp_path / "out.zip", size=(16, 16), filter="box", skip_bad=True)
    manifest = manifest_of(done.path)
    assert manifest.pop("pillow")
    assert manifest == {
        "version": 1,
        "size": [16, 16],
        "channels": 3,
        "count": 1,
        "class_names": None,
        "source": "photos",
        "picture": [16, 16],
        "filter": "box",
        "crop": "center",
        "skipped": [["bad.png", "empty file"]],
    }
    with zipfile.ZipFile(done.path) as archive:
        assert archive.getinfo("00000/img00000000.png").compress_type == zipfile.ZIP_STORED


def test_the_same_source_gives_the_same_bytes(make_image, make_folder, tmp_path):
    folder = make_folder({f"{i}.png": make_image(i) for i in range(20)})
    paths = [prepare_dataset(folder, tmp_path / f"{i}.zip", size=(8, 8)).path for i in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    "labels", [[["a.png", 4], ["b.png", 1]], [["a.png", [0.5, 1.0]], ["b.png", [0.0, 0.0]]], None]
)
def test_labels_are_carried_over_as_they_were(
    make_image, make_folder, labels_file, tmp_path, labels
):
    content = {"a.png": make_image(0), "b.png": make_image(1), "dataset.json": labels_file(labels)}
    done = prepare_dataset(make_folder(content), tmp_path / "out.zip", size=(8, 8))
    expected = labels and [
        [f"00000/img0000000{i}.png", label] for i, (_, label) in enumerate(labels)
    ]
    assert labels_of(done.path) == expected


def test_max_images_takes_an_even_spread_and_keeps_all_classes(make_image, make_folder, tmp_path):
    content = {f"{c}/{i}.png": make_image(i, size=(8, 8)) for c in "abc" for i in range(4)}
    done = prepare_dataset(make_folder(content), tmp_path / "out.zip", size=(8, 8), max_images=4)
    assert [label for _, label in labels_of(done.path)] == [0, 0, 1, 2]
    data = open_dataset(
        prepare_dataset(done.path, tmp_path / "one.zip", size=(8, 8), max_images=1).path
    )
    assert (len(data), data.label_size, data.labels.class_names) == (1, 3, ["a", "b", "c"])


def test_channels_are_converted(make_folder, tmp_path):
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 51)).save(buffer, "PNG")
    folder = make_folder({"a.png": buffer.getvalue()})
    colors = []
    for channels in (1, 3, 4):
        done = prepare_dataset(folder, tmp_path / f"{channels}.zip", size=(8, 8), channels=channels)
        data = open_dataset(done.path)
        assert data.channels == channels
        colors.append(data.pixels(0)[:, 0, 0].tolist())
    assert colors == [[204], [204, 204, 204], [0, 0, 0, 51]]


def test_a_zip_changed_by_hand_is_scanned_again(make_image, make_folder, tmp_path):
    folder = make_folder({"a.png": make_image(0)})
    done = prepare_dataset(folder, tmp_path / "out.zip", size=(8, 8))
    with zipfile.ZipFile(done.path, "a") as archive:
        archive.writestr("00000/more.png", make_image(1, size=(16, 16)))
    with pytest.raises(DataError, match="2 sizes"):
        open_dataset(done.path)


# What cannot be done, leaving nothing behind


def assert_nothing_new(tmp_path):
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_bad_images_stop_it_or_are_left_out(make_image, make_folder, tmp_path):
    folder = make_folder(
        {"a.png": make_image(0), "b.png": damaged(make_image(1)), "c.png": make_image(2)}
    )
    with pytest.raises(DataError, match=r"photos: 'b\.png' cannot be read: .*--skip-bad"):
        prepare_dataset(folder, tmp_path / "out.zip", size=(8, 8))
    (folder / "d.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 of 4 images cannot be read: 'd\.png' \(empty file\)"):
        prepare_dataset(folder, tmp_path / "out.zip", size=(8, 8))
    assert_nothing_new(tmp_path)
    done = prepare_dataset(folder, tmp_path / "out.zip", size=(8, 8), skip_bad=True)
    assert done.count == 2
    assert sorted(name for name, _ in done.skipped) == ["b.png", "d.png"]
    assert [name for name, _ in manifest_of(done.path)["skipped"]] == ["d.png", "b.png"]


def test_nothing_but_damage_is_an_error_even_when_skipping(make_image, make_folder, tmp_path):
    folder = make_folder({"a.png": damaged(make_image(0))})
    with pytest.raises(DataError, match="every one of its images is damaged"):
        prepare_dataset(folder, tmp_path / "out.zip", size=(8, 8), skip_bad=True)
    assert_nothing_new(tmp_path)


def test_an_interrupt_leaves_nothing(make_image, make_folder, tmp_path):
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    folder = make_folder({f"{i}.png": make_image(i) for i in range(30)})
    with pytest.raises(KeyboardInterrupt):
        prepare_dataset(folder, tmp_path / "out.zip", size=(8, 8), on_progress=interrupt)
    assert_nothing_new(tmp_path)


def test_existing_output_stays_unless_forced(make_image, make_folder, tmp_path):
    folder = make_folder({"a.png": make_image(0)})
    out = tmp_path / "out.zip"
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"out\.zip: exists already.*--force"):
        prepare_dataset(folder, out, size=(8, 8))
    with pytest.raises(DataError):
        prepare_dataset(tmp_path / "nowhere", out, size=(8, 8), force=True)
    assert out.read_bytes() == b"mine"
    prepare_dataset(folder, out, size=(8, 8), force=True)
    assert len(open_dataset(out)) == 1


def test_output_that_cannot_be_written(make_image, make_folder, tmp_path):
    folder = make_folder({"a.png": make_image(0)})
    with pytest.raises(OutputError, match=r"a\.png/out\.zip: cannot be written"):
        prepare_dataset(folder, folder / "a.png" / "out.zip", size=(8, 8))
    with pytest.raises(OutputError, match="training data is written as a zip"):
        prepare_dataset(folder, tmp_path / "out", size=(8, 8))
    done = prepare_dataset(folder, tmp_path / "out.zip", size=(8, 8))
    with pytest.raises(OutputError, match="is the source itself"):
        prepare_dataset(done.path, done.path, size=(8, 8), force=True)


def test_numbers_that_make_no_sense(make_image, make_folder, tmp_path):
    folder = make_folder({"a.png": make_image(0)})
    with pytest.raises(ConfigError, match="100x100"):
        prepare_dataset(folder, tmp_path / "out.zip", size=(100, 100))
    with pytest.raises(UsageError, match="--max-images 0: wanted at least 1"):
        prepare_dataset(folder, tmp_path / "out.zip", size=(8, 8), max_images=0)
    assert_nothing_new(tmp_path)


def test_a_picture_may_stand_between_black_bars(make_folder, make_image, tmp_path):
    source = make_folder({"a.png": make_image(0, size=(48, 64))})
    prepare_dataset(source, tmp_path / "plain.zip", size=(48, 64))
    prepare_dataset(source, tmp_path / "bars.zip", size=(64, 64), content_size=(48, 64))
    plain = open_dataset(tmp_path / "plain.zip").pixels(0)
    image = open_dataset(tmp_path / "bars.zip").pixels(0)
    assert (image[:, 8:56] == plain).all()
    assert (image[:, :8] == 0).all() and (image[:, 56:] == 0).all()


def test_a_picture_larger_than_the_image_is_refused(make_folder, make_image, tmp_path):
    source = make_folder({"a.png": make_image(0)})
    with pytest.raises(UsageError, match="--picture 64x16: wanted at most the image's 32x32"):
        prepare_dataset(source, tmp_path / "x.zip", size=(32, 32), content_size=(16, 64))
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.parametrize("kind", ["16 bits gray", "8 bits gray", "8 bits color", "with alpha"])
def test_stretching_makes_the_least_value_black_and_the_greatest_white(kind, tmp_path):
    folder, out = tmp_path / "raw", tmp_path / "out.zip"
    folder.mkdir()
    ramp = np.arange(64 * 64).reshape(64, 64)
    if kind == "16 bits gray":
        image = Image.fromarray((ramp + 100).astype(np.uint16))
    else:
        image = Image.fromarray((ramp // 256 + 10).astype(np.uint8))
        if kind == "8 bits color":
            image = image.convert("RGB")
        elif kind == "with alpha":
            image = Image.merge("LA", [image, Image.new("L", image.size, 255)])
    image.save(folder / "a.png")
    plain = prepare_dataset(folder, out, size=(64, 64))
    assert "Add --stretch to use the whole range" in " ".join(plain.notes)
    assert open_dataset(out).pixels(0).max() < 30
    done = prepare_dataset(folder, out, size=(64, 64), stretch=True, force=True)
    pixels = open_dataset(out).pixels(0)
    assert done.notes == []
    assert (pixels.min(), pixels.max()) == (0, 255)
    step = 1 if kind == "16 bits gray" else 17
    assert set(np.unique(pixels)) == set(range(0, 256, step))
    low, high = manifest_of(out)["value_range"]
    assert (low, high) == ((100, 4195) if kind == "16 bits gray" else (2570, 25 * 257))


def test_stretching_is_the_same_for_all_images(tmp_path):
    folder, out = tmp_path / "raw", tmp_path / "out.zip"
    folder.mkdir()
    for name, value in {"a": 0, "b": 2048, "c": 4096}.items():
        Image.fromarray(np.full((32, 32), value, np.uint16)).save(folder / f"{name}.png")
    prepare_dataset(folder, out, size=(32, 32), stretch=True)
    assert [open_dataset(out).pixels(i).max() for i in range(3)] == [0, 128, 255]
