"""`stylesmith mix`: some styles of one picture, the rest of another."""

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
    check_picture,
    counted,
    open_painter,
    read_sources,
    say,
)
from stylesmith.cli.train import Device


def mix(
    model: Model,
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
    psi: Psi = 0.7,
    psi_layers: PsiLayers = None,
    center: CenterOption = Center.global_,
    class_: Class = None,
    noise: Noise = "fixed",
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("mix.png"),
    device: DeviceOption = Device.auto,
    force: Force = False,
) -> None:
    """Mix styles, in a grid with the two sources at its top and side (StyleGAN, Figure 3).

    Sources are seeds or latent files. Coarse layers (4x4 to 8x8) hold pose and shape, middle ones
    (16x16 to 32x32) smaller features, fine ones (from 64x64 on) color and texture.

    Example: `stylesmith mix runs/photos --rows 0-3 --columns 4-8 --styles coarse --styles middle`
    """
    from stylesmith.sampling.layers import layers_text, named_layers, parse_layers
    from stylesmith.sampling.mix import MixedRow, mixing_sheet

    check_picture(out, force=force)
    painter = open_painter(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=noise,
        device=device,
    )
    config = painter.config
    words = styles or list(named_layers(config))
    layers = [parse_layers(word, config, option="--styles") for word in words]
    down = read_sources(painter, rows, option="--rows")
    across = read_sources(painter, columns, option="--columns")
    mixed = [MixedRow(source, chosen) for chosen in layers for source in down]
    with progress("Drawing") as advance:
        mixing_sheet(painter, mixed, across, out, on_progress=advance)
    for word, chosen in zip(words, layers, strict=True):
        say(f"{counted(len(down), 'row')}: {word} styles (layers {layers_text(chosen)})")
    say(f"{len(mixed)}x{len(across)} pictures -> {out}")
