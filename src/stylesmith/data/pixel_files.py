"""Pixels of containers as uncompressed image files, so that all data is read in one way.

Gray and color become netpbm files (P5, P6), 16-bit gray too; color with alpha has the form that
Pillow adds to them.
"""

from collections.abc import Iterator

import numpy as np

PIXEL_SUFFIX = ".ppm"
_MAGIC = {1: "P5", 3: "P6", 4: "PyRGBA"}

CHANNELS = frozenset(_MAGIC)
"""Numbers of channels that images can have."""


def encode_pixels(pixels: np.ndarray) -> bytes:
    """An image file of pixels `(H, W, C)`, uint8 with 1, 3 or 4 channels, or uint16 with 1."""
    height, width, channels = pixels.shape
    header = f"{_MAGIC[channels]}\n{width} {height}\n{np.iinfo(pixels.dtype).max}\n".encode()
    return header + pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()


def encoded_size(shape: tuple[int, int, int], bytes_per_value: int = 1) -> int:
    """The size in bytes of the file of an image of shape `(H, W, C)`."""
    height, width, channels = shape
    highest = 256**bytes_per_value - 1
    header = len(f"{_MAGIC[channels]}\n{width} {height}\n{highest}\n")
    return header + height * width * channels * bytes_per_value


def numbered_names(count: int, suffix: str = PIXEL_SUFFIX) -> Iterator[str]:
    """Names for the images of a container that only numbers them."""
    return (f"{index:08d}{suffix}" for index in range(count))


def number_in_name(name: str) -> int:
    """The number that `numbered_names` made a name of."""
    return int(name.partition(".")[0])
