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


@pytest.mark.parametrize("error", CLASSES)
@pytest.mark.parametrize(
    ("character", "shown"),
    [("\n", "\\n"), ("\r", "\\r"), ("\x1b", "\\x1b"), ("\u2028", "\\u2028"), ("\udcff", "\\udcff")],
)
def test_a_message_is_one_printable_line_whatever_a_name_holds(error, character, shown):
    assert str(error(f"a{character}b: ä 日本")) == f"a{shown}b: ä 日本"


def test_the_most_similar_name_is_suggested_if_one_is_similar():
    known = ["stylegan-8", "stylegan2-8"]
    assert errors.suggest_name("stylgan-8", known) == "stylegan-8"
    assert errors.suggest_name("bicycle", known) is None
    assert errors.suggest_name("bicycle", known, cutoff=0) in known
