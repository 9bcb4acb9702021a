"""Conversion of float images in -1..1 to uint8, files and grids, and the reverse.

Inside the package an image batch is float, -1..1, `(N, C, H, W)`; 8-bit values exist only at the
boundaries. One channel is gray, three are RGB, four are RGBA.
"""

import io
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from stylesmith import files
from stylesmith.errors import OutputError, ShapeError

PIL_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode for each number of channels."""
SAVE_OPTIONS = {"JPEG": {"quality": 95}, "PNG": {"compress_type": zlib.Z_RLE}}
"""By format. Runs of equal bytes are all that zlib finds in filtered images: searching for more
took five times as long and saved less than a hundredth."""


def from_uint8(pixels: Tensor) -> Tensor:
    """Map 0..255 to -1..1; shape unchanged, dtype float32."""
    return pixels.to(torch.float32) / 127.5 - 1


def to_uint8(images: Tensor) -> Tensor:
    """Map -1..1 to 0..255, rounded to the nearest level and clipped; shape unchanged."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def make_grid(images: Tensor, *, columns: int | None = None) -> Tensor:
    """Tile images row by row, `(N, C, H, W)` -> `(C, rows * H, columns * W)`; the rest is black.

    `columns` defaults to the number that makes the grid closest to a square.
    """
    if images.ndim != 4 or len(images) == 0:
        raise ShapeError(
            f"images must be (N, C, H, W) with N at least 1, got {tuple(images.shape)}"
        )
    n, channels, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    grid = images.new_full((rows * columns, channels, height, width), -1.0)
    grid[:n] = images
    tiles = grid.reshape(rows, columns, channels, height, width)
    return tiles.permute(2, 0, 3, 1, 4).reshape(channels, rows * height, columns * width)


def to_pil_images(images: Tensor) -> list[Image.Image]:
    """Float images, `(N, C, H, W)`, as Pillow images; all at once is faster than one by one."""
    if images.shape[1] not in PIL_MODES:
        raise ShapeError(f"an image has 1, 3 or 4 channels, got {tuple(images.shape[1:])}")
    pixels = np.ascontiguousarray(to_uint8(images).permute(0, 2, 3, 1).cpu().numpy())
    return [Image.fromarray(one[..., 0] if one.shape[2] == 1 else one) for one in pixels]


def to_pil_image(image: Tensor) -> Image.Image:
    """One float image, `(C, H, W)`, as a Pillow image."""
    return to_pil_images(image[None])[0]


def encode_image(image: Tensor, suffix: str = ".png") -> bytes:
    """One float image, `(C, H, W)`, as the bytes of a PNG, JPEG or WebP file.

    Raises:
        OutputError: If no image format goes by `suffix`.
    """
    return encode_pil(to_pil_image(image), suffix)


def encode_pil(image: Image.Image, suffix: str) -> bytes:
    """A Pillow image as the bytes of a PNG, JPEG or WebP file.

    Raises:
        OutputError: If no image format goes by `suffix`.
    """
    format_name = Image.registered_extensions().get(suffix.lower())
    if format_name not in {"PNG", "JPEG", "WEBP"}:
        raise OutputError(f"{suffix or 'no suffix'}: images are written as .png, .jpg or .webp")
    if format_name == "JPEG" and image.mode == "RGBA":
        image = image.convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, format_name, **SAVE_OPTIONS.get(format_name, {}))
    return buffer.getvalue()


def save_image(image: Tensor, path: Path) -> None:
    """Write one float image, `(C, H, W)`; the suffix of `path` names the format."""
    files.write_bytes(path, encode_image(image, path.suffix))


def save_grid(images: Tensor, path: Path, *, columns: int | None = None) -> None:
    """Write a batch `(N, C, H, W)` as one tiled image."""
    save_image(make_grid(images, columns=columns), path)
