"""Base of all configs: frozen, strict, documented fields; settings by name, and overrides."""

import difflib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from stylesmith.errors import ConfigError


class Config(BaseModel):
    """A frozen value; unknown fields are refused. The text under a field is its help."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    def change(self, **values: Any) -> Self:
        """A checked copy with other values; a field that is a config may be given as a dict.

        Raises:
            ConfigError: If a value is not valid.
        """
        try:
            return type(self).model_validate(_merge(self, values))
        except ValidationError as error:
            raise ConfigError(format_validation_error(error)) from None


ConfigT = TypeVar("ConfigT", bound=Config)


def format_validation_error(error: ValidationError) -> str:
    """The first problem of a failed validation in one line: where, what was wanted, what came.

    A setting that may be a number or a table fails once for each form; the form that got furthest
    says what is wrong.
    """
    problems = error.errors()
    field = _field_path(problems[0]["loc"])
    same_field = [found for found in problems if _field_path(found["loc"]) == field]
    problem = max(same_field, key=lambda found: len(found["loc"]))
    where = f"{'.'.join(field)}: " if field else ""
    message = problem["msg"].removeprefix("Value error, ")
    given = "" if isinstance(problem["input"], dict) else f", got {problem['input']!r}"
    return f"{where}{message[:1].lower()}{message[1:]}{given}"


def iterate_settings(config: Config, prefix: str = "") -> Iterator[tuple[str, Config, str]]:
    """Every setting under the name that `--set` takes, with the config that holds it and its field.

    Tables by resolution are one setting; a config is none itself, but each of its fields.
    """
    for field in type(config).model_fields:
        value = getattr(config, field)
        if isinstance(value, Config):
            yield from iterate_settings(value, f"{prefix}{field}.")
        else:
            yield f"{prefix}{field}", config, field


def flatten_settings(config: Config) -> dict[str, object]:
    """Values of all settings as JSON has them, by the names that `--set` takes."""
    return {
        name: owner.model_dump(mode="json", include={field})[field]
        for name, owner, field in iterate_settings(config)
    }


def differences(first: Config, second: Config) -> dict[str, tuple[object, object]]:
    """Settings whose values differ, in the order of the config; names of presets don't count.

    A part that only one of them has, such as `training.growth`, is one setting. A field that only
    one of them knows, because the parts are of another kind, is left out.
    """
    found: dict[str, tuple[object, object]] = {}
    values = first.model_dump(mode="json"), second.model_dump(mode="json")
    for field in type(first).model_fields:
        a, b = getattr(first, field), getattr(second, field, None)
        if isinstance(a, Config) and isinstance(b, Config):
            found |= {f"{field}.{name}": pair for name, pair in differences(a, b).items()}
        elif a != b and field != "preset" and field in values[1]:
            found[field] = values[0][field], values[1][field]
    return found


def _field_path(location: Iterable[int | str]) -> list[str]:
    """The names that lead to a field, without the forms and keys inside it."""
    return list(itertools.takewhile(str.isidentifier, map(str, location)))


def apply_overrides(config: ConfigT, assignments: Iterable[str]) -> ConfigT:
    """A copy of `config` changed by `key=value` texts, such as `training.r1_gamma=1`.

    Values are read as JSON where they parse (`1`, `true`, `null`, `[4, 4]`), else as text. All are
    taken together, so that values which only fit together can be changed.

    Raises:
        ConfigError: If a key is unknown (the nearest one is offered) or a value does not fit.
    """
    assignments = list(assignments)
    changes: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set {assignment}: wanted key=value, as in training.r1_gamma=1")
        _check_key(config, key.strip())
        *parents, name = key.strip().split(".")
        inner = changes
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[name] = _parse_value(text.strip())
    try:
        return config.change(**changes)
    except ConfigError as error:
        raise ConfigError(f"--set {' '.join(assignments)}: {error}") from None


def _check_key(config: Config, key: str) -> None:
    known = [name for name, _, _ in iterate_settings(config)]
    if key in known:
        return
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    same_leaf = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    offer = (near or same_leaf)[:1]
    hint = f"did you mean {offer[0]}?" if offer else "`stylesmith presets NAME --json` shows all."
    raise ConfigError(f"--set {key}: there is no such setting; {hint}")


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _merge(config: Config, new: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a config with others in place; dicts are merged into configs, never into tables."""
    merged = config.model_dump()
    for name, value in new.items():
        present = getattr(config, name, None)
        if isinstance(value, Config):
            value = value.model_dump()
        if isinstance(present, Config) and isinstance(value, dict):
            value = _merge(present, value)
        merged[name] = value
    return merged
