"""The shipped model is the one it was, and its seeds draw what they drew."""

import pytest

from tests.compatibility import access, observe
from tests.compatibility.compare import assert_same_pixels, digest, exact, pinned, to_pixels

ROWS = [f"avatars-psi{psi}-{noise}" for psi in (0.7, 1) for noise in ("fixed", "none")]


@pytest.fixture(scope="module")
def images():
    return observe.avatar_images()


def test_the_model_has_its_hash():
    assert access.hash_of("avatars") == pinned("avatars")


@pytest.mark.parametrize("row", ROWS)
def test_seeds_draw_their_images(images, row):
    assert_same_pixels(to_pixels(images[row]), row)
    assert exact(row) in (None, digest({"images": images[row]}))
