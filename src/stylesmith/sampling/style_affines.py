"""The affine maps A from w to the styles of each layer.

Names are layers: `5` is the convolution (or AdaIN) of layer 5, `rgb5` the toRGB that shares its w.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.networks import Generator
from stylesmith.networks.layers import EqualizedLinear
from stylesmith.networks.synthesis import missing_affine_message


@dataclass(frozen=True)
class StyleAffine:
    """One affine map of a generator."""

    name: str
    layer: int
    """Row of `ws` that it gets."""
    module: EqualizedLinear

    @property
    def channels(self) -> int:
        """Numbers in its style; AdaIN has a scale for each feature map, then a shift for each."""
        return len(self.module.bias)

    @property
    def weight(self) -> Tensor:
        """As it acts on w, `(channels, D)`."""
        return self.module.weight * self.module.weight_gain


def style_affines(generator: Generator) -> list[StyleAffine]:
    """All affine maps from the base up; a traditional network has none.

    Raises:
        UsageError: If there is none.
    """
    affines = generator.synthesis.affines
    if not affines:
        raise UsageError("this network has no styles: w enters once, at the bottom")
    return [
        StyleAffine(name, int(name.removeprefix("rgb")), module) for name, module in affines.items()
    ]


def find_affine(generator: Generator, name: str) -> StyleAffine:
    """The affine map of a name.

    Raises:
        UsageError: If there is none of that name.
    """
    for affine in style_affines(generator):
        if affine.name == name:
            return affine
    raise UsageError(missing_affine_message(name, generator.synthesis.affines))


def stacked_affine_weights(generator: Generator, layers: Sequence[int]) -> Tensor:
    """The affine maps of some layers as one matrix, `(sum of channels, D)`.

    Raises:
        UsageError: If no styles belong to these layers.
    """
    weights = [affine.weight for affine in style_affines(generator) if affine.layer in layers]
    if not weights:
        raise UsageError("no styles belong to these layers")
    return torch.cat(weights)
