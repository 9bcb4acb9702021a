"""Groups of commands: unknown commands are explained, and numbers that cannot be used refused."""

import math
import re
from typing import Any, get_args

from typer.core import TyperGroup

from stylesmith.cli.hints import find_command_advice
from stylesmith.errors import UsageError

MAX_WHOLE_NUMBER = 2**63 - 1
"""Largest whole number of an option; arrays and tensors hold none beyond."""


class CommandGroup(TyperGroup):
    """Commands with the checks that hold for all of them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for command in self.commands.values():
            for parameter in command.params:
                if parameter.callback is None:
                    parameter.callback = check_number
                if _is_whole_number(parameter):
                    read_strictly(parameter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is asked for; an unknown one is explained where that can be done."""
        advice = find_command_advice(args[0]) if args and args[0] not in self.commands else None
        if advice:
            ctx.fail(f"No such command {args[0]!r}; {advice}")
        return super().resolve_command(ctx, args)


def _is_whole_number(parameter: Any) -> bool:
    descriptor = getattr(parameter, "type_descriptor", None)
    annotation = descriptor and descriptor.annotation
    return annotation is int or int in get_args(annotation)


def read_strictly(parameter: Any) -> None:
    """Let an option of whole numbers take nothing else: the library reads `0-5` as -5."""
    convert = parameter.process_value

    def process(ctx: Any, value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(r"[+-]?\d+(_\d+)*", value, re.ASCII):
            raise UsageError(f"{parameter.opts[-1]} {value!r}: wanted a whole number")
        return convert(ctx, value)

    parameter.process_value = process


def check_number(ctx: Any, parameter: Any, value: Any) -> Any:
    """Refuse infinite numbers, NaN and whole numbers beyond 64 bits; anything else goes through."""
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{parameter.opts[-1]} {value}: wanted a finite number")
    if isinstance(value, int) and abs(value) > MAX_WHOLE_NUMBER:
        raise UsageError(f"{parameter.opts[-1]} {value}: wanted {MAX_WHOLE_NUMBER} or less")
    return value
