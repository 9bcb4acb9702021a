"""Latent codes of images: one w per layer and the noise maps, in memory and as latent files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stylesmith.config import GeneratorConfig
from stylesmith.errors import DataError
from stylesmith.networks.synthesis import NoiseMaps
from stylesmith.tensor_file import read_tensor_file, write_tensor_file


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

    def with_ws_rows(self, other: Tensor, rows: Sequence[int]) -> "LatentCodes":
        """Replace rows of `ws` by those of `other`, `(N or 1, num_ws, D)`: style mixing."""
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
    """Settings that the image was made by, for readers."""


SeedOrLatent = int | SavedLatent
"""A seed, or the codes of a file."""


def image_stem(source: SeedOrLatent) -> str:
    """The file name of its image without suffix: `seed0003`, or that of the latent file."""
    return f"seed{source:04d}" if isinstance(source, int) else source.path.stem


def save_latents(
    path: Path, codes: LatentCodes, *, model: str, settings: Mapping[str, Any]
) -> None:
    """Write the codes of one image as a latent file.

    Args:
        path: Ends in .safetensors.
        codes: Styles and noise of one image; maps that are None stay so.
        model: Hash of the generator.
        settings: What the image was made by; anything JSON can hold.

    Raises:
        OutputError: If the file cannot be written.
    """
    assert len(codes) == 1
    maps = {f"noise_{i}": map_[:1] for i, map_ in enumerate(codes.noise) if map_ is not None}
    header = {"model": model, "settings": dict(settings), "noise_inputs": len(codes.noise)}
    write_tensor_file(path, {"w": codes.ws[0], **maps}, header, kind="latent")


def load_latents(path: Path, config: GeneratorConfig, *, model: str) -> SavedLatent:
    """Read a latent file.

    Args:
        path: The file.
        config: Of the generator that it should be drawn by.
        model: Its hash.

    Raises:
        DataError: If the file is missing, damaged, or belongs to another generator.
    """
    tensors, header = read_tensor_file(path, kind="latent", error=DataError)
    check_model_hash(path, str(header.get("model")), model)
    noise = [tensors.get(f"noise_{i}") for i in range(len(config.noise_shapes))]
    wanted: list[tuple[int, ...]] = [(config.num_ws, config.w_dim)]
    wanted += [(1, 1, *shape) for shape in config.noise_shapes]
    for tensor, shape in zip([tensors.get("w"), *noise], wanted, strict=True):
        if tensor is not None and (tensor.shape != shape or tensor.dtype != torch.float32):
            raise DataError(f"{path}: damaged: holds {tuple(tensor.shape)}, wanted {shape}.")
    if "w" not in tensors:
        raise DataError(f"{path}: damaged: holds no w.")
    return SavedLatent(path, tensors["w"], noise, model, dict(header.get("settings") or {}))


def check_model_hash(path: Path, found: str, wanted: str) -> None:
    """Refuse a file that was made for another generator.

    Raises:
        DataError: If the hashes differ, naming both.
    """
    if found != wanted:
        raise DataError(
            f"{path}: belongs to the model {found}, this one is {wanted}. Use it with its own "
            "model: codes mean nothing to another one."
        )
