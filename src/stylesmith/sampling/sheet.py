"""A page of equal pictures, with margins where a figure has them."""

import math
from pathlib import Path

import torch
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.errors import UsageError

MAX_GRID_PIXELS = 89_000_000
"""Pixels of a page; image viewers warn of larger ones, or refuse them."""
MAX_SIDE_BY_SUFFIX = {".jpg": 65535, ".jpeg": 65535, ".webp": 16383}
"""Pixels that a side can have, where the format sets a bound."""
WHITE, BLACK = 255, 0


class ImageGrid:
    """Pictures in rows and columns, which are placed in any order and kept in 8 bits.

    Places without a picture have the color of the page.
    """

    def __init__(
        self,
        path: Path,
        rows: int,
        columns: int,
        *,
        header_cells: tuple[int, int] = (0, 0),
        color: int = WHITE,
    ):
        """A page to be saved at `path`.

        Args:
            path: Where to; the suffix names the format.
            rows: Pictures from top to bottom.
            columns: Pictures from left to right.
            margins: So many first rows and columns are set apart from the rest by a gap.
            color: Of the page.
        """
        self.path, self.rows, self.columns = path, rows, columns
        self.header_cells, self.color = header_cells, color
        self.canvas: Tensor | None = None

    @classmethod
    def for_count(cls, path: Path, count: int, columns: int | None) -> "ImageGrid":
        """A black page for so many pictures, as near to a square as can be by default."""
        columns = columns or math.ceil(math.sqrt(count))
        return cls(path, math.ceil(count / columns), columns, color=BLACK)

    def paste(self, images: Tensor, index: int) -> None:
        """Put images `(N, C, H, W)` on the page from a place on, counted row by row.

        Raises:
            UsageError: If the page would be too large for its format.
        """
        if self.canvas is None:
            self.canvas = self._new_canvas(images)
        height, width = images.shape[-2:]
        for offset, image in enumerate(pixels.to_uint8(images).cpu()):
            row, column = divmod(index + offset, self.columns)
            top = row * height + self._gap(row, self.header_cells[0], height, width)
            left = column * width + self._gap(column, self.header_cells[1], height, width)
            self.canvas[:, top : top + height, left : left + width] = image

    def save(self) -> None:
        """Write the page.

        Raises:
            OutputError: If it cannot be written.
        """
        assert self.canvas is not None
        pixels.save_image(pixels.from_uint8(self.canvas), self.path)

    def _new_canvas(self, images: Tensor) -> Tensor:
        channels, height, width = images.shape[-3:]
        tall = self.rows * height + self._gap(self.rows, self.header_cells[0], height, width)
        wide = self.columns * width + self._gap(self.columns, self.header_cells[1], height, width)
        suffix = self.path.suffix.lower()
        longest = MAX_SIDE_BY_SUFFIX.get(suffix, MAX_GRID_PIXELS)
        if tall * wide > MAX_GRID_PIXELS or max(tall, wide) > longest:
            bound = (
                f"{longest} a side" if max(tall, wide) > longest else f"{MAX_GRID_PIXELS:,} in all"
            )
            raise UsageError(
                f"{self.path}: would have {wide}x{tall} pixels, more than {bound}. Draw fewer "
                "pictures, or into a folder."
            )
        return torch.full((channels, tall, wide), self.color, dtype=torch.uint8)

    @staticmethod
    def _gap(place: int, margin: int, height: int, width: int) -> int:
        """Pixels of the gap before a row or column, an eighth of a picture."""
        return max(1, min(height, width) // 8) if 0 < margin <= place else 0
