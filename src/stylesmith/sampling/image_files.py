"""Images in bounded memory: drawn in batches, written as one file each or as one grid."""

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.callbacks import ProgressCallback
from stylesmith.data.parallel import map_ahead
from stylesmith.errors import OutputError, UsageError
from stylesmith.sampling.latent_codes import SeedOrLatent, image_stem, save_latents
from stylesmith.sampling.pipeline import SamplingPipeline
from stylesmith.tensor_file import TENSOR_FILE_SUFFIX

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
            header_cells: So many first rows and columns are set apart from the rest by a gap.
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


DEFAULT_BATCH_SIZE = 16
"""Images drawn at once."""
WRITER_THREADS = 2
"""Threads that encode and write."""
MAX_PENDING_BATCHES = 4
"""Batches that may wait to be written."""
MAX_CORES_FOR_SERIAL_WRITING = 2
"""Where all cores are busy drawing, threads that write hold them up: 1,000 images of 32x32 came at
0.7 of the rate without writing in the background, and at 0.9 in turns."""

DrawnBatch = tuple[list[SeedOrLatent], Tensor]
"""Sources and their images `(N, C, H, W)`, on the CPU."""
ImagesAndPaths = tuple[Tensor, list[Path]]
"""Images `(N, C, H, W)` on the CPU, and where each goes."""


def draw_batches(
    pipeline: SamplingPipeline,
    sources: Sequence[SeedOrLatent],
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
) -> Iterator[DrawnBatch]:
    """Draw all sources in order.

    Seeds come in batches. Files come one at a time: so they redraw bit by bit, which arithmetic
    over other batch sizes does not promise.
    """
    for batch in batch_sources(sources, batch_size):
        yield batch, pipeline.draw(pipeline.codes(batch)).cpu()


def batch_sources(sources: Sequence[SeedOrLatent], batch_size: int) -> Iterator[list[SeedOrLatent]]:
    """Runs of at most so many seeds, and each file alone."""
    run: list[SeedOrLatent] = []
    for source in sources:
        single = not isinstance(source, int)
        if run and (single or len(run) == batch_size or not isinstance(run[-1], int)):
            yield run
            run = []
        run.append(source)
    if run:
        yield run


def write_folder(
    pipeline: SamplingPipeline,
    sources: Sequence[SeedOrLatent],
    folder: Path,
    *,
    suffix: str = ".png",
    latents: bool = False,
    batch_size: int = DEFAULT_BATCH_SIZE,
    on_progress: ProgressCallback | None = None,
) -> list[Path]:
    """Write one file per source.

    Args:
        pipeline: The generator with its settings.
        sources: Seeds and files; one that comes twice is written once.
        folder: Made if it isn't there.
        suffix: .png, .jpg or .webp.
        latents: Write a latent file beside each picture, which is then drawn alone, so that the
            file redraws it bit by bit.
        batch_size: Images drawn at once.
        on_progress: Told after every batch.

    Returns:
        The pictures, in order.

    Raises:
        UsageError: If pictures of two sources would have the same name.
        OutputError: If a file cannot be written.
    """
    named = _unique_by_name(sources)
    _make_folder(folder)

    def drawn() -> Iterator[ImagesAndPaths]:
        done, several = 0, list(named.values())
        for batch, images in draw_batches(
            pipeline, several, batch_size=1 if latents else batch_size
        ):
            paths = [folder / f"{image_stem(source)}{suffix}" for source in batch]
            if latents:
                _save_latent(pipeline, batch[0], paths[0].with_suffix(TENSOR_FILE_SUFFIX))
            yield images, paths
            done += len(batch)
            if on_progress:
                on_progress(done, len(named))

    in_turns = (
        pipeline.device.type == "cpu" and (os.cpu_count() or 1) <= MAX_CORES_FOR_SERIAL_WRITING
    )
    return list(chain.from_iterable(_write_batches(drawn(), serial=in_turns)))


def write_grid(
    pipeline: SamplingPipeline,
    sources: Sequence[SeedOrLatent],
    path: Path,
    *,
    columns: int | None = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
    on_progress: ProgressCallback | None = None,
) -> None:
    """Write all sources as one tiled picture, row by row; `columns` defaults to a square's.

    Raises:
        UsageError: If the picture would be too large for its format.
        OutputError: If it cannot be written.
    """
    sheet = ImageGrid.for_count(path, len(sources), columns)
    done = 0
    for batch, images in draw_batches(pipeline, sources, batch_size=batch_size):
        sheet.paste(images, done)
        done += len(batch)
        if on_progress:
            on_progress(done, len(sources))
    sheet.save()


def _save_latent(pipeline: SamplingPipeline, source: SeedOrLatent, path: Path) -> None:
    made_by = {"from": image_stem(source), **pipeline.settings.describe()}
    save_latents(path, pipeline.codes([source]), model=pipeline.model_hash, settings=made_by)


def _unique_by_name(sources: Sequence[SeedOrLatent]) -> dict[str, SeedOrLatent]:
    named: dict[str, SeedOrLatent] = {}
    for source in sources:
        name = image_stem(source)
        known = named.setdefault(name, source)
        if _seed_or_path(known) != _seed_or_path(source):
            raise UsageError(f"two pictures would be named {name}; draw them one after the other")
    return named


def _seed_or_path(source: SeedOrLatent) -> int | Path:
    return source if isinstance(source, int) else source.path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"{folder}: cannot be written ({reason}). Choose another place."
        raise OutputError(message) from error


def _write_batches(batches: Iterator[ImagesAndPaths], *, serial: bool) -> Iterator[list[Path]]:
    """Write what is drawn, in the background or before the next batch is drawn."""
    if serial:
        yield from map(_write_batch, batches)
        return
    with ThreadPoolExecutor(WRITER_THREADS, thread_name_prefix="write") as pool:
        yield from map_ahead(pool, _write_batch, batches, ahead=MAX_PENDING_BATCHES)


def _write_batch(item: ImagesAndPaths) -> list[Path]:
    images, paths = item
    for picture, path in zip(pixels.to_pil_images(images), paths, strict=True):
        _write_image(picture, path)
    return paths


def _write_image(image: Image.Image, path: Path) -> None:
    """Write one image, whole or not at all.

    `files.write_atomically` would wait for the disk twice for each of many small files, which took
    more time than drawing them; what a power failure takes can be drawn again.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        with temporary.open("wb", buffering=0) as file:
            file.write(pixels.encode_pil(image, path.suffix))
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        reason = error.strerror or str(error)
        raise OutputError(
            f"{path}: cannot be written ({reason}). Free some space or choose another place."
        ) from error
