"""Networks as other programs store them: tensors, settings, license, import report."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

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
    refused_globals: list[str] = field(default_factory=list)
    """Names that the file asks for and that are left out, of a partial import."""


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
    derived: list[str] = field(default_factory=list)
    """Tensors of ours that the file lacks without loss: noise maps, and the mean of w of some."""
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
