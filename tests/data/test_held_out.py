"""Images are held out by their number, the count and the seed alone."""

import pytest

from stylesmith.data.dataset import open_dataset
from stylesmith.data.held_out import check_held_out, split_held_out
from stylesmith.errors import DataError
from tests.support import make_photos


@pytest.fixture
def photos(tmp_path):
    return open_dataset(make_photos(tmp_path / "photos", count=20))


def test_every_image_is_learned_from_or_held_out(photos):
    learned, held_out = split_held_out(photos, 6, seed=3)
    assert held_out is not None
    assert (len(learned), len(held_out)) == (14, 6)
    assert sorted(learned.names + held_out.names) == photos.names
    assert learned.names == sorted(learned.names)
    for part in (learned, held_out):
        for i, name in enumerate(part.names):
            index = photos.names.index(name)
            assert (part.pixels(i) == photos.pixels(index)).all()
            assert (part.label(i) == photos.label(index)).all()
    assert learned.content_hash != held_out.content_hash != photos.content_hash


def test_the_choice_is_that_of_the_seed(photos):
    held_out = [split_held_out(photos, 6, seed=seed)[1] for seed in (0, 0, 1)]
    names = [part.names for part in held_out if part]
    assert names[0] == names[1] != names[2]


def test_none_are_held_out_unless_asked(photos):
    assert split_held_out(photos, 0, seed=0) == (photos, None)


@pytest.mark.parametrize("count", [1, 3])
def test_a_handful_of_images_is_refused(count):
    wanted = f"^photos: has {count} images?; training wants at least 4"
    with pytest.raises(DataError, match=wanted):
        check_held_out(count, 0, "photos")


@pytest.mark.parametrize(("count", "advice"), [(17, "hold out at most 16"), (500, "at most 16")])
def test_some_images_are_left_to_learn_from(photos, count, advice):
    split_held_out(photos, 16, seed=0)
    with pytest.raises(
        DataError, match=f"has 20 images, of which {count} are to be held out;.*{advice}"
    ):
        split_held_out(photos, count, seed=0)
