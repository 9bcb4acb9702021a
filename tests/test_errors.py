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
