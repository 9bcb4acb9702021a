"""`stylesmith mix`: some styles of one picture, the rest of another."""

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
    check_image_path,
    count_text,
    open_pipeline,
    print_line,
    read_sources,
)
from stylesmith.cli.train import DeviceName


def mix(
    model: ModelArgument,
    rows: Annotated[
        str, typer.Option(help="Pictures down the side, which keep the other layers.")
    ] = "0-3",
    columns: Annotated[
        str, typer.Option("--columns", help="Pictures across the top, which lend their styles.")
    ] = "4-8",
    styles: Annotated[
        list[str] | None,
        typer.Option(
            help="Layers to lend: coarse, middle, fine, or 0-3,6. Given again, all rows come again "
            "with other layers. Without it, each name that the network has."
        ),
    ] = None,
    psi: PsiOption = 0.7,
    psi_layers: PsiLayersOption = None,
    center: CenterOption = CenterName.global_,
    class_: ClassOption = None,
    noise: NoiseOption = "fixed",
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("mix.png"),
    device: DeviceOption = DeviceName.auto,
    force: ForceOption = False,
) -> None:
    """Mix styles, in a grid with the two sources at its top and side (StyleGAN, Figure 3).

    Sources are seeds or latent files. Coarse layers (4x4 to 8x8) hold pose and shape, middle ones
    (16x16 to 32x32) smaller features, fine ones (from 64x64 on) color and texture.

    Example: `stylesmith mix runs/photos --rows 0-3 --columns 4-8 --styles coarse --styles middle`
    """
    from stylesmith.sampling.layers import format_layers, layer_groups, parse_layers
    from stylesmith.sampling.mix import MixingRow, write_mixing_grid

    check_image_path(out, force=force)
    painter = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=noise,
        device=device,
    )
    config = painter.config
    words = styles or list(layer_groups(config))
    layers = [parse_layers(word, config, option="--styles") for word in words]
    down = read_sources(painter, rows, option="--rows")
    across = read_sources(painter, columns, option="--columns")
    mixed = [MixingRow(source, chosen) for chosen in layers for source in down]
    with progress_bar("Drawing") as advance:
        write_mixing_grid(painter, mixed, across, out, on_progress=advance)
    for word, chosen in zip(words, layers, strict=True):
        print_line(
            f"{count_text(len(down), 'row')}: {word} styles (layers {format_layers(chosen)})"
        )
    print_line(f"{len(mixed)}x{len(across)} pictures -> {out}")
