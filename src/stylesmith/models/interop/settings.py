"""Settings (kwargs) that a foreign file stores: which are read, which are harmless, which are not.

A setting that changes what a network computes must have the value that ours compute with. One that
is unknown is harmless if it is off; else the network is refused, for it would draw other images.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stylesmith.errors import ModelError
from stylesmith.models.interop.session import short_repr

OFF_VALUES = (None, False)
MAX_INTEGER_SETTING = 1 << 20
"""Beyond any size of a network."""


@dataclass
class StoredSettings:
    """The settings of one network, and which of them were looked at."""

    values: Mapping[str, Any]
    source: str
    partial: bool = False
    """Ignore unknown settings, with a note."""
    notes: list[str] = field(default_factory=list)
    checked: set[str] = field(default_factory=set)

    def number(self, *names: str, default: float) -> float:
        """The first of some names that is set to a number."""
        for name in names:
            value = self.values.get(name)
            self.checked.add(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return value
            if value is not None:
                raise self._error(name, value, "a number")
        return default

    def integer(self, *names: str, default: int) -> int:
        """The first of some names that is set to a whole number."""
        value = self.number(*names, default=default)
        if not isinstance(value, int) or abs(value) > MAX_INTEGER_SETTING:
            raise self._error(names[0], value, "a whole number")
        return value

    def require(self, name: str, *allowed: Any) -> None:
        """A setting that ours can't change; absent is as good as the first allowed value."""
        self.checked.add(name)
        value = self.values.get(name, allowed[0])
        plain = list(value) if isinstance(value, tuple) else value
        if not any(type(plain) is type(a) and plain == a for a in allowed):
            raise self._error(name, value, " or ".join(str(a) for a in allowed))

    def ignore(self, *names: str) -> None:
        """Settings that don't change what a trained network computes."""
        self.checked.update(names)

    def check_unknown(self) -> None:
        """Refuse what nobody looked at, unless it is off.

        Raises:
            ModelError: If a setting is unknown and on, and a partial import wasn't asked for.
        """
        for name in sorted(str(name) for name in self.values.keys() - self.checked):
            value = self.values.get(name)
            off = any(value is state for state in OFF_VALUES)
            if not off and not self.partial:
                raise ModelError(
                    f"{self.source}: unknown setting {_short_name(name)} = {short_repr(value)}, which may "
                    "change what the network computes. --partial ignores it."
                )
            self.notes.append(f"unknown setting {_short_name(name)} = {short_repr(value)} ignored")

    def _error(self, name: str, value: Any, wanted: str) -> ModelError:
        return ModelError(
            f"{self.source}: setting {name} is {_short_value(value)}, wanted {wanted}: the network "
            "is of a kind that has no counterpart here."
        )


def _short_name(name: str) -> str:
    return short_repr(name)[1:-1]


def _short_value(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) <= 16:
        return f"[{', '.join(short_repr(v) for v in value)}]"
    return short_repr(value)
