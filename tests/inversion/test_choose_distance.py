"""Which distance there is, and what is said about it."""

import pytest

from stylesmith.errors import ModelError, UsageError
from stylesmith.inversion.latent_optimizer import choose_distance
from stylesmith.perception.weights import find_weight_file
from tests.support import CPU


def test_without_weights_the_random_distance_says_so(tmp_path):
    distance, note = choose_distance(None, (32, 32), CPU, tmp_path)
    assert distance.name == "random"
    assert "weights of LPIPS are not there" in note and "whose values are no LPIPS" in note


def test_images_of_8_pixels_are_too_small_for_lpips(tmp_path):
    distance, note = choose_distance(None, (8, 16), CPU, tmp_path)
    assert distance.name == "random" and "LPIPS needs images of 16 pixels or more" in note


def test_damaged_weights_are_an_error_and_not_passed_over(tmp_path):
    for name in ("vgg16", "lpips"):
        (tmp_path / find_weight_file(name).file_name).write_bytes(b"x")
    with pytest.warns(UserWarning, match="is not the published file"), pytest.raises(ModelError):
        choose_distance(None, (32, 32), CPU, tmp_path)


def test_the_smallest_images_are_compared_by_pixels(tmp_path):
    distance, note = choose_distance(None, (4, 4), CPU, tmp_path)
    assert distance.name == "pixels" and "'pixels'" in note


def test_a_distance_that_is_named_is_taken_without_a_word(tmp_path):
    assert choose_distance("pixels", (32, 32), CPU, tmp_path)[1] == ""


def test_lpips_by_name_wants_its_weights(tmp_path):
    with pytest.raises(ModelError, match="distance 'lpips' needs it"):
        choose_distance("lpips", (32, 32), CPU, tmp_path)


def test_images_too_small_for_a_distance_are_refused(tmp_path):
    with pytest.raises(UsageError, match="this network draws 4x4"):
        choose_distance("random", (4, 4), CPU, tmp_path)


def test_an_unknown_distance_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no such distance\. Did you mean 'lpips'"):
        choose_distance("lpip", (32, 32), CPU, tmp_path)
