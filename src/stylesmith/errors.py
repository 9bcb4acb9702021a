"""Errors that a user can cause, each one line: what was found, where, what was wanted, what to do.

The command line turns a `StylesmithError` into `error: ...` and its exit status; library users
catch the class of the room they called.
"""

import difflib
from collections.abc import Iterable


class StylesmithError(Exception):
    """Base of every error that a user can cause or must hear of."""

    exit_status = 2
    """Status of the command line: 2 for wrong usage or input, 1 for a failed run."""


class UsageError(StylesmithError):
    """An option or argument that cannot be followed."""


class ConfigError(StylesmithError):
    """A configuration that is not valid, or names something unknown."""


class DataError(StylesmithError):
    """Images or labels that cannot be read or do not fit together."""


class ModelError(StylesmithError):
    """A model, checkpoint or run that is missing, damaged or of another kind than wanted."""


class ShapeError(StylesmithError, ValueError):
    """Tensors whose shapes do not fit together; always our caller's code, rarely a user's."""


class OutputError(StylesmithError):
    """Output that exists already or cannot be written."""


class RunError(StylesmithError):
    """A run that started well and could not go on."""

    exit_status = 1


def suggest_name(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name most similar to a wrong one, for errors; None if none is similar.

    Args:
        name: What the user wrote.
        known: What it could have been.
        cutoff: Least similarity, 0..1.
    """
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)
