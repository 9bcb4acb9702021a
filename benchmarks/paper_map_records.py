"""What the map of the papers is made of: entries, the places that they name, and stated values."""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import Field, dataclass, field
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from pydantic.fields import FieldInfo

from stylesmith.config import DataConfig, RunConfig
from stylesmith.figures import FIGURES
from stylesmith.figures.tables.catalog import EXPENSE_ID, METRIC_TABLES
from stylesmith.presets import find_preset

ROOT = Path(__file__).parents[1]
DIFFERS = "[We differ](differences.md#paper-and-code-disagree)."


@dataclass(frozen=True)
class Value:
    """A number that an entry states, and how to read it off the code."""

    words: str
    """What it is called, in Markdown."""
    read: Callable[[], object]
    wanted: object

    @property
    def holds(self) -> bool:
        """Whether the code has it."""
        found = self.read()
        if isinstance(self.wanted, float) and isinstance(found, float):
            return math.isclose(found, self.wanted, rel_tol=1e-9)
        return found == self.wanted


@dataclass(frozen=True)
class Entry:
    """One thing in a paper."""

    name: str
    """`Eq. 3`, `Figure 8`, `C.1`, or the name of a setting."""
    says: str
    targets: tuple[str, ...] = ()
    """What implements it: dotted names, `figure stylegan-8`, `table stylegan-1` or files in docs.
    Without any, there is nothing to implement."""
    values: tuple[Value, ...] = ()
    note: str = ""
    """Markdown, such as a link to where we differ."""


@dataclass(frozen=True)
class Paper:
    """A paper, its entries in groups."""

    title: str
    groups: dict[str, Sequence[Entry]] = field(default_factory=dict)

    @property
    def entries(self) -> list[Entry]:
        """All of them."""
        return [entry for group in self.groups.values() for entry in group]


@dataclass(frozen=True)
class Place:
    """Where a target is."""

    path: Path
    """A file of the repository."""
    name: str
    """Function, class or constant in it; empty for documents."""


def setting(presets: str, path: str, wanted: object) -> Value:
    """A setting that some presets, separated by spaces, have alike."""

    def read() -> object:
        values = [_walk(preset_config(name), path.split(".")) for name in presets.split()]
        return values[0] if all(value == values[0] for value in values) else values

    return Value(f"`{in_braces(presets.split())}`: `{path}`", read, wanted)


def constant(target: str, wanted: object) -> Value:
    """A constant of a module, or the default of a config's field."""
    return Value(f"`{target.removeprefix('stylesmith.')}`", partial(_constant, target), wanted)


def default(target: str, parameter: str, wanted: object) -> Value:
    """The default of a function's parameter."""

    def read() -> object:
        return inspect.signature(_find(target)).parameters[parameter].default

    return Value(f"`{target.removeprefix('stylesmith.')}({parameter})`", read, wanted)


def found(words: str, read: Callable[[], object], wanted: object) -> Value:
    """Anything else that a few words name and a function computes."""
    return Value(words, read, wanted)


def in_braces(names: Sequence[str]) -> str:
    """Presets of one paper, as a shell would expand them: `stylegan-{a,b}`."""
    paper, _, _ = names[0].partition("-")
    rows = [name.removeprefix(f"{paper}-") for name in names]
    return f"{paper}-{{{','.join(rows)}}}" if len(rows) > 1 else names[0]


@cache
def preset_config(name: str) -> RunConfig:
    """The configuration of a preset, at the size of its paper."""
    preset = find_preset(name)
    size = preset.data_set.size if preset.data_set else preset.example_size
    return preset.build(DataConfig(size=size), torch.device("cpu"))


def locate(target: str) -> Place:
    """Where a target is defined.

    Raises:
        LookupError: If it does not exist, or is defined elsewhere.
    """
    kind, _, rest = target.partition(" ")
    if kind == "figure":
        return _locate_figure(rest)
    if kind == "table":
        return _locate_table(rest)
    if target.startswith("docs/"):
        if not (ROOT / target).is_file():
            raise LookupError(f"{target}: there is no such document")
        return Place(ROOT / target, "")
    return _locate_name(target)


def _locate_figure(name: str) -> Place:
    drawn = {figure.id: figure for figure in FIGURES}
    if name not in drawn:
        raise LookupError(f"figure {name}: is not in the catalog")
    draw = drawn[name].draw
    return _locate_function(draw) if draw else locate("docs/architectures.md")


def _locate_table(name: str) -> Place:
    if name == EXPENSE_ID:
        return locate("stylesmith.figures.tables.expense.expense_sheet")
    if name not in {table.id for table in METRIC_TABLES}:
        raise LookupError(f"table {name}: is not in the catalog")
    return locate("stylesmith.figures.tables.catalog.METRIC_TABLES")


def _locate_function(function: Any) -> Place:
    while isinstance(function, partial):
        function = function.func
    if not hasattr(function, "__qualname__"):  # an object that can be called
        function = type(function)
    return _locate_name(f"{function.__module__}.{function.__qualname__}")


def _locate_name(target: str) -> Place:
    value, (module, name) = _find(target), _split(target)
    home = getattr(value, "__module__", None)
    if callable(value) and home != module:
        raise LookupError(f"{target}: is defined in {home}")
    return Place(Path(inspect.getfile(import_module(module))), name)


def _find(target: str) -> Any:
    module, name = _split(target)
    value: Any = import_module(module)
    for part in name.split("."):
        value = _member(value, part, target)
    return value


def _constant(target: str) -> object:
    value = _find(target)
    return value.default if isinstance(value, (Field, FieldInfo)) else value


def _split(target: str) -> tuple[str, str]:
    """Module and name in it."""
    parts = target.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        return ".".join(parts[:end]), ".".join(parts[end:])
    raise LookupError(f"{target}: there is no such module")


def _member(value: Any, name: str, target: str) -> Any:
    fields = getattr(value, "model_fields", None) or getattr(value, "__dataclass_fields__", {})
    if isinstance(value, type) and name in fields:
        return fields[name]
    if not hasattr(value, name):
        raise LookupError(f"{target}: there is no {name}")
    return getattr(value, name)


def _walk(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        value = value[int(part)] if isinstance(value, dict) else getattr(value, part)
    return value
