"""Images in bounded memory: drawn in batches, written as one file each or as one grid."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, groupby
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from stylesmith import files
from stylesmith import images as pixels
from stylesmith.callbacks import ProgressCallback
from stylesmith.data.parallel import map_ahead
from stylesmith.errors import UsageError
from stylesmith.networks.latent_codes import LatentCodes, SeedOrLatent
from stylesmith.networks.sampling_pipeline import SamplingPipeline
from stylesmith.sampling.latent_files import image_stem, write_latent_file
from stylesmith.tensor_file import TENSOR_FILE_SUFFIX

MAX_GRID_PIXELS = 89_000_000
"""Pixels of a grid; image viewers warn of larger ones, or refuse them."""
MAX_PIXELS_PER_SIDE = {".jpg": 65535, ".jpeg": 65535, ".webp": 16383}
"""Largest height and width in pixels, where the format sets a bound."""
WHITE, BLACK = 255, 0

PlacedImages = tuple[int, Tensor]
"""Images `(N, C, H, W)`, and the cell of the first one, counted row by row."""


class ImageGrid:
    """Images in rows and columns, placed in any order and kept in 8 bits.

    Cells without an image have the color of the background.
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
        """A grid to be saved at `path`.

        Args:
            path: The file; the suffix names the format.
            rows: Images from top to bottom.
            columns: Images from left to right.
            header_cells: Number of first rows and columns that a gap separates from the rest.
            color: Gray level of the background, 0..255.
        """
        self.path, self.rows, self.columns = path, rows, columns
        self.header_cells, self.color = header_cells, color
        self.canvas = torch.empty(0)

    def write(
        self,
        cells: Iterable[PlacedImages],
        *,
        total: int = 0,
        on_progress: ProgressCallback | None = None,
    ) -> None:
        """Paste images as they are drawn, then save the grid.

        Args:
            cells: The images and their cells; at least one.
            total: Number of all images, for progress.
            on_progress: Called with the number of images after each paste.

        Raises:
            UsageError: If the grid would be too large for its format.
            OutputError: If it cannot be written.
        """
        done = 0
        for index, images in cells:
            self._paste(images, index)
            done += len(images)
            if on_progress:
                on_progress(done, total)
        pixels.save_image(pixels.from_uint8(self.canvas), self.path)

    def _paste(self, images: Tensor, index: int) -> None:
        if not len(self.canvas):
            self.canvas = self._new_canvas(images)
        height, width = images.shape[-2:]
        for offset, image in enumerate(pixels.to_uint8(images).cpu()):
            row, column = divmod(index + offset, self.columns)
            top, left = self._corner(row, column, height, width)
            self.canvas[:, top : top + height, left : left + width] = image

    def _new_canvas(self, images: Tensor) -> Tensor:
        channels, height, width = images.shape[-3:]
        tall, wide = self._corner(self.rows, self.columns, height, width)
        longest = MAX_PIXELS_PER_SIDE.get(self.path.suffix.lower(), MAX_GRID_PIXELS)
        if tall * wide > MAX_GRID_PIXELS or max(tall, wide) > longest:
            bound = (
                f"{longest} a side" if max(tall, wide) > longest else f"{MAX_GRID_PIXELS:,} in all"
            )
            raise UsageError(
                f"{self.path}: would have {wide}x{tall} pixels, more than {bound}. Draw fewer "
                "images, or into a folder."
            )
        return torch.full((channels, tall, wide), self.color, dtype=torch.uint8)

    def _corner(self, row: int, column: int, height: int, width: int) -> tuple[int, int]:
        """Top and left pixel of a cell; the gap behind headers is an eighth of an image."""
        gap = max(1, min(height, width) // 8)
        above, left = (0 < n <= at for n, at in zip(self.header_cells, (row, column), strict=True))
        return row * height + gap * above, column * width + gap * left


WRITER_THREADS = 2
"""Threads that encode and write."""
MAX_PENDING_BATCHES = 4
"""Batches that may wait to be written."""
MAX_CORES_FOR_SERIAL_WRITING = 2
"""Where all cores are busy drawing, threads that write hold them up: 1,000 images of 32x32 came at
0.7 of the rate without writing in the background, and at 0.9 in turns."""

ImagesAndPaths = tuple[Tensor, list[Path]]
"""Images `(N, C, H, W)` on the CPU, and where each goes."""


def draw_batches(
    pipeline: SamplingPipeline, sources: Sequence[SeedOrLatent], *, batch_size: int | None = None
) -> Iterator[tuple[list[SeedOrLatent], Tensor]]:
    """Draw all sources in order, with their images `(N, C, H, W)` on the CPU.

    Seeds are drawn in batches. Files are drawn one at a time: so they are redrawn bit by bit, which
    arithmetic over other batch sizes does not promise.
    """
    for batch in batch_sources(sources, batch_size or pipeline.batch_size):
        yield batch, pipeline.draw(pipeline.codes(batch)).cpu()


def draw_cells(
    pipeline: SamplingPipeline, codes: LatentCodes, first: int
) -> Iterator[PlacedImages]:
    """Draw codes in batches, for the cells of a grid from `first` on."""
    for start in range(0, len(codes), pipeline.batch_size):
        yield first + start, pipeline.draw(codes[start : start + pipeline.batch_size])


def column_cells(
    pipelines: Sequence[SamplingPipeline], sources: Sequence[SeedOrLatent]
) -> Iterator[PlacedImages]:
    """Draw a grid with a row for each source and a column for each pipeline."""
    for column, pipeline in enumerate(pipelines):
        images = (image for _, batch in draw_batches(pipeline, sources) for image in batch)
        for row, image in enumerate(images):
            yield row * len(pipelines) + column, image[None]


def batch_sources(sources: Sequence[SeedOrLatent], batch_size: int) -> Iterator[list[SeedOrLatent]]:
    """Runs of at most so many seeds, and each file alone."""
    for seeds, group in groupby(sources, key=lambda source: isinstance(source, int)):
        run, size = list(group), batch_size if seeds else 1
        yield from (run[start : start + size] for start in range(0, len(run), size))


def write_folder(
    pipeline: SamplingPipeline,
    sources: Sequence[SeedOrLatent],
    folder: Path,
    *,
    suffix: str = ".png",
    latents: bool = False,
    on_progress: ProgressCallback | None = None,
) -> list[Path]:
    """Write one file per source.

    Args:
        pipeline: The generator with its settings.
        sources: Seeds and files; one that comes twice is written once.
        folder: Made if it isn't there.
        suffix: .png, .jpg or .webp.
        latents: Write a latent file beside each image, which is then drawn alone, so that the
            file redraws it bit by bit.
        on_progress: Called after every batch.

    Returns:
        The images, in order.

    Raises:
        UsageError: If images of two sources would have the same name.
        OutputError: If a file cannot be written.
    """
    named = _unique_by_name(sources)

    def drawn(place: Path) -> Iterator[ImagesAndPaths]:
        done, batch_size = 0, 1 if latents else None
        for batch, images in draw_batches(pipeline, [*named.values()], batch_size=batch_size):
            paths = [place / f"{image_stem(source)}{suffix}" for source in batch]
            if latents:
                _save_latent(pipeline, batch[0], paths[0].with_suffix(TENSOR_FILE_SUFFIX))
            yield images, paths
            done += len(batch)
            if on_progress:
                on_progress(done, len(named))

    in_turns = (
        pipeline.device.type == "cpu" and (os.cpu_count() or 1) <= MAX_CORES_FOR_SERIAL_WRITING
    )
    with files.staging_folder(folder) as place:
        written = list(chain.from_iterable(_write_batches(drawn(place), serial=in_turns)))
    return [folder / path.name for path in written]


def write_grid(
    pipeline: SamplingPipeline,
    sources: Sequence[SeedOrLatent],
    path: Path,
    *,
    columns: int | None = None,
    on_progress: ProgressCallback | None = None,
) -> None:
    """Write all sources as one tiled image, row by row; `columns` defaults to a square's.

    Raises:
        UsageError: If the image would be too large for its format.
        OutputError: If it cannot be written.
    """
    columns = columns or math.ceil(math.sqrt(len(sources)))
    grid = ImageGrid(path, math.ceil(len(sources) / columns), columns, color=BLACK)

    def cells() -> Iterator[PlacedImages]:
        first = 0
        for batch, images in draw_batches(pipeline, sources):
            yield first, images
            first += len(batch)

    grid.write(cells(), total=len(sources), on_progress=on_progress)


def write_comparison(
    pipelines: Sequence[SamplingPipeline],
    sources: Sequence[SeedOrLatent],
    path: Path,
    *,
    on_progress: ProgressCallback | None = None,
) -> None:
    """Write a grid with a row for each source and a column for each pipeline.

    Raises:
        UsageError: If the image would be too large for its format.
        OutputError: If it cannot be written.
    """
    grid = ImageGrid(path, len(sources), len(pipelines), color=BLACK)
    total = len(sources) * len(pipelines)
    grid.write(column_cells(pipelines, sources), total=total, on_progress=on_progress)


def _save_latent(pipeline: SamplingPipeline, source: SeedOrLatent, path: Path) -> None:
    made_by = {"from": image_stem(source), **pipeline.describe()}
    write_latent_file(path, pipeline.codes([source]), model=pipeline.model_hash, settings=made_by)


def _unique_by_name(sources: Sequence[SeedOrLatent]) -> dict[str, SeedOrLatent]:
    unique = {source if isinstance(source, int) else source.path: source for source in sources}
    named: dict[str, SeedOrLatent] = {}
    for source in unique.values():
        if (name := image_stem(source)) in named:
            raise UsageError(f"two images would be named {name}; draw them one after the other")
        named[name] = source
    return named


def _write_batches(batches: Iterator[ImagesAndPaths], *, serial: bool) -> Iterator[list[Path]]:
    """Write images in the background, or before the next batch is drawn."""
    if serial:
        yield from map(_write_batch, batches)
        return
    with ThreadPoolExecutor(WRITER_THREADS, thread_name_prefix="write") as pool:
        yield from map_ahead(pool, _write_batch, batches, ahead=MAX_PENDING_BATCHES)


def _write_batch(item: ImagesAndPaths) -> list[Path]:
    images, paths = item
    for image, path in zip(pixels.to_pil_images(images), paths, strict=True):
        _write_image(image, path)
    return paths


def _write_image(image: Image.Image, path: Path) -> None:
    """Write one image, whole or not at all.

    Waiting for the disk twice for each of many small files took more time than drawing them; what a
    power failure takes can be drawn again.
    """
    files.write_bytes(path, pixels.encode_pil(image, path.suffix), durable=False)
