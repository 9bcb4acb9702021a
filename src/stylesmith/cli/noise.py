"""`stylesmith noise`: what noise does to a picture."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import progress_bar
from stylesmith.cli.drawing import (
    CenterName,
    CenterOption,
    ClassOption,
    DeviceOption,
    ForceOption,
    ModelArgument,
    PsiLayersOption,
    PsiOption,
    SeedsOption,
    check_image_path,
    count_text,
    open_pipeline,
    print_line,
    read_sources,
)
from stylesmith.cli.train import DeviceName

if TYPE_CHECKING:
    from stylesmith.sampling import SamplingPipeline, SeedOrLatent


class NoiseFigure(StrEnum):
    """Choices of --figure."""

    variation = "variation"
    components = "components"


def noise(
    model: ModelArgument,
    seeds: SeedsOption = "0-1",
    figure: Annotated[
        NoiseFigure,
        typer.Option(
            help="variation: picture, crops of four draws, standard deviation. components: noise "
            "on all, no, fine and coarse layers."
        ),
    ] = NoiseFigure.variation,
    draws: Annotated[int, typer.Option(min=2, help="Draws of noise for each picture.")] = 100,
    layers: Annotated[
        str | None, typer.Option(help="Layers that get noise, for variation; else all.")
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(help="LEFT,TOP,RIGHT,BOTTOM in pixels; else where noise changes most."),
    ] = None,
    psi: PsiOption = 0.7,
    psi_layers: PsiLayersOption = None,
    center: CenterOption = CenterName.global_,
    class_: ClassOption = None,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("noise.png"),
    device: DeviceOption = DeviceName.auto,
    force: ForceOption = False,
) -> None:
    """Show what noise changes, and what it leaves (StyleGAN, Figures 4 and 5).

    Examples:
    `stylesmith noise runs/photos --seeds 3,5 --out noise.png`

    `stylesmith noise runs/photos --seeds 3,5 --figure components --out components.png`
    """
    from stylesmith.sampling.ranges import parse_crop

    window = parse_crop(crop) if crop else None
    check_image_path(out, force=force)
    painter = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=f"fixed:{layers}" if layers else "fixed",
        device=device,
    )
    sources = read_sources(painter, seeds)
    if figure is NoiseFigure.components:
        _draw_components(painter, sources, out)
    else:
        _draw_variation(painter, sources, out, draws, window)


def _draw_variation(
    painter: "SamplingPipeline",
    sources: "list[SeedOrLatent]",
    out: Path,
    draws: int,
    crop: tuple[int, int, int, int] | None,
) -> None:
    from stylesmith.sampling.noise_sheets import write_variation_figure
    from stylesmith.sampling.sources import image_stem
    from stylesmith.sampling.variation import NoiseVariation, measure_noise_variation

    def variations() -> Iterator[NoiseVariation]:
        for source in sources:
            with progress_bar("Drawing") as advance:
                found = measure_noise_variation(painter, source, draws, on_progress=advance)
            mean, most = float(found.std.mean()), float(found.std.max())
            levels = f"{mean:.2f} gray levels of 255 on average, at most {most:.2f}"
            print_line(f"{image_stem(source)}: {levels}")
            yield found

    write_variation_figure(out, variations(), rows=len(sources), crop=crop)
    print_line(f"{count_text(len(sources), 'picture')}, {draws} draws each -> {out}")


def _draw_components(painter: "SamplingPipeline", sources: "list[SeedOrLatent]", out: Path) -> None:
    from stylesmith.sampling.layers import format_layers
    from stylesmith.sampling.noise_sheets import noise_layer_subsets, write_noise_layers_figure

    write_noise_layers_figure(painter, sources, out)
    chosen = noise_layer_subsets(painter.config).items()
    columns = ", ".join(f"{name} ({format_layers(layers) or '-'})" for name, layers in chosen)
    print_line(f"Noise on layers, from left to right: {columns}")
    print_line(f"{count_text(len(sources), 'picture')} -> {out}")
