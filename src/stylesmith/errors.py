"""Errors that a user can cause, each one line: what was found, where, what was wanted, what to do.

The command line turns a `StylesmithError` into `error: ...` and its exit status; library users
catch the class of the package they called.
"""

import difflib
from collections.abc import Iterable, Sequence


class StylesmithError(Exception):
    """Base of every error that a user can cause or must hear of.

    The message is one printable line: what names and files bring of line breaks, control characters
    and bytes that are no text is written as escapes.
    """

    exit_status = 2
    """Status of the command line: 2 for wrong usage or input, 1 for a failed run."""

    def __init__(self, message: str = "") -> None:
        super().__init__("".join(map(_printable, message)))


def _printable(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


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


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse a word that is none of a closed set.

    Args:
        name: Name of the argument, for the message.
        value: What was passed.
        choices: The words that it may be.

    Raises:
        UsageError: If it is another one, naming the nearest.
    """
    if value in choices:
        return
    nearest = suggest_name(str(value), choices)
    hint = f"; did you mean {nearest!r}?" if nearest else ""
    raise UsageError(f"{name} {value!r}: wanted one of {', '.join(map(repr, choices))}{hint}")
