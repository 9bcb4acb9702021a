"""`stylesmith generate`: pictures from a trained generator."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stylesmith.cli.console import progress_bar
from stylesmith.cli.drawing import (
    CenterName,
    CenterOption,
    ClassOption,
    DeviceOption,
    ForceOption,
    ModelArgument,
    NoiseOption,
    PsiLayersOption,
    PsiOption,
    SeedsOption,
    check_image_path,
    count_text,
    open_pipeline,
    print_line,
)
from stylesmith.cli.train import DeviceName
from stylesmith.errors import UsageError


class ImageFormat(StrEnum):
    """Choices of --format."""

    png = "png"
    jpg = "jpg"
    webp = "webp"


def generate(
    model: ModelArgument,
    seeds: SeedsOption = "0-15",
    psi: PsiOption = 0.7,
    psi_layers: PsiLayersOption = None,
    center: CenterOption = CenterName.global_,
    class_: ClassOption = None,
    noise: NoiseOption = "fixed",
    out: Annotated[
        Path, typer.Option(help="A picture for a grid of all; a folder for one file each.")
    ] = Path("samples.png"),
    columns: Annotated[int | None, typer.Option(min=1, help="Columns of the grid.")] = None,
    format: Annotated[
        ImageFormat, typer.Option(help="Of the files in a folder.")
    ] = ImageFormat.png,
    latents: Annotated[
        bool, typer.Option("--latents", help="Write a latent file beside each picture, too.")
    ] = False,
    device: DeviceOption = DeviceName.auto,
    force: ForceOption = False,
) -> None:
    """Draw one picture per seed; the same seed gives the same picture.

    Layers are counted as in StyleGAN: two for each resolution from 4x4 up, so 0-3 are coarse, 4-7
    middle, and the rest fine.

    Examples:
    `stylesmith generate runs/photos --seeds 0-15 --psi 0.7 --out samples.png`

    `stylesmith generate runs/photos --seeds 0-999 --out pictures/`
    """
    from stylesmith.sampling.draw import write_folder, write_grid
    from stylesmith.sampling.sources import parse_seeds_and_paths

    parts = parse_seeds_and_paths(seeds)
    check_image_path(out, force=force, folder=True)
    grid = bool(out.suffix)
    if grid and latents:
        raise UsageError("--latents: one file for each picture; let --out be a folder")
    painter = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=noise,
        device=device,
    )
    sources = painter.load_sources(parts)
    with progress_bar("Drawing") as advance:
        if grid:
            write_grid(painter, sources, out, columns=columns, on_progress=advance)
        else:
            suffix = f".{format.value}"
            write_folder(painter, sources, out, suffix=suffix, latents=latents, on_progress=advance)
    print_line(f"{count_text(len(sources), 'picture')} -> {out}")
