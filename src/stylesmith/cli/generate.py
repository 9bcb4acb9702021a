"""`stylesmith generate`: pictures from a trained generator."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stylesmith.cli.console import console, progress
from stylesmith.cli.train import Device
from stylesmith.errors import UsageError

CHUNK = 16
"""Images drawn at once."""
MOST = 1_000_000
"""Pictures of one command."""


class Noise(StrEnum):
    """Choices of --noise."""

    fixed = "fixed"
    random = "random"
    none = "none"


def generate(
    model: Annotated[str, typer.Argument(help="Run, model folder, snapshot or checkpoint.")],
    seeds: Annotated[str, typer.Option(help="Which pictures: 0-15, or 3,5,8-10.")] = "0-15",
    psi: Annotated[
        float,
        typer.Option(min=-2, max=2, help="Truncation: 0 is the mean image, 1 full variety."),
    ] = 0.7,
    class_: Annotated[
        int | None, typer.Option("--class", help="Class to draw, where the model has classes.")
    ] = None,
    noise: Annotated[
        Noise, typer.Option(help="Fine variation: the model's own, by seed, or none.")
    ] = Noise.fixed,
    out: Annotated[
        Path, typer.Option(help="A picture for a grid of all; a folder for one file each.")
    ] = Path("samples.png"),
    columns: Annotated[int | None, typer.Option(min=1, help="Columns of the grid.")] = None,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.auto,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
) -> None:
    """Draw one picture per seed; the same seed gives the same picture.

    Examples:
    `stylesmith generate runs/photos --seeds 0-15 --psi 0.7 --out samples.png`

    `stylesmith generate runs/photos --seeds 0-999 --out pictures/`
    """
    numbers = parse_seeds(seeds)
    import torch

    from stylesmith import files, images
    from stylesmith.models import load

    grid = out.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp")
    if out.suffix and not grid:
        raise UsageError(f"--out {out}: wanted a .png, .jpg or .webp picture, or a folder")
    files.check_absent(out, force=force)
    generator = load(model, device=device.value)
    generator.label_row(class_)
    drawn = []
    with progress("Drawing") as advance:
        for start in range(0, len(numbers), CHUNK):
            chunk = numbers[start : start + CHUNK]
            batch = generator.sample(chunk, psi=psi, label=class_, noise=noise.value).cpu()
            if grid:
                drawn.append(batch)
            else:
                for seed, image in zip(chunk, batch, strict=True):
                    images.save(image, out / f"seed{seed:04d}.png")
            advance(start + len(chunk), len(numbers))
    if grid:
        images.save_grid(torch.cat(drawn), out, columns=columns)
    count = "1 picture" if len(numbers) == 1 else f"{len(numbers)} pictures"
    console.print(f"{count} -> {out}", markup=False, soft_wrap=True)


def parse_seeds(text: str) -> list[int]:
    """Numbers from a list of numbers and ranges: `0-3,8` -> `[0, 1, 2, 3, 8]`.

    Raises:
        UsageError: If the text is malformed, asks for too many, or goes beyond 2**32 - 1.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match:
            raise UsageError(f"--seeds {text!r}: wanted numbers and ranges, such as 0-15 or 3,5,8")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UsageError(f"--seeds {text!r}: the range {part.strip()} runs backwards")
        if last >= 2**32:
            raise UsageError(f"--seeds {text!r}: seeds end at {2**32 - 1}")
        if len(seeds) + last - first >= MOST:
            raise UsageError(f"--seeds {text!r}: more than {MOST} pictures; draw them in parts")
        seeds += range(first, last + 1)
    return seeds
