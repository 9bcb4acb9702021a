"""Images that lie in arrays of pixels, as an archive of numbered images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from stylesmith.data.label_values import Labels
from stylesmith.data.pixel_files import (
    CHANNELS,
    encode_pixels,
    encoded_size,
    number_in_name,
    numbered_names,
)
from stylesmith.errors import DataError

_SAMPLE_BYTES = 1 << 12
"""An image up to this size is its own sample."""


class ImageArray(Protocol):
    """Arrays of images that an archive reads: those of NumPy, and others that read lazily."""

    @property
    def shape(self) -> tuple[int, ...]:
        """`(N, H, W, C)`."""

    @property
    def itemsize(self) -> int:
        """Bytes of a value."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


class ArrayArchive:
    """Arrays of images, in memory or mapped from files, one after the other."""

    dead_links: frozenset[str] = frozenset()
    shape: tuple[int, int, int] | None

    def __init__(
        self,
        path: Path,
        arrays: Sequence[ImageArray],
        labels: Labels | None,
        description: str,
        *,
        padding: int = 0,
    ):
        """Check the arrays.

        Args:
            path: The file or folder.
            arrays: Each `(N, H, W, C)`, uint8, or uint16 with one channel; all of one shape but N.
            labels: Of all images in order.
            description: What this is, for people.
            padding: Black pixels that are added on every side.
        """
        self.path, self.labels, self.description = path, labels, description
        self._arrays, self._padding = arrays, padding
        self._ends = np.cumsum([len(array) for array in arrays])
        height, width, channels = arrays[0].shape[1:]
        self.shape = (height + 2 * padding, width + 2 * padding, channels)
        size = encoded_size(self.shape, arrays[0].itemsize)
        self.sizes = dict.fromkeys(numbered_names(int(self._ends[-1])), size)

    def read(self, name: str) -> bytes:
        """An uncompressed image file of the pixels."""
        pixels = self._image(name)
        if self._padding:
            border = (self._padding, self._padding)
            pixels = np.pad(pixels, (border, border, (0, 0)))
        return encode_pixels(pixels)

    def read_ends(self, name: str, head: int, tail: int) -> tuple[bytes, bytes]:
        """The whole file, and its last bytes."""
        content = self.read(name)
        return content, content[-tail:]

    def sample(self, name: str) -> bytes:
        """The whole image if it is small, else its middle row and its last row."""
        pixels = self._image(name)
        if pixels.nbytes <= _SAMPLE_BYTES:
            return pixels.tobytes()
        return pixels[len(pixels) // 2].tobytes() + pixels[-1].tobytes()

    checksum = read  # arrays keep none

    def close(self) -> None:
        """Let go of the arrays, and with them of mapped files."""
        self._arrays = []

    def _image(self, name: str) -> np.ndarray:
        number = number_in_name(name)
        part = int(np.searchsorted(self._ends, number, side="right"))
        image: np.ndarray = self._arrays[part][number - self._ends[part]]
        return image


def as_images(array: np.ndarray, where: str) -> np.ndarray:
    """A view `(N, H, W, C)` of images with channels last, first, or none.

    Raises:
        DataError: If the array holds no images.
    """
    shape, dtype = array.shape, array.dtype
    if array.ndim == 3:
        images = array[..., None]
    elif array.ndim == 4 and shape[3] in CHANNELS:
        images = array
    elif array.ndim == 4 and shape[1] in CHANNELS:
        images = array.transpose(0, 2, 3, 1)
    else:
        raise DataError(
            f"{where}: holds an array of shape {shape}. Wanted images: (N, H, W), (N, H, W, C) or "
            "(N, C, H, W) with 1, 3 or 4 channels."
        )
    is_gray16 = dtype.kind == "u" and dtype.itemsize == 2 and images.shape[3] == 1
    if dtype != np.uint8 and not is_gray16:
        raise DataError(
            f"{where}: holds images of {dtype}, whose range of values is not known. Save them as "
            "uint8, 0 to 255."
        )
    if not images.size:
        raise DataError(f"{where}: holds no images; its array has the shape {shape}.")
    return images
