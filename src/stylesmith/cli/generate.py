"""`stylesmith generate`, `mix` and `noise`: images from a trained generator."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import progress_bar
from stylesmith.cli.options import (
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
    read_sources,
)
from stylesmith.cli.train import DeviceName
from stylesmith.errors import UsageError

if TYPE_CHECKING:
    from stylesmith.sampling import SamplingPipeline, SeedOrLatent


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
    from stylesmith.sampling.image_files import write_folder, write_grid
    from stylesmith.sampling.latent_files import load_sources
    from stylesmith.sampling.parsing import parse_seeds_and_paths

    parts = parse_seeds_and_paths(seeds)
    check_image_path(out, force=force, folder=True)
    grid = bool(out.suffix)
    if grid and latents:
        raise UsageError("--latents: one file for each picture; let --out be a folder")
    pipeline = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=noise,
        device=device,
    )
    sources = load_sources(pipeline, parts)
    with progress_bar("Drawing") as advance:
        if grid:
            write_grid(pipeline, sources, out, columns=columns, on_progress=advance)
        else:
            suffix = f".{format.value}"
            write_folder(
                pipeline, sources, out, suffix=suffix, latents=latents, on_progress=advance
            )
    print_line(f"{count_text(len(sources), 'picture')} -> {out}")


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
    from stylesmith.networks.layer_indices import format_layers
    from stylesmith.sampling.editing import MixingRow, write_mixing_grid
    from stylesmith.sampling.parsing import parse_layers

    check_image_path(out, force=force)
    pipeline = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=noise,
        device=device,
    )
    config = pipeline.config
    words = styles or list(config.layer_groups())
    layers = [parse_layers(word, config, option="--styles") for word in words]
    down = read_sources(pipeline, rows, option="--rows")
    across = read_sources(pipeline, columns, option="--columns")
    mixed = [MixingRow(source, chosen) for chosen in layers for source in down]
    with progress_bar("Drawing") as advance:
        write_mixing_grid(pipeline, mixed, across, out, on_progress=advance)
    for word, chosen in zip(words, layers, strict=True):
        print_line(
            f"{count_text(len(down), 'row')}: {word} styles (layers {format_layers(chosen)})"
        )
    print_line(f"{len(mixed)}x{len(across)} pictures -> {out}")


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
    from stylesmith.sampling.parsing import parse_crop

    window = parse_crop(crop) if crop else None
    check_image_path(out, force=force)
    pipeline = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=f"fixed:{layers}" if layers else "fixed",
        device=device,
    )
    sources = read_sources(pipeline, seeds)
    if figure is NoiseFigure.components:
        _draw_components(pipeline, sources, out)
    else:
        _draw_variation(pipeline, sources, out, draws, window)


def _draw_variation(
    pipeline: "SamplingPipeline",
    sources: "list[SeedOrLatent]",
    out: Path,
    draws: int,
    crop: tuple[int, int, int, int] | None,
) -> None:
    from stylesmith.sampling.latent_files import image_stem
    from stylesmith.sampling.stochastic_variation import (
        NoiseVariation,
        measure_noise_variation,
        write_variation_figure,
    )

    def variations() -> Iterator[NoiseVariation]:
        for source in sources:
            with progress_bar("Drawing") as advance:
                found = measure_noise_variation(pipeline, source, draws, on_progress=advance)
            mean, most = float(found.std.mean()), float(found.std.max())
            levels = f"{mean:.2f} gray levels of 255 on average, at most {most:.2f}"
            print_line(f"{image_stem(source)}: {levels}")
            yield found

    write_variation_figure(out, variations(), rows=len(sources), crop=crop)
    print_line(f"{count_text(len(sources), 'picture')}, {draws} draws each -> {out}")


def _draw_components(
    pipeline: "SamplingPipeline", sources: "list[SeedOrLatent]", out: Path
) -> None:
    from stylesmith.networks.layer_indices import format_layers
    from stylesmith.sampling.stochastic_variation import (
        noise_layer_subsets,
        write_noise_layers_figure,
    )

    write_noise_layers_figure(pipeline, sources, out)
    chosen = noise_layer_subsets(pipeline.config).items()
    columns = ", ".join(f"{name} ({format_layers(layers) or '-'})" for name, layers in chosen)
    print_line(f"Noise on layers, from left to right: {columns}")
    print_line(f"{count_text(len(sources), 'picture')} -> {out}")
