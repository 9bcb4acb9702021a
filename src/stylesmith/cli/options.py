"""Options that several commands share, and a sampling pipeline opened by them."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import console
from stylesmith.cli.train import DeviceName
from stylesmith.errors import UsageError

if TYPE_CHECKING:
    from stylesmith.sampling import SamplingPipeline, SeedOrLatent


IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


class CenterName(StrEnum):
    """Choices of --center."""

    global_ = "global"
    class_ = "class"


ModelArgument = Annotated[str, typer.Argument(help="Run, model folder, snapshot, or `avatars`.")]
SeedsOption = Annotated[
    str,
    typer.Option(help="Which pictures: 0-15, or 3,5,8-10; latent files too: 3,face.safetensors."),
]
PsiOption = Annotated[
    float, typer.Option(min=-2, max=2, help="Truncation: 0 is the mean image, 1 full variety.")
]
PsiLayersOption = Annotated[
    str | None,
    typer.Option(help="Truncate only these layers: 0-7, or coarse,middle,fine by name."),
]
CenterOption = Annotated[
    CenterName, typer.Option("--center", help="Truncate towards the mean of all, or of the class.")
]
ClassOption = Annotated[
    int | None, typer.Option("--class", help="Class to draw, where the model has classes.")
]
NoiseOption = Annotated[
    str,
    typer.Option(help="Fine variation: fixed, random (by seed), none; or only on layers: 8-17."),
]
DeviceOption = Annotated[DeviceName, typer.Option("--device", help="Where to compute.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")]


def open_pipeline(
    model: str,
    *,
    psi: float = 1.0,
    psi_layers: str | None = None,
    center: CenterName = CenterName.global_,
    class_: int | None = None,
    noise: str = "fixed",
    device: DeviceName = DeviceName.auto,
) -> "SamplingPipeline":
    """The generator of a model, with the settings that the options name."""
    from stylesmith.models import load
    from stylesmith.networks.sampling_pipeline import SamplingPipeline, SamplingSettings
    from stylesmith.sampling.parsing import parse_layers, parse_noise

    generator = load(model, device=device.value)
    config = generator.config
    layers = parse_layers(psi_layers, config, option="--psi-layers") if psi_layers else None
    settings = SamplingSettings(
        psi=psi,
        psi_layers=layers,
        center="class" if center is CenterName.class_ else "global",
        label=class_,
        noise=parse_noise(noise, config),
    )
    return SamplingPipeline(generator, settings)


def read_sources(
    pipeline: "SamplingPipeline", text: str, *, option: str = "--seeds"
) -> "list[SeedOrLatent]":
    """Seeds and latent files of an option."""
    from stylesmith.sampling.latent_files import load_sources
    from stylesmith.sampling.parsing import parse_seeds_and_paths

    return load_sources(pipeline, parse_seeds_and_paths(text, option=option))


def check_image_path(out: Path, *, force: bool, folder: bool = False) -> None:
    """Refuse an OUT that is no picture (or folder, where one will do), or that is there already."""
    from stylesmith import files

    if out.suffix.lower() not in IMAGE_SUFFIXES and not (folder and not out.suffix):
        more = ", or a folder" if folder else ""
        raise UsageError(f"--out {out}: wanted a .png, .jpg or .webp picture{more}")
    files.check_absent(out, force=force)


def count_text(number: int, what: str) -> str:
    """`1 picture`, `2 pictures`."""
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def print_line(text: str) -> None:
    """Print a line as it is."""
    console.print(text, markup=False, soft_wrap=True)
