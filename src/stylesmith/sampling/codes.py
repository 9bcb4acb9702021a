"""What an image is drawn from: one w per layer, and the noise maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.networks.synthesis import NoiseMaps


@dataclass(frozen=True)
class LatentCodes:
    """Latent codes and noise of N images."""

    ws: Tensor
    """One w per layer, `(N, num_ws, D)`."""
    noise: NoiseMaps
    """One map `(N or 1, 1, H, W)` per noise input; None is no noise, 1 is the same for all."""

    def __len__(self) -> int:
        return len(self.ws)

    def __getitem__(self, index: slice) -> "LatentCodes":
        """Some of the images."""
        return LatentCodes(self.ws[index], [_select_maps(noise, index) for noise in self.noise])

    def expand(self, count: int) -> "LatentCodes":
        """The codes of one image, `count` times."""
        assert len(self) == 1
        return LatentCodes(self.ws.expand(count, -1, -1), self.noise)

    def with_ws_rows(self, other: Tensor, rows: Sequence[int]) -> "LatentCodes":
        """Those rows of `ws` taken from `other`, `(N or 1, num_ws, D)`: style mixing."""
        count = max(len(self), len(other))
        ws = self.ws.expand(count, -1, -1).clone()
        ws[:, list(rows)] = other[:, list(rows)].expand(count, -1, -1)
        return LatentCodes(ws, self.noise)


def cat_codes(parts: Sequence[LatentCodes]) -> LatentCodes:
    """The images of several codes, one after the other."""
    if len(parts) == 1:
        return parts[0]
    sizes = [len(part) for part in parts]
    columns = zip(*(part.noise for part in parts), strict=True)
    noise = [_cat_maps(maps, sizes) for maps in columns]
    return LatentCodes(torch.cat([part.ws for part in parts]), noise)


def _select_maps(noise: Tensor | None, index: slice) -> Tensor | None:
    return noise if noise is None or len(noise) == 1 else noise[index]


def _cat_maps(maps: Sequence[Tensor | None], sizes: Sequence[int]) -> Tensor | None:
    """Maps of several codes as one; no noise beside noise is a map of zeros."""
    there = [noise for noise in maps if noise is not None]
    if not there:
        return None
    first = there[0]
    if len(there) == len(maps) and len(first) == 1 and all(noise is first for noise in maps):
        return first
    rows = [
        (torch.zeros_like(first[:1]) if noise is None else noise).expand(size, -1, -1, -1)
        for noise, size in zip(maps, sizes, strict=True)
    ]
    return torch.cat(rows)
