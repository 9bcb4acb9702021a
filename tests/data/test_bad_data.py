"""Data that cannot be used: each is one line that names the culprit and says what to do."""

import zipfile

import numpy as np
import pytest

from stylesmith.data.dataset import open_dataset
from stylesmith.errors import DataError


def test_a_missing_path(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: there is no such folder or zip\."):
        open_dataset(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_nothing_inside(kind, make_folder, make_zip):
    path = make_folder({}) if kind == "folder" else make_zip({})
    with pytest.raises(DataError, match=r"photos\S*: is empty\. Wanted PNG, JPEG or WebP"):
        open_dataset(path)


def test_no_images_inside_says_what_is(make_folder):
    folder = make_folder({"a.txt": b"a", "b.txt": b"b", "c.heic": b"c", "README": b"d"})
    with pytest.raises(DataError, match=r"holds no images, only 2 \.txt, .*1 without suffix"):
        open_dataset(folder)


def test_a_file_that_is_no_zip(tmp_path, make_image):
    (tmp_path / "a.png").write_bytes(make_image(0))
    with pytest.raises(DataError, match="is neither a folder nor a zip"):
        open_dataset(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "x/../../a.png", "C:\\a.png"])
def test_a_zip_with_names_that_leave_it(make_zip, make_image, name):
    with pytest.raises(DataError, match="points outside the archive"):
        open_dataset(make_zip({"good.png": make_image(0), name: make_image(1)}))


def test_bad_files_are_listed_together_or_left_out(make_image, make_folder):
    whole = make_image(1, ".jpg", size=(64, 64))
    folder = make_folder(
        {
            "cut.jpg": whole[: len(whole) * 2 // 3],
            "cut.png": make_image(3)[:-200],
            "cut.webp": make_image(4, ".webp")[:-20],
            "empty.png": b"",
            "good.png": make_image(0),
            "text.png": b"this is text",
        }
    )
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder}: 5 of 6 images cannot be read: ")
    assert "'cut.jpg' (cut short)" in message
    assert "'empty.png' (empty file)" in message
    assert "'text.png' (not a PNG, JPEG or WebP image)" in message
    assert "'cut.png' (" in message and "'cut.webp' (" in message
    assert message.endswith("or leave them out with --skip-bad.")
    assert "\n" not in message

    data = open_dataset(folder, skip_bad=True)
    assert data.names == ["good.png"]
    assert [name for name, _ in data.skipped] == [
        "cut.jpg",
        "cut.png",
        "cut.webp",
        "empty.png",
        "text.png",
    ]


def test_nothing_but_bad_files_is_an_error_even_when_skipping(make_folder):
    folder = make_folder({f"{i}.png": b"" for i in range(7)})
    with pytest.raises(DataError, match=r"7 of 7 images cannot be read: .* and 2 more") as caught:
        open_dataset(folder, skip_bad=True)
    assert "--skip-bad" not in str(caught.value)


def test_more_bytes_after_the_end_of_a_jpeg_do_no_harm(make_image, make_folder):
    whole = make_image(0, ".jpg")
    data = open_dataset(
        make_folder({"near.jpg": whole + b"x" * 100, "far.jpg": whole + b"x" * 9000})
    )
    np.testing.assert_array_equal(data.pixels(0), data.pixels(1))


def test_several_sizes_are_refused_with_the_command_that_helps(make_image, make_folder):
    folder = make_folder(
        {"a.png": make_image(0, size=(40, 70)), "b.png": make_image(1, size=(64, 64))}
    )
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    assert "2 sizes, such as 70x40 in 'a.png' and 64x64 in 'b.png'" in str(caught.value)
    assert f"`stylesmith data prepare {folder} out.zip --resolution 64`" in str(caught.value)
    assert open_dataset(folder, size=(32, 32)).pixels(0).shape == (3, 32, 32)


def test_a_size_that_no_network_has_is_refused_with_the_command_that_helps(make_image, make_folder):
    folder = make_folder({"a.png": make_image(0, size=(100, 100))})
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    assert f"{folder}: no network fits images such as 'a.png': size 100x100" in str(caught.value)
    assert "--resolution 64`" in str(caught.value)


def damaged_png(data: bytes) -> bytes:
    """Whole at both ends, with other bytes in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes(200) + data[middle + 200 :]


def test_damage_inside_names_the_file_when_it_is_read(make_image, make_folder):
    data = open_dataset(make_folder({"a.png": make_image(0), "b.png": damaged_png(make_image(1))}))
    assert data.pixels(0).shape == (3, 32, 32)
    for _ in range(2):
        with pytest.raises(DataError, match=r"photos: 'b\.png' cannot be read: .*--skip-bad"):
            data.pixels(1)


def test_damage_inside_is_replaced_by_the_next_good_image_and_its_label(make_image, make_folder):
    bad = damaged_png(make_image(1))
    folder = make_folder({"x/a.png": make_image(0), "y/b.png": bad, "y/c.png": bad})
    data = open_dataset(folder, skip_bad=True)
    for index in (1, 2, 1):
        pixels, label = data.image_and_label(index)
        np.testing.assert_array_equal(pixels, data.pixels(0))
        np.testing.assert_array_equal(label, [1, 0])
    assert sorted(name for name, _ in data.skipped) == ["y/b.png", "y/c.png"]


def test_damage_everywhere_is_an_error_even_when_skipping(make_image, make_folder):
    data = open_dataset(make_folder({"a.png": damaged_png(make_image(0))}), skip_bad=True)
    with pytest.raises(DataError, match="every one of the 1 images is damaged"):
        data.pixels(0)


def test_a_damaged_zip_entry_is_named(make_image, make_zip):
    path = make_zip({"a.png": make_image(0), "b.png": make_image(1)})
    content = bytearray(path.read_bytes())
    place = content.index(make_image(1)) + 1000
    content[place : place + 4] = bytes(byte ^ 255 for byte in content[place : place + 4])
    path.write_bytes(content)
    data = open_dataset(path)
    with pytest.raises(DataError, match=r"'b\.png' cannot be read: damaged inside the zip"):
        data.pixels(1)


@pytest.mark.parametrize("place", [42, 24])
@pytest.mark.parametrize("value", [2**31, 2**32 - 1])
def test_a_zip_whose_table_of_contents_is_wrong(make_image, make_zip, place, value):
    """Places and sizes beyond the file; those of the zip library itself are moved by them."""
    path = make_zip({f"{i}.png": make_image(i) for i in range(2)})
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\1\2") + place
    content[start : start + 4] = value.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(DataError):
        open_dataset(path)


def test_a_negative_place_in_a_zip_is_damage(make_image, make_zip):
    path = make_zip({"a.png": make_image(0)})
    content = bytearray(path.read_bytes())
    content[-6:-2] = (len(content) + 100).to_bytes(4, "little")  # where the table should begin
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"neither a folder nor a zip|damaged inside the zip"):
        open_dataset(path)


def test_a_zip_entry_that_unpacks_to_gigabytes(make_image, make_zip, monkeypatch):
    monkeypatch.setattr("stylesmith.data.archive.MAX_BYTES", 10_000)
    bomb = make_image(0) + bytes(100_000)
    path = make_zip({"a.png": make_image(0), "b.png": bomb}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=r"'b\.png' \(would unpack to .* the limit of 1 GiB"):
        open_dataset(path)


def test_a_zip_with_a_password(make_image, make_zip):
    path = make_zip({"a.png": make_image(0)})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1  # the flag in the table of contents
    path.write_bytes(content)
    with pytest.raises(DataError, match="locked with a password"):
        open_dataset(path)
