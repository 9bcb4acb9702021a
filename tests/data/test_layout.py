"""Folders of well-known data sets: which images are taken, and which folders are classes."""

import json

import pytest

from stylesmith.data.dataset import open_dataset, open_training_data
from stylesmith.data.image_set import ReadOptions
from stylesmith.errors import DataError
from stylesmith.runs import make_data_config

FOLDERS = ReadOptions(labels="folders")


@pytest.fixture
def open_names(make_zip, make_image):
    """`open_names(names, **options)`: a zip whose images have these names, opened."""

    def open_them(names, **options):
        content = {name: make_image(0) for name in names if not name.endswith((".txt", ".json"))}
        content |= {name: b"{}" for name in names if name not in content}
        return open_dataset(make_zip(content), **options)

    return open_them


@pytest.mark.parametrize(
    "names",
    [
        ["00000/00000.png", "00000/00999.png", "03000/03123.png", "69000/69999.png"],
        ["images1024x1024/00000/00000.png", "images1024x1024/01000/01000.png"],
        ["0/0.jpg", "0/1999.jpg", "14/29999.jpg"],
        ["0000/1000.jpg", "0123/3123.jpg", "0999/2999.jpg"],
        ["ab/abcdef0123456789.jpg", "00/00cdef0123456789.jpg"],
        ["a/b/abcdef0123456789.jpg", "0/0/00cdef0123456789.jpg"],
        ["00000/img00000999.png", "00001/img00001000.png"],
    ],
    ids=["FFHQ", "FFHQ in a folder", "by 2000", "last digits", "hashes", "deep hashes", "our own"],
)
def test_folders_that_split_a_list_are_no_classes(open_names, names):
    data = open_names(names)
    assert data.labels is None and sorted(data.names) == sorted(names)
    assert "are no classes (--labels folders" in data.recognized
    assert data.recognized.count("\n") == 0
    overruled = open_names(names, options=FOLDERS)
    assert overruled.label_size > 1 and overruled.recognized == ""


@pytest.mark.parametrize(
    "names",
    [
        ["0/00001.png", "1/00002.png", "9/00003.png"],
        ["10/1.png", "20/2.png", "30/3.png"],
        ["1000/a.png", "2000/b.png"],
        ["100/1.png", "200/2.png"],
        ["cats/cats_1.png", "dogs/dogs_1.png"],
        ["ab/abc.png", "cd/cde.png"],
        ["masks/1.png", "no_masks/2.png"],
    ],
)
def test_other_folders_stay_classes(open_names, names):
    data = open_names(names)
    assert data.label_size == len(names) and data.recognized == ""


AFHQ = ["test/cat/1.png", "test/dog/2.png", "train/cat/3.png", "train/dog/4.png"]


def test_parts_are_no_classes_and_training_is_taken(open_names):
    data = open_names([f"afhq/{name}" for name in AFHQ])
    assert data.names == ["afhq/train/cat/3.png", "afhq/train/dog/4.png"]
    assert data.class_names == ("cat", "dog")
    assert "the part 'train' of test, train (--split takes another, or all)" in data.recognized


def test_another_part_or_all_can_be_taken(open_names):
    test = open_names(AFHQ, options=ReadOptions(split="test"))
    assert test.names == AFHQ[:2] and test.class_names == ("cat", "dog")
    everything = open_names(AFHQ, options=ReadOptions(split="all"))
    assert everything.names == AFHQ and everything.class_names == ("cat", "dog")
    assert [int(everything.label(i)[1]) for i in range(4)] == [0, 1, 0, 1]
    with pytest.raises(DataError, match="has no part 'val'; its parts are: test, train"):
        open_names(AFHQ, options=ReadOptions(split="val"))
    with pytest.raises(DataError, match="has no part 'train'; it is not split"):
        open_names(["a/1.png", "b/1.png"], options=ReadOptions(split="train"))
    assert open_names(AFHQ, options=FOLDERS).class_names == ("test", "train")


@pytest.mark.parametrize(
    ("names", "taken", "said"),
    [
        (
            ["CelebA-HQ-img/0.jpg", "CelebAMask-HQ-mask-anno/0/00000_hair.png"],
            ["CelebA-HQ-img/0.jpg"],
            "CelebAMask-HQ, 1 images",
        ),
        (
            ["images1024x1024/00000/00000.png", "thumbnails128x128/00000/00000.png"],
            ["images1024x1024/00000/00000.png"],
            "FFHQ, 1 images of images1024x1024/, without thumbnails128x128/",
        ),
        (["images/1.png", "unprocessed/2.png"], ["images/1.png"], "MetFaces"),
        (["images/1.jpg", "masks/1.png", "labels/1.png"], ["images/1.jpg"], "without labels/, mas"),
        (["train_img/1.jpg", "train_mask/1.png"], ["train_img/1.jpg"], "without train_mask/"),
        (["1.jpg", "1_mask.png", "2.jpg", "2_seg.png"], ["1.jpg", "2.jpg"], "2 masks, such as 1_m"),
    ],
)
def test_masks_and_thumbnails_are_left_out(open_names, names, taken, said):
    data = open_names(names)
    assert data.names == taken and data.labels is None
    assert said in data.recognized
    assert open_names(names, options=FOLDERS).names == sorted(names)


def test_labels_can_be_left_out(open_names):
    assert open_names(["a/1.png", "b/1.png"], options=ReadOptions(labels="none")).labels is None


def test_a_labels_file_overrules_what_is_recognized(make_zip, make_image, labels_file):
    labels = labels_file([[name, number] for number, name in enumerate(AFHQ)])
    content = {name: make_image(0) for name in AFHQ} | {"dataset.json": labels}
    data = open_dataset(make_zip(content))
    assert data.names == AFHQ and data.label_size == 4
    part = open_dataset(data.path, options=ReadOptions(split="train"))
    assert part.names == AFHQ[2:] and part.label(0).tolist() == [0, 0, 1, 0]


def test_runs_of_earlier_versions_keep_their_images_and_classes(make_zip, make_image):
    path = make_zip({name: make_image(i) for i, name in enumerate(AFHQ)})
    second = open_dataset(path, version=2)
    assert second.names == AFHQ and second.class_names == ("test", "train")
    assert second.fingerprint.startswith("2:") and second.recognized == ""
    assert reopened(second).fingerprint == second.fingerprint


def reopened(dataset):
    """The data as a run finds it that goes on."""
    config = make_data_config(
        dataset, conditional=False, mirror=False, skip_bad=False, resize=False
    )
    return open_training_data(type(config).model_validate(json.loads(config.model_dump_json())))


def test_a_run_reads_its_data_as_it_was_started(make_zip, make_image):
    names = [name.replace(".png", f"{i}.png") for name in AFHQ for i in range(2)]
    path = make_zip({name: make_image(i) for i, name in enumerate(names)})
    for options in (ReadOptions(), ReadOptions("test"), ReadOptions("all", "none"), FOLDERS):
        data = open_dataset(path, options=options)
        again = reopened(data)
        assert (again.names, again.fingerprint) == (data.names, data.fingerprint)
