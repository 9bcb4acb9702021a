"""All commands and their parameters, for tests that hold over every one of them."""

from collections.abc import Iterator
from typing import Any, get_args

import typer

from stylesmith.cli import app


def all_commands(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple, Any]]:
    """The words of every command, and the command."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from all_commands(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = dict(all_commands())


def parameters_of(*types: type) -> Iterator[tuple[tuple, Any]]:
    """Words of a command and one of its parameters, for all parameters of these types."""
    for words, command in COMMANDS.items():
        for parameter in command.params:
            descriptor = getattr(parameter, "type_descriptor", None)
            found = descriptor and descriptor.annotation
            if found in types or (set(get_args(found)) & set(types)):
                yield words, parameter
