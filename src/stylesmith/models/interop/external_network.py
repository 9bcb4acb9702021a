"""Networks as other programs store them: tensors, settings, license, import report.

A setting that changes what a network computes must have the value that ours compute with. One that
is unknown is ignored if it is off; otherwise the network is refused, for it would draw other
images.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from stylesmith.config import ConvolutionalConfig, GeneratorConfig
from stylesmith.errors import ModelError
from stylesmith.models.interop.allowed_globals import short_repr, short_text
from stylesmith.models.interop.name_map import NameMap

NetworkRole = Literal["G_ema", "G", "D"]
"""The averaged generator, the generator and the discriminator that were trained."""

ExternalFormat = Literal["tensorflow", "ada", "rosinality"]

FORMAT_DESCRIPTIONS: dict[ExternalFormat, str] = {
    "tensorflow": "TensorFlow pickle of ProGAN, StyleGAN or StyleGAN2",
    "ada": "PyTorch network of StyleGAN2-ADA, or of StyleGAN3's repository with cfg=stylegan2",
    "rosinality": "checkpoint in the layout of rosinality/stylegan2-pytorch",
}

_TRAINED_BY_OTHERS = (
    "Weights belong to whoever trained them, under the licence they published them with, and "
    "stylesmith's own licence does not cover them."
)
_TRAINED_BY_NVIDIA = f"{_TRAINED_BY_OTHERS} NVIDIA publishes its networks for non-commercial use."
WEIGHT_LICENSES: dict[ExternalFormat, str] = {
    "tensorflow": _TRAINED_BY_NVIDIA,
    "ada": _TRAINED_BY_NVIDIA,
    "rosinality": (
        f"{_TRAINED_BY_OTHERS} That holds for converted networks as well; NVIDIA publishes its "
        "own for non-commercial use."
    ),
}
"""What an import says about rights; the files themselves say nothing."""


@dataclass
class ExternalNetwork:
    """One network as the file has it: its tensors under their own names."""

    role: NetworkRole
    class_name: str
    """The name of its class or function."""
    tensors: dict[str, np.ndarray]
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    flat: bool = False
    """Without mapping and synthesis networks of its own, as ProGAN's."""


@dataclass
class ExternalFile:
    """All networks of a file."""

    format: ExternalFormat
    networks: dict[NetworkRole, ExternalNetwork]
    size: int
    """Bytes."""


@dataclass
class ImportReport:
    """What happened to one network."""

    role: NetworkRole
    mapped: int = 0
    """Tensors that were taken."""
    value_count: int = 0
    """Numbers in them."""
    ignored: dict[str, str] = field(default_factory=dict)
    """Tensors of theirs without counterpart that need none, and why."""
    missing: list[str] = field(default_factory=list)
    """Tensors of ours that the file doesn't have (or not in that shape)."""
    unknown: list[str] = field(default_factory=list)
    """Tensors of theirs that nobody knows."""
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report as text, one fact a line."""
        lines = [f"{self.role}: {self.mapped} tensors, {self.value_count:,} values mapped"]
        reasons = Counter(self.ignored.values())
        lines += [f"  ignored: {count} x {why}" for why, count in reasons.items()]
        lines += [f"  missing: {name}" for name in self.missing]
        lines += [f"  unknown: {name}" for name in self.unknown]
        return lines + [f"  note: {note}" for note in self.notes]

    def as_json(self) -> dict[str, Any]:
        """What is stored beside an imported model."""
        return {
            "mapped": self.mapped,
            "ignored": len(self.ignored),
            "missing": self.missing,
            "unknown": self.unknown,
            "notes": self.notes,
        }


MAX_INTEGER_SETTING = 1 << 20
"""Beyond any size of a network."""


@dataclass
class StoredSettings:
    """The settings of one network, and which of them were checked."""

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

    def ignore_half_precision(self) -> None:
        """Leave half precision to the policy of this package, with a note."""
        for name in ("num_fp16_res", "conv_clamp"):
            if self.values.get(name):
                self.notes.append(f"{name} not taken over; half precision is chosen when drawing")
            self.ignore(name)

    def check_unknown(self) -> None:
        """Refuse settings that nobody checked, unless they are off.

        Raises:
            ModelError: If a setting is unknown and on, and a partial import wasn't asked for.
        """
        for name in sorted(str(name) for name in self.values.keys() - self.checked):
            value = self.values.get(name)
            found = f"unknown setting {short_text(name)} = {short_repr(value)}"
            if value is not None and value is not False and not self.partial:
                raise ModelError(
                    f"{self.source}: {found}, which may change what the network computes. "
                    "--partial ignores it."
                )
            self.notes.append(f"{found} ignored")

    def _error(self, name: str, value: Any, wanted: str) -> ModelError:
        return ModelError(
            f"{self.source}: setting {name} is {_short_value(value)}, wanted {wanted}: the network "
            "is of a kind that has no counterpart here."
        )


def _short_value(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) <= 16:
        return f"[{', '.join(short_repr(v) for v in value)}]"
    return short_repr(value)


class NetworkFormat(Protocol):
    """What a module knows about the networks of one format: how to find, build and name them."""

    def recognize(self, value: Any, source: str) -> dict[NetworkRole, ExternalNetwork] | None:
        """The networks in the values of a file of this format; None for other files."""

    def generator_config(
        self, network: ExternalNetwork, settings: StoredSettings
    ) -> GeneratorConfig:
        """The architecture of a generator."""

    def discriminator_config(
        self, network: ExternalNetwork, settings: StoredSettings
    ) -> ConvolutionalConfig:
        """The architecture of a discriminator."""

    def generator_names(
        self, config: GeneratorConfig, network: ExternalNetwork | None = None
    ) -> NameMap:
        """Names of a generator's tensors, in the file at hand or in one to be written."""

    def discriminator_names(self, config: ConvolutionalConfig) -> NameMap:
        """Names of a discriminator's tensors."""
