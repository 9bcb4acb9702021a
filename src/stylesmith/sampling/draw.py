"""Any number of pictures in bounded memory: drawn in batches, written in the background."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from PIL import Image
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.data.parallel import map_ahead
from stylesmith.errors import OutputError, UsageError
from stylesmith.sampling.painter import Painter
from stylesmith.sampling.sheet import Sheet
from stylesmith.sampling.sources import Source, save_codes, source_name
from stylesmith.sampling.tensor_file import SUFFIX

BATCH = 16
"""Images drawn at once."""
WRITERS = 2
"""Threads that encode and write."""
WAITING = 4
"""Batches that may wait to be written."""
FEW_CORES = 2
"""Where all cores are busy drawing, threads that write hold them up: 1,000 images of 32x32 came at
0.7 of the rate without writing in the background, and at 0.9 in turns."""

Progress = Callable[[int, int], None]
"""Told how many pictures are done, and of how many."""
Batch = tuple[list[Source], Tensor]
"""Sources and their images `(N, C, H, W)`, on the CPU."""
Drawn = tuple[Tensor, list[Path]]
"""Images `(N, C, H, W)` on the CPU, and where each goes."""


def draw_batches(
    pipeline: Painter, sources: Sequence[Source], *, batch_size: int = BATCH
) -> Iterator[Batch]:
    """Draw all sources in order.

    Seeds come in batches. Files come one at a time: so they redraw bit by bit, which arithmetic
    over other batch sizes does not promise.
    """
    for batch in batches(sources, batch_size):
        yield batch, pipeline.draw(pipeline.codes(batch)).cpu()


def batches(sources: Sequence[Source], batch_size: int) -> Iterator[list[Source]]:
    """Runs of at most so many seeds, and each file alone."""
    run: list[Source] = []
    for source in sources:
        single = not isinstance(source, int)
        if run and (single or len(run) == batch_size or not isinstance(run[-1], int)):
            yield run
            run = []
        run.append(source)
    if run:
        yield run


def write_folder(
    pipeline: Painter,
    sources: Sequence[Source],
    folder: Path,
    *,
    suffix: str = ".png",
    latents: bool = False,
    batch_size: int = BATCH,
    on_progress: Progress | None = None,
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
    named = _named(sources)
    _make_folder(folder)

    def drawn() -> Iterator[Drawn]:
        done, several = 0, list(named.values())
        for batch, images in draw_batches(
            pipeline, several, batch_size=1 if latents else batch_size
        ):
            paths = [folder / f"{source_name(source)}{suffix}" for source in batch]
            if latents:
                _save_latent(pipeline, batch[0], paths[0].with_suffix(SUFFIX))
            yield images, paths
            done += len(batch)
            if on_progress:
                on_progress(done, len(named))

    in_turns = pipeline.device.type == "cpu" and (os.cpu_count() or 1) <= FEW_CORES
    return list(chain.from_iterable(_written(drawn(), serial=in_turns)))


def write_grid(
    pipeline: Painter,
    sources: Sequence[Source],
    path: Path,
    *,
    columns: int | None = None,
    batch_size: int = BATCH,
    on_progress: Progress | None = None,
) -> None:
    """Write all sources as one tiled picture, row by row; `columns` defaults to a square's.

    Raises:
        UsageError: If the picture would be too large for its format.
        OutputError: If it cannot be written.
    """
    sheet = Sheet.for_count(path, len(sources), columns)
    done = 0
    for batch, images in draw_batches(pipeline, sources, batch_size=batch_size):
        sheet.paste(images, done)
        done += len(batch)
        if on_progress:
            on_progress(done, len(sources))
    sheet.save()


def _save_latent(pipeline: Painter, source: Source, path: Path) -> None:
    made_by = {"from": source_name(source), **pipeline.settings.describe()}
    save_codes(path, pipeline.codes([source]), model=pipeline.model_hash, settings=made_by)


def _named(sources: Sequence[Source]) -> dict[str, Source]:
    named: dict[str, Source] = {}
    for source in sources:
        name = source_name(source)
        known = named.setdefault(name, source)
        if _origin(known) != _origin(source):
            raise UsageError(f"two pictures would be named {name}; draw them one after the other")
    return named


def _origin(source: Source) -> int | Path:
    return source if isinstance(source, int) else source.path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"{folder}: cannot be written ({reason}). Choose another place."
        raise OutputError(message) from error


def _written(batches: Iterator[Drawn], *, serial: bool) -> Iterator[list[Path]]:
    """Write what is drawn, in the background or before the next batch is drawn."""
    if serial:
        yield from map(_write_batch, batches)
        return
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="write") as pool:
        yield from map_ahead(pool, _write_batch, batches, ahead=WAITING)


def _write_batch(item: Drawn) -> list[Path]:
    images, paths = item
    for picture, path in zip(pixels.to_pictures(images), paths, strict=True):
        _write(picture, path)
    return paths


def _write(image: Image.Image, path: Path) -> None:
    """Write one image, whole or not at all.

    `files.write_atomically` would wait for the disk twice for each of many small files, which took
    more time than drawing them; what a power failure takes can be drawn again.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        with temporary.open("wb", buffering=0) as file:
            file.write(pixels.encode_picture(image, path.suffix))
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        reason = error.strerror or str(error)
        raise OutputError(
            f"{path}: cannot be written ({reason}). Free some space or choose another place."
        ) from error
