"""Attributes come from three kinds of lists and belong to images by name."""

import json

import numpy as np
import pytest

from stylesmith.data.dataset import open_dataset
from stylesmith.errors import DataError, UsageError
from stylesmith.metrics.attributes import Attributes, read_attributes
from tests.support import make_photos

CELEBA = """3
Male Smiling
000002.jpg -1  1
000000.jpg  1 -1
000001.jpg  1  1
"""
CSV = "image,Male,Smiling\n000002.png,0,1\n000000.png,1,false\n000001.png,TRUE,yes\n"
JSON = json.dumps(
    {
        "names": ["Male", "Smiling"],
        "images": ["class0/000000.png", "class0/000001.png", "class0/000002.png"],
        "values": [[1, 0], [1, 1], [0, 1]],
        "options": [{}, {}, {}],
    }
)
WANTED = [[True, False], [True, True], [False, True]]


@pytest.fixture
def photos(tmp_path):
    folder = make_photos(tmp_path / "photos", count=3, classes=1)
    for path in sorted((folder / "class0").iterdir()):
        path.rename(path.with_name(f"000{path.name}"))
    return folder


@pytest.mark.parametrize(
    ("name", "content"),
    [("list_attr_celeba.txt", CELEBA), ("attributes.csv", CSV), ("attributes.json", JSON)],
)
@pytest.mark.parametrize("beside", [True, False])
def test_lists_are_read_in_the_order_of_the_images(photos, tmp_path, name, content, beside):
    path = (photos if beside else tmp_path) / name
    path.write_text(content)
    found = read_attributes(open_dataset(photos), None if beside else path)
    assert found.names == ["Male", "Smiling"]
    assert np.array_equal(found.values, WANTED)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is no list of attributes"),
        ("image\n000000.png\n", "names no attributes"),
        ("image,a,a\n000000.png,1,1\n", "an attribute is named twice"),
        ("image,a\n000000.png,1,1\n", "'000000.png' has 2 values, wanted 1"),
        ("image,a\n000000.png,2\n", "'000000.png' has the value '2', wanted 1, 0 or -1"),
        ("image,a\n000000.png,1\n000000.png,0\n", "'000000.png' is listed twice"),
        ("image,a\n000000.png,1\n", "no attributes for 2 of 3 images, such as"),
        ("image,a\nx.png,1\ny.png,1\nz.png,0\n", "it lists 'x.png' and 2 more"),
    ],
)
def test_lists_that_do_not_fit_are_refused(photos, tmp_path, content, message):
    path = tmp_path / "list.csv"
    path.write_text(content)
    with pytest.raises(DataError) as error:
        read_attributes(open_dataset(photos), path)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("attributes.json", "[]"),
        ("attributes.json", "{"),
        ("attributes.json", '{"names": ["a"], "images": ["x"], "values": []}'),
        ("list_attr_celeba.txt", "2\na\n000000.jpg 1\n"),
        ("list_attr_celeba.txt", "many\na\n000000.jpg 1\n"),
    ],
)
def test_malformed_lists_are_one_line(photos, name, content):
    (photos / name).write_text(content)
    with pytest.raises(DataError, match="is no list of attributes") as error:
        read_attributes(open_dataset(photos))
    assert "\n" not in str(error.value)


def test_images_without_a_list_say_what_is_wanted(photos, tmp_path):
    with pytest.raises(DataError, match="holds no attributes"):
        read_attributes(open_dataset(photos))
    with pytest.raises(DataError, match="cannot be read"):
        read_attributes(open_dataset(photos), tmp_path / "missing.csv")


def test_names_that_two_images_share_are_not_guessed(tmp_path):
    photos = make_photos(tmp_path / "photos", count=2, classes=2)
    (photos / "class1" / "001.png").rename(photos / "class1" / "000.png")
    path = tmp_path / "list.csv"
    path.write_text("image,a\n000.png,1\n")
    with pytest.raises(DataError):
        read_attributes(open_dataset(photos), path)
    path.write_text("image,a\nclass0/000.png,1\nclass1/000.png,0\n")
    assert read_attributes(open_dataset(photos), path).values.tolist() == [[True], [False]]


def test_some_of_the_attributes_in_the_order_of_their_names():
    found = Attributes(["a", "b", "c"], np.array([[True, False, False], [True, True, False]]))
    some = found.select(["c", "a"])
    assert some.names == ["c", "a"]
    assert some.values.tolist() == [[False, True], [False, True]]
    with pytest.raises(UsageError, match="attribute 'bb': not in the list; did you mean 'b'"):
        found.select(["bb"])
