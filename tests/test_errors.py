import inspect

import pytest

from stylesmith import errors

CLASSES = [
    c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__
]


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_is_ours_and_names_an_exit_status(error):
    assert issubclass(error, errors.StylesmithError)
    assert error.exit_status == (1 if error is errors.RunError else 2)


def test_shape_errors_are_value_errors_for_library_users():
    assert issubclass(errors.ShapeError, ValueError)


def test_a_hint_offers_the_closest_name_if_one_is_close():
    known = ["stylegan-8", "stylegan2-8"]
    assert errors.closest_name_hint("stylgan-8", known) == "Did you mean stylegan-8?"
    assert errors.closest_name_hint("stylgan-8", known, form="({!r})") == "('stylegan-8')"
    assert errors.closest_name_hint("bicycle", known) == ""
    assert errors.closest_name_hint("bicycle", known, cutoff=0) != ""
