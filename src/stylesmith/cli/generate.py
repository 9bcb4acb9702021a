"""`stylesmith generate`: pictures from a trained generator."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stylesmith.cli.console import progress
from stylesmith.cli.drawing import (
    Center,
    CenterOption,
    Class,
    DeviceOption,
    Force,
    Model,
    Noise,
    Psi,
    PsiLayers,
    Seeds,
    check_picture,
    counted,
    open_painter,
    say,
)
from stylesmith.cli.train import Device
from stylesmith.errors import UsageError


class Format(StrEnum):
    """Choices of --format."""

    png = "png"
    jpg = "jpg"
    webp = "webp"


def generate(
    model: Model,
    seeds: Seeds = "0-15",
    psi: Psi = 0.7,
    psi_layers: PsiLayers = None,
    center: CenterOption = Center.global_,
    class_: Class = None,
    noise: Noise = "fixed",
    out: Annotated[
        Path, typer.Option(help="A picture for a grid of all; a folder for one file each.")
    ] = Path("samples.png"),
    columns: Annotated[int | None, typer.Option(min=1, help="Columns of the grid.")] = None,
    format: Annotated[Format, typer.Option(help="Of the files in a folder.")] = Format.png,
    latents: Annotated[
        bool, typer.Option("--latents", help="Write a latent file beside each picture, too.")
    ] = False,
    device: DeviceOption = Device.auto,
    force: Force = False,
) -> None:
    """Draw one picture per seed; the same seed gives the same picture.

    Layers are counted as in StyleGAN: two for each resolution from 4x4 up, so 0-3 are coarse, 4-7
    middle, and the rest fine.

    Examples:
    `stylesmith generate runs/photos --seeds 0-15 --psi 0.7 --out samples.png`

    `stylesmith generate runs/photos --seeds 0-999 --out pictures/`
    """
    from stylesmith.sampling.draw import write_folder, write_grid
    from stylesmith.sampling.sources import parse_sources

    parts = parse_sources(seeds)
    check_picture(out, force=force, folder=True)
    grid = bool(out.suffix)
    if grid and latents:
        raise UsageError("--latents: one file for each picture; let --out be a folder")
    painter = open_painter(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=noise,
        device=device,
    )
    sources = painter.load_sources(parts)
    with progress("Drawing") as advance:
        if grid:
            write_grid(painter, sources, out, columns=columns, on_progress=advance)
        else:
            suffix = f".{format.value}"
            write_folder(painter, sources, out, suffix=suffix, latents=latents, on_progress=advance)
    say(f"{counted(len(sources), 'picture')} -> {out}")
