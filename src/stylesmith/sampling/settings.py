"""How to draw: truncation, class, noise, and the number format."""

import re
from dataclasses import dataclass
from typing import Literal

from stylesmith.config import GeneratorConfig
from stylesmith.devices import PrecisionName
from stylesmith.errors import UsageError
from stylesmith.networks.generator import NoiseMode
from stylesmith.sampling.layers import LayerIndices, format_layers, parse_layers

TruncationCenter = Literal["global", "class"]
"""What truncation pulls towards: the mean of all w, or of those of the class."""


@dataclass(frozen=True)
class NoiseSettings:
    """Which noise maps, and which layers get them."""

    mode: NoiseMode = "fixed"
    layers: LayerIndices | None = None
    """The layers that get noise, the others none; None is all."""

    def __str__(self) -> str:
        return self.mode if self.layers is None else f"{self.mode}:{format_layers(self.layers)}"


@dataclass(frozen=True)
class SamplingSettings:
    """What decides a picture besides the seed."""

    psi: float = 1.0
    """Truncation (StyleGAN, appendix B); 1 is off, 0 gives the mean image."""
    psi_layers: LayerIndices | None = None
    """The layers that are truncated; None is all."""
    center: TruncationCenter = "global"
    label: int | None = None
    """Class, where the network has classes."""
    noise: NoiseSettings = NoiseSettings()
    precision: PrecisionName = "auto"

    def describe(self) -> dict[str, str | float | int | None]:
        """As JSON, for files."""
        layers = None if self.psi_layers is None else format_layers(self.psi_layers)
        return {
            "psi": self.psi,
            "psi_layers": layers,
            "center": self.center,
            "class": self.label,
            "noise": str(self.noise),
            "precision": self.precision,
        }


def parse_noise(text: str, config: GeneratorConfig, *, option: str = "--noise") -> NoiseSettings:
    """`fixed`, `random`, `none`, layers that get the fixed noise (`8-17`), or `random:8-17`.

    Raises:
        UsageError: If it is none of these, or names layers that this network doesn't have.
    """
    mode, colon, layers = text.strip().lower().partition(":")
    if mode not in ("fixed", "random", "none"):
        if colon or not re.search(r"\d|coarse|middle|fine|all", mode):
            wanted = "wanted 'fixed', 'random', 'none', or layers such as 8-17 or random:8-17"
            raise UsageError(f"{option} {text!r}: {wanted}")
        mode, colon, layers = "fixed", ":", text
    chosen = parse_layers(layers, config, option=option) if colon else None
    if mode == "none" and chosen is not None:
        raise UsageError(f"{option} {text!r}: none is for all layers; name those that get noise")
    return NoiseSettings(mode, chosen)  # type: ignore[arg-type]  # one of the three
