"""Latent codes of images: one w per layer, the noise maps, and offsets of styles."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stylesmith.networks.latent_functions import mix_styles
from stylesmith.networks.synthesis import NoiseMaps, StyleOffsets


@dataclass(frozen=True)
class LatentCodes:
    """Latent codes and noise of N images."""

    ws: Tensor
    """One w per layer, `(N, num_ws, D)`."""
    noise: NoiseMaps
    """One map `(N or 1, 1, H, W)` per noise input; None is no noise, 1 is the same for all."""
    style_offsets: StyleOffsets = field(default_factory=dict)
    """Numbers added to styles, `(N or 1, channels)`, by name of affine map."""

    def __len__(self) -> int:
        return len(self.ws)

    def __getitem__(self, index: slice) -> "LatentCodes":
        """Some of the images."""
        offsets = {name: _select(offset, index) for name, offset in self.style_offsets.items()}
        return LatentCodes(
            self.ws[index],
            [None if noise is None else _select(noise, index) for noise in self.noise],
            offsets,
        )

    def expand(self, count: int) -> "LatentCodes":
        """The codes of one image, `count` times."""
        return replace(self, ws=self.ws.expand(count, -1, -1))

    def with_style_offset(self, name: str, offset: Tensor) -> "LatentCodes":
        """With numbers `(N or 1, channels)` added to the style of one affine map."""
        known = self.style_offsets.get(name)
        offset = offset if known is None else known + offset
        return replace(self, style_offsets={**self.style_offsets, name: offset})

    def with_ws_rows(self, other: Tensor, rows: Sequence[int]) -> "LatentCodes":
        """Those rows of `ws` taken from `other`, `(N or 1, num_ws, D)`: style mixing."""
        taken = torch.zeros(self.ws.shape[1], dtype=torch.bool, device=self.ws.device)
        taken[list(rows)] = True
        return replace(self, ws=mix_styles(self.ws, other, taken))


def cat_codes(parts: Sequence[LatentCodes]) -> LatentCodes:
    """The images of several codes, one after the other."""
    if len(parts) == 1:
        return parts[0]
    sizes = [len(part) for part in parts]
    columns = zip(*(part.noise for part in parts), strict=True)
    noise = [_cat(maps, sizes) for maps in columns]
    names = {name for part in parts for name in part.style_offsets}
    offsets = {
        name: _cat([part.style_offsets.get(name) for part in parts], sizes) for name in names
    }
    return LatentCodes(
        torch.cat([part.ws for part in parts]),
        noise,
        {name: offset for name, offset in offsets.items() if offset is not None},
    )


def _select(rows: Tensor, index: slice) -> Tensor:
    """Rows of some images; one row is that of all."""
    return rows if len(rows) == 1 else rows[index]


def _cat(parts: Sequence[Tensor | None], sizes: Sequence[int]) -> Tensor | None:
    """Maps or offsets of several codes as one; none beside others is zeros."""
    there = [part for part in parts if part is not None]
    if not there:
        return None
    first = there[0]
    if len(there) == len(parts) and len(first) == 1 and all(part is first for part in parts):
        return first
    rows = [
        (torch.zeros_like(first[:1]) if part is None else part).expand(size, *first.shape[1:])
        for part, size in zip(parts, sizes, strict=True)
    ]
    return torch.cat(rows)


@dataclass(frozen=True)
class SavedLatent:
    """The codes of one image, as a latent file holds them."""

    path: Path
    ws: Tensor
    """One w per layer, `(num_ws, D)`."""
    noise: list[Tensor | None]
    """The noise maps, `(1, 1, H, W)` each; None is no noise."""
    model: str
    """Hash of the generator that they belong to."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What the image was made by, for readers."""


SeedOrLatent = int | SavedLatent
"""A seed, or the codes of a file."""
