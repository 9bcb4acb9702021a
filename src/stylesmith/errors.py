"""Errors that a user can cause, each one line: what was found, where, what was wanted, what to do.

The command line turns a `StylesmithError` into `error: ...` and its exit status; library users
catch the class of the package they called.
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


def closest_name_hint(
    name: str, known: Iterable[str], *, form: str = "Did you mean {}?", cutoff: float = 0.6
) -> str:
    """Offer the known name that is most like an unknown one; empty where none is.

    Args:
        name: The name that was not found.
        known: The names there are.
        form: Format of the hint; `{}` or `{!r}` becomes the name.
        cutoff: Similarity from 0 to 1 that a name must have.
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return form.format(near[0]) if near else ""
