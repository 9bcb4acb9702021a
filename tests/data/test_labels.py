"""Labels from `dataset.json` and from subfolders, and everything that can be wrong with them."""

import numpy as np
import pytest

from stylesmith.data.dataset import open_dataset
from stylesmith.errors import DataError


def rows(data) -> list[list[float]]:
    return [data.label(i).tolist() for i in range(len(data))]


def test_classes_become_one_hot(make_folder, make_image, labels_file):
    labels = labels_file([["b.png", 2], ["a.png", 0]])
    data = open_dataset(
        make_folder({"a.png": make_image(0), "b.png": make_image(1), "dataset.json": labels})
    )
    assert data.label_size == 3
    assert data.label(0).dtype == np.float32
    assert rows(data) == [[1, 0, 0], [0, 0, 1]]


def test_lists_are_taken_as_they_are(make_folder, make_image, labels_file):
    labels = labels_file([["a.png", [1, 0.5]], ["b.png", [0, 1]]])
    data = open_dataset(
        make_folder({"a.png": make_image(0), "b.png": make_image(1), "dataset.json": labels})
    )
    assert rows(data) == [[1, 0.5], [0, 1]]


@pytest.mark.parametrize("top", ["", "wrapped/"])
def test_subfolders_are_classes_and_a_wrapping_folder_is_not(make_zip, make_image, top):
    content = {
        f"{top}dogs/1.png": make_image(0),
        f"{top}cats/deep/2.png": make_image(1),
        f"{top}dogs/0.png": make_image(2),
    }
    data = open_dataset(make_zip(content))
    assert data.labels.class_names == ["cats", "dogs"]
    assert rows(data) == [[1, 0], [0, 1], [0, 1]]


@pytest.mark.parametrize(
    "names",
    [
        ["all/a.png", "all/b.png"],
        ["a.png", "cats/b.png"],
        ["00000/img00000999.png", "00001/img00001000.png"],
    ],
    ids=["one folder", "an image beside the folders", "numbered folders"],
)
def test_these_folders_are_no_classes(make_zip, make_image, names):
    data = open_dataset(make_zip({name: make_image(0) for name in names}))
    assert data.label_size == 0 and data.labels is None


def test_null_means_no_labels_whatever_the_folders(make_zip, make_image, labels_file):
    content = {
        "x/a.png": make_image(0),
        "y/b.png": make_image(1),
        "dataset.json": labels_file(None),
    }
    assert open_dataset(make_zip(content)).label_size == 0


def test_labels_may_lie_in_the_wrapping_folder(make_zip, make_image, labels_file):
    labels = labels_file([["x/a.png", 1], ["y\\b.png", 0]])
    content = {"w/x/a.png": make_image(0), "w/y/b.png": make_image(1), "w/dataset.json": labels}
    assert rows(open_dataset(make_zip(content))) == [[0, 1], [1, 0]]


def test_bad_images_that_are_left_out_may_be_labeled(make_folder, make_image, labels_file):
    labels = labels_file([["a.png", 1], ["bad.png", 0]])
    folder = make_folder({"a.png": make_image(0), "bad.png": b"", "dataset.json": labels})
    assert rows(open_dataset(folder, skip_bad=True)) == [[0, 1]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([["a.png", 0]], r"has no label for 1 of 2 images, such as 'b\.png'"),
        (
            [["a.png", 0], ["b.png", 1], ["c.png", 1]],
            r"labels 1 files .* such as 'c\.png'",
        ),
        ([["a.png", 0], ["b.png", 1], ["b.png", 2]], r"labels 'b\.png' twice"),
        ([["a.png", 0], ["b.png", -1]], r"label -1; classes count from 0"),
        ([["a.png", 0], ["b.png", 10**12]], r"holds the label 1000000000000; classes count"),
        ([["a.png", 0], ["b.png", [1]]], r"gives 'a\.png' the label 0; wanted"),
        ([["a.png", 0], ["b.png", 1.5]], r"gives 'a\.png' the label 0; wanted"),
        ([["a.png", True], ["b.png", False]], r"gives 'a\.png' the label true; wanted"),
        ([["a.png", [1, 2]], ["b.png", [1]]], r"lists of lengths \[1, 2\]"),
        ([["a.png", []], ["b.png", []]], r"gives 'a\.png' the label \[\]"),
        ([["a.png", [1e300]], ["b.png", [0]]], r"gives 'a\.png' the label \[1e\+300\]"),
        ([["a.png", ["x"]], ["b.png", ["y"]]], r"gives 'a\.png' the label"),
        ([["a.png", 0, 1], ["b.png", 1]], r"holds the entry \[\"a\.png\", 0, 1\]; wanted"),
        (["a.png"], r"holds the entry \"a\.png\"; wanted"),
        ({"a.png": 0}, r'"labels" is .*; wanted'),
    ],
)
def test_labels_that_do_not_fit_are_refused(make_folder, make_image, labels_file, labels, message):
    content = {"a.png": make_image(0), "b.png": make_image(1)}
    with pytest.raises(DataError, match=r"photos: dataset\.json.*" + message) as caught:
        open_dataset(make_folder({**content, "dataset.json": labels_file(labels)}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not valid JSON"),
        (b"\xff\xfe\x00", "is not valid JSON"),
        (b"", "is not valid JSON"),
        (b"[]", 'has no "labels"'),
        (b"{}", 'has no "labels"'),
    ],
)
def test_a_malformed_file_is_refused(make_folder, make_image, content, message):
    folder = make_folder({"a.png": make_image(0), "dataset.json": content})
    with pytest.raises(DataError, match=rf"photos: dataset\.json {message}"):
        open_dataset(folder)
