"""Folders and zips as other systems, programs and habits leave them."""

import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from stylesmith.config import DataConfig
from stylesmith.data.check import check_data
from stylesmith.data.dataset import open_dataset
from stylesmith.data.file_names import natural_key
from stylesmith.data.prepare import prepare_dataset
from stylesmith.data.recognition import open_archive
from stylesmith.errors import ConfigError, DataError

SYSTEM_FILES = [
    "__MACOSX/cats/._a.png",
    "cats/._a.png",
    "cats/.DS_Store",
    "cats/Thumbs.db",
    "cats/desktop.ini",
    "cats/@eaDir/a.png/thumb.jpg",
    "@eaDir/b.png",
    ".thumbnails/a.png",
    "dogs/.ipynb_checkpoints/a-checkpoint.png",
    "$RECYCLE.BIN/a.png",
    "#recycle/a.png",
]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_files_of_systems_are_neither_images_nor_classes(kind, make_folder, make_zip, make_image):
    images = {"cats/a.png": make_image(0), "dogs/b.png": make_image(1)}
    content = images | dict.fromkeys(SYSTEM_FILES, make_image(2))
    data = open_dataset(make_folder(content) if kind == "folder" else make_zip(content))
    assert data.names == ["cats/a.png", "dogs/b.png"]
    assert data.class_names == ("cats", "dogs")
    assert data.other_files == ""


@pytest.mark.parametrize("written", ["{}\\{}.png", "./{}/{}.png", ".\\{}\\{}.png", "{}//{}.png"])
def test_zip_names_of_other_programs_keep_classes_and_labels(
    written, make_zip, make_image, labels_file
):
    content = {written.format(c, i): make_image(i) for c in ("cats", "dogs") for i in range(2)}
    data = open_dataset(make_zip({"cats\\": b"", **content}))
    assert data.names == ["cats/0.png", "cats/1.png", "dogs/0.png", "dogs/1.png"]
    assert data.class_names == ("cats", "dogs")
    data.pixels(0)

    labels = [[name, index % 2] for index, name in enumerate(content)]
    data = open_dataset(make_zip({**content, "dataset.json": labels_file(labels)}))
    assert data.labels.values.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("is_flagged", [True, False])
def test_zip_names_in_utf8_are_read_with_and_without_the_flag(
    is_flagged, make_zip, make_image, monkeypatch
):
    """macOS writes UTF-8 without saying so."""
    path = make_zip({"Köln/a.png": make_image(0), "猫/b.png": make_image(1)})
    if not is_flagged:
        content = path.read_bytes()
        path.write_bytes(content.replace(b"\x00\x08\x00\x00", b"\x00\x00\x00\x00"))
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() != ["Köln/a.png", "猫/b.png"]
    data = open_dataset(path)
    assert data.class_names == ("Köln", "猫")
    data.pixels(0)


def test_zip_names_in_code_page_437_stay(tmp_path, make_image):
    path = tmp_path / "old.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("K?ln/a.png", make_image(0))
    path.write_bytes(path.read_bytes().replace(b"K?ln", b"K\x94ln"))
    assert list(open_archive(path).sizes) == ["Köln/a.png"]


def test_of_two_files_of_one_name_the_last_counts(tmp_path, make_image):
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/a.png", make_image(0))
        archive.writestr("x\\a.png", make_image(1))
    data = open_dataset(path)
    assert data.names == ["x/a.png"]
    with Image.open(io.BytesIO(make_image(1))) as image:
        np.testing.assert_array_equal(data.pixels(0).transpose(1, 2, 0), np.asarray(image))


def test_linked_folders_and_images_are_followed(make_folder, make_image, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.png").write_bytes(make_image(0))
    folder = make_folder({"dogs/b.png": make_image(1)})
    (folder / "cats").symlink_to(elsewhere)
    (folder / "dogs" / "c.png").symlink_to(elsewhere / "a.png")
    data = open_dataset(folder)
    assert data.names == ["cats/a.png", "dogs/b.png", "dogs/c.png"]
    assert data.class_names == ("cats", "dogs")


@pytest.mark.parametrize("target", [".", "..", "../..", "../cats", "/"])
def test_links_that_lead_back_end(make_folder, make_image, target):
    folder = make_folder({"cats/a.png": make_image(0)})
    (folder / "cats" / "loop").symlink_to(target)
    assert open_dataset(folder).names == ["cats/a.png"]


def test_links_between_two_folders_end(make_folder, make_image, tmp_path):
    folder = make_folder({"cats/a.png": make_image(0)})
    for name, other in (("one", "two"), ("two", "one")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "next").symlink_to(tmp_path / other)
    (folder / "cats" / "one").symlink_to(tmp_path / "one")
    assert open_dataset(folder).names == ["cats/a.png"]


@pytest.mark.parametrize("link", ["cats/dead.png", "dogs"])
def test_dead_links_are_named(make_folder, make_image, tmp_path, link):
    folder = make_folder({"cats/a.png": make_image(0), "notes.txt": b""})
    (folder / link).symlink_to(tmp_path / "gone")
    (folder / "old.txt").symlink_to(tmp_path / "gone")  # no image, so of no interest
    reason = f"a link to {tmp_path / 'gone'}, which does not exist"
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    assert f"1 of 2 images cannot be read: {link!r} ({reason})" in str(caught.value)
    assert open_dataset(folder, skip_bad=True).names == ["cats/a.png"]
    (finding,) = check_data(folder).bad_images
    assert (finding.name, finding.text) == (link, reason)


OTHER_KINDS = [".bmp", ".gif", ".tif", ".tiff", ".ppm", ".jfif", ".jpe", ".JPE"]


@pytest.mark.parametrize("suffix", [*OTHER_KINDS, ".avif"])
def test_images_of_other_kinds_are_read(suffix, make_folder, make_image):
    format_name = Image.registered_extensions().get(suffix.lower())
    if format_name is None:
        pytest.skip(f"this Pillow writes no {suffix}")
    image = Image.new("RGB", (32, 32), (250, 10, 10))
    buffer = io.BytesIO()
    image.save(buffer, format_name)
    whole = buffer.getvalue()
    folder = make_folder({f"a{suffix}": whole, "b.png": make_image(0)})
    data = open_dataset(folder)
    assert len(data) == 2
    red, green, blue = data.pixels(data.names.index(f"a{suffix}")).mean((1, 2))
    assert red > 240 and green < 20 and blue < 20
    (folder / f"a{suffix}").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(DataError, match=rf"1 of 2 images cannot be read: 'a\{suffix}'"):
        open_dataset(folder)


def test_files_that_are_left_out_are_counted(make_folder, make_image, tmp_path):
    content = {"a.png": make_image(0), "b.HEIC": b"x", "c.heic": b"x", "d.txt": b"x"}
    folder = make_folder(content)
    said = "Other files are ignored: 2 .heic, 1 .txt. Convert images among them to PNG or JPEG"
    assert open_dataset(folder).other_files.startswith(said)
    done = prepare_dataset(folder, tmp_path / "out.zip", size=(32, 32))
    assert done.notes[0].startswith(said)
    assert check_data(folder).advice[-1].startswith(said)
    assert open_dataset(done.path).other_files == ""


def test_numbers_in_class_folders_are_in_the_order_of_numbers(make_folder, make_image, tmp_path):
    names = ["10", "2", "0", "1", "11", "v9", "v10", "01"]
    folder = make_folder({f"{name}/a.png": make_image(i) for i, name in enumerate(names)})
    wanted = ("0", "01", "1", "2", "10", "11", "v9", "v10")
    assert open_dataset(folder).class_names == wanted
    done = prepare_dataset(folder, tmp_path / "out.zip", size=(32, 32))
    assert open_dataset(done.path).class_names == wanted
    assert sorted(["a2b10", "a2b9", "a10", ""], key=natural_key) == ["", "a2b9", "a2b10", "a10"]


def test_names_that_are_no_utf8(make_folder, make_image, tmp_path):
    folder = make_folder({"dogs/b.png": make_image(1)})
    strange = os.fsencode(folder) + b"/caf\xe9"
    try:
        os.mkdir(strange)
    except OSError:
        pytest.skip("this file system wants UTF-8")
    with open(strange + b"/\xff.png", "wb") as file:
        file.write(make_image(0))
    data = open_dataset(folder)
    assert data.class_names == (r"caf\xe9", "dogs")
    done = prepare_dataset(folder, tmp_path / "out.zip", size=(32, 32))
    assert open_dataset(done.path).class_names == (r"caf\xe9", "dogs")
    assert check_data(folder).bad_images == []


def test_a_run_on_a_folder_whose_path_is_no_utf8_is_refused_in_one_line():
    with pytest.raises(ConfigError, match=r"its name is not UTF-8.* `stylesmith data prepare`"):
        DataConfig(path="/photos/caf\udce9")
