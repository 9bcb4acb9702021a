"""`stylesmith noise`: what noise does to a picture."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import progress
from stylesmith.cli.drawing import (
    Center,
    CenterOption,
    Class,
    DeviceOption,
    Force,
    Model,
    Psi,
    PsiLayers,
    Seeds,
    check_picture,
    counted,
    open_painter,
    read_sources,
    say,
)
from stylesmith.cli.train import Device

if TYPE_CHECKING:
    from stylesmith.sampling import Painter, Source


class Figure(StrEnum):
    """Choices of --figure."""

    variation = "variation"
    components = "components"


def noise(
    model: Model,
    seeds: Seeds = "0-1",
    figure: Annotated[
        Figure,
        typer.Option(
            help="variation: picture, crops of four draws, standard deviation. components: noise "
            "on all, no, fine and coarse layers."
        ),
    ] = Figure.variation,
    draws: Annotated[int, typer.Option(min=2, help="Draws of noise for each picture.")] = 100,
    layers: Annotated[
        str | None, typer.Option(help="Layers that get noise, for variation; else all.")
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(help="LEFT,TOP,RIGHT,BOTTOM in pixels; else where noise changes most."),
    ] = None,
    psi: Psi = 0.7,
    psi_layers: PsiLayers = None,
    center: CenterOption = Center.global_,
    class_: Class = None,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("noise.png"),
    device: DeviceOption = Device.auto,
    force: Force = False,
) -> None:
    """Show what noise changes, and what it leaves (StyleGAN, Figures 4 and 5).

    Examples:
    `stylesmith noise runs/photos --seeds 3,5 --out noise.png`

    `stylesmith noise runs/photos --seeds 3,5 --figure components --out components.png`
    """
    from stylesmith.sampling.ranges import parse_crop

    window = parse_crop(crop) if crop else None
    check_picture(out, force=force)
    painter = open_painter(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=f"fixed:{layers}" if layers else "fixed",
        device=device,
    )
    sources = read_sources(painter, seeds)
    if figure is Figure.components:
        _components(painter, sources, out)
    else:
        _variation(painter, sources, out, draws, window)


def _variation(
    painter: "Painter",
    sources: "list[Source]",
    out: Path,
    draws: int,
    crop: tuple[int, int, int, int] | None,
) -> None:
    from stylesmith.sampling.noise_sheets import variation_sheet
    from stylesmith.sampling.sources import source_name
    from stylesmith.sampling.variation import Variation, vary

    def variations() -> Iterator[Variation]:
        for source in sources:
            with progress("Drawing") as advance:
                found = vary(painter, source, draws, on_progress=advance)
            mean, most = float(found.std.mean()), float(found.std.max())
            levels = f"{mean:.2f} gray levels of 255 on average, at most {most:.2f}"
            say(f"{source_name(source)}: {levels}")
            yield found

    variation_sheet(out, variations(), rows=len(sources), crop=crop)
    say(f"{counted(len(sources), 'picture')}, {draws} draws each -> {out}")


def _components(painter: "Painter", sources: "list[Source]", out: Path) -> None:
    from stylesmith.sampling.layers import layers_text
    from stylesmith.sampling.noise_sheets import component_layers, components_sheet

    components_sheet(painter, sources, out)
    chosen = component_layers(painter.config).items()
    columns = ", ".join(f"{name} ({layers_text(layers) or '-'})" for name, layers in chosen)
    say(f"Noise on layers, from left to right: {columns}")
    say(f"{counted(len(sources), 'picture')} -> {out}")
