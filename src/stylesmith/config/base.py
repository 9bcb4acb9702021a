"""Base of all configs: frozen, strict, documented fields; unions; settings by name; overrides."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, TypeVar, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from stylesmith import files
from stylesmith.errors import ConfigError, suggest_name


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
            return self.member(values.get("kind")).model_validate(_merge(self, values))
        except ValidationError as error:
            raise ConfigError(format_validation_error(error)) from None

    @classmethod
    def member(cls, kind: Any) -> type[Self]:
        """The class of a kind, where there are several; None keeps the kind."""
        return cls


class ConfigUnion(Config):
    """A union of configs, discriminated by `kind` and open: a kind joins by being defined.

    The union declares `kind`, whose default is the kind of files that name none, and `kinds`. Its
    members narrow `kind` to a `Literal` of their own name, and every other field that they leave no
    choice in to a `Literal` of one value. Constructing or validating the union gives a member.
    """

    kinds: ClassVar[dict[str, Any]]
    """The members by their kind."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        kind = cls._fixed_fields().get("kind")
        if kind and cls.kinds.setdefault(kind, cls) is not cls:
            raise TypeError(f"{cls.__name__}: kind {kind} is that of {cls.kinds[kind].__name__}")

    def __new__(cls, *_: Any, **values: Any) -> Self:
        return super().__new__(cls if cls._is_member() else cls.member(values.get("kind")))

    @classmethod
    def member(cls, kind: Any) -> type[Self]:
        """The class of a kind; for None and an unknown kind, that of the default."""
        return cls.kinds.get(str(kind), cls.kinds[cls.model_fields["kind"].default])

    @model_validator(mode="wrap")
    @classmethod
    def _by_kind(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(value, dict):
            return handler(value)
        kind = value.get("kind", cls.model_fields["kind"].default)
        if str(kind) not in cls.kinds:
            raise ValueError(f"kind {kind!r}: wanted one of {', '.join(cls.kinds)}")
        if not cls._is_member():
            return cls.member(kind).model_validate(value)
        fixed = cls._fixed_fields()
        for name, wanted in fixed.items():
            found = value.get(name, wanted)
            if str(found).lower() != str(wanted).lower():
                message = f"kind {fixed['kind']} needs {name}={wanted}, got {found}"
                raise ValueError(message.lower())
        return handler(value | fixed)

    @classmethod
    def _is_member(cls) -> bool:
        return cls in cls.kinds.values()

    @classmethod
    def _fixed_fields(cls) -> dict[str, Any]:
        """Fields with one possible value, and that value."""
        fields = {name: field.annotation for name, field in cls.model_fields.items()}
        choices = {name: get_args(t) for name, t in fields.items() if get_origin(t) is Literal}
        return {name: values[0] for name, values in choices.items() if len(values) == 1}


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


def iterate_settings(
    config: Config, prefix: str = "", *, changes: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Config, str]]:
    """Every setting under the name that `--set` takes, with the config that holds it and its field.

    Tables by resolution are one setting; a config is none itself, but each of its fields. Values
    to be changed, by name, may change a `kind`, whose fields are then iterated.
    """
    for field, info in config.member((changes or {}).get(f"{prefix}kind")).model_fields.items():
        value = getattr(config, field, info.default)
        if isinstance(value, Config):
            yield from iterate_settings(value, f"{prefix}{field}.", changes=changes)
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
    values: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set {assignment}: wanted key=value, as in training.r1_gamma=1")
        values[key.strip()] = _parse_value(text.strip())
    known = [name for name, _, _ in iterate_settings(config, changes=values)]
    changes: dict[str, Any] = {}
    for key, value in values.items():
        _check_key(known, key, value)
        *parents, name = key.split(".")
        inner = changes
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[name] = value
    try:
        return config.change(**changes)
    except ConfigError as error:
        raise ConfigError(f"--set {' '.join(assignments)}: {error}") from None


def _check_key(known: Sequence[str], key: str, value: Any) -> None:
    """Refuse a name of no setting. Sections, such as `training.growth`, take null or all values."""
    is_section = any(name.startswith(f"{key}.") for name in known)
    if key in known or (is_section and (value is None or isinstance(value, dict))):
        return
    near = suggest_name(key, known, cutoff=0.5)
    alike = [near] if near else [name for name in known if _leaf_words(name) & _leaf_words(key)]
    hint = (
        f"did you mean {' or '.join(alike[:4])}?"
        if alike
        else "`stylesmith presets NAME --json` shows all."
    )
    raise ConfigError(f"--set {key}: there is no such setting; {hint}")


def _leaf_words(key: str) -> set[str]:
    """Words of a setting, without the part of the config: {"batch", "size"}."""
    return set(re.split(r"[_-]", key.rpartition(".")[2].lower()))


def _parse_value(text: str) -> Any:
    try:
        return files.parse_json(text)
    except ValueError:
        return text


def _merge(config: Config, new: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a config with others in place; dicts are merged into configs, never into tables.

    Of a config that changes its kind, the values remain that the new kind has too.
    """
    remaining = config.member(new.get("kind")).model_fields
    merged = {name: value for name, value in config.model_dump().items() if name in remaining}
    for name, value in new.items():
        present = getattr(config, name, None)
        if isinstance(value, Config):
            value = value.model_dump()
        if isinstance(present, Config) and isinstance(value, dict):
            value = _merge(present, value)
        merged[name] = value
    return merged
