"""Options that several commands share, and a sampling pipeline opened by them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylesmith import files
from stylesmith.choices import DeviceName, TruncationCenter
from stylesmith.cli.console import progress_bar
from stylesmith.errors import UsageError

if TYPE_CHECKING:
    from stylesmith.data.dataset import Dataset
    from stylesmith.sampling import SamplingPipeline, SeedOrLatent

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def read_class(text: str) -> int | str:
    """A class by number or name."""
    return int(text) if text.isdecimal() else text


ModelArgument = Annotated[str, typer.Argument(help="Run, model folder, snapshot, or `avatars`.")]
SeedsOption = Annotated[
    str, typer.Option(help="Which images: 0-15, or 3,5,8-10; latent files too: 3,face.safetensors.")
]
PsiOption = Annotated[
    float, typer.Option(min=-2, max=2, help="Truncation: 0 is the mean image, 1 full variety.")
]
PsiLayersOption = Annotated[
    str | None, typer.Option(help="Truncate only these layers: 0-7, or coarse,middle,fine by name.")
]
CenterOption = Annotated[
    TruncationCenter, typer.Option(help="Truncate towards the mean of all, or of the class.")
]
ClassOption = Annotated[
    Any,
    typer.Option(
        "--class",
        parser=read_class,
        metavar="CLASS",
        help="Class to draw, by number or name, where the model has classes.",
    ),
]
NoiseOption = Annotated[
    str,
    typer.Option(help="Fine variation: fixed, random (by seed), none; or only on layers: 8-17."),
]
SeedOption = Annotated[
    int, typer.Option(min=0, help="Start of every random number; another seed, other numbers.")
]
ResolutionOption = Annotated[
    str | None,
    typer.Option(help="Crop and resize while reading: 256, or WIDTHxHEIGHT as in 512x384."),
]
SkipBadOption = Annotated[bool, typer.Option("--skip-bad", help="Leave unreadable images out.")]
DeviceOption = Annotated[DeviceName, typer.Option(help="Where to compute.")]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1024,
        help="Processor threads to compute with; fewer where other programs use the cores too.",
    ),
]
"""Handed to `devices.set_threads` before anything computes."""
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]


def open_pipeline(
    model: str,
    psi: float,
    psi_layers: str | None,
    center: TruncationCenter,
    class_: int | str | None,
    noise: str,
    device: DeviceName,
) -> "SamplingPipeline":
    """Open the generator of a model with the settings that the options of the same names give."""
    from stylesmith.models import load
    from stylesmith.networks.sampling_pipeline import SamplingPipeline, SamplingSettings
    from stylesmith.sampling.parsing import parse_layers, parse_noise

    generator = load(model, device=device)
    config = generator.config
    layers = parse_layers(psi_layers, config, option="--psi-layers") if psi_layers else None
    settings = SamplingSettings(
        psi=psi, psi_layers=layers, center=center, label=class_, noise=parse_noise(noise, config)
    )
    return SamplingPipeline(generator, settings)


def read_sources(
    pipeline: "SamplingPipeline", text: str, *, option: str = "--seeds"
) -> "list[SeedOrLatent]":
    """Seeds and latent files of an option."""
    from stylesmith.sampling.latent_files import load_sources
    from stylesmith.sampling.parsing import parse_seeds_and_paths

    return load_sources(pipeline, parse_seeds_and_paths(text, option=option))


def read_size(resolution: str | None) -> tuple[int, int] | None:
    """Height and width of --resolution, if it is given."""
    from stylesmith.config import parse_size

    return parse_size(resolution) if resolution else None


def open_dataset(
    path: Path, resolution: str | None, channels: int | None = None, *, skip_bad: bool
) -> "Dataset":
    """Open images by the options of the same names, with a bar while they are listed."""
    from stylesmith.data import dataset

    size = read_size(resolution)
    with progress_bar("Reading") as advance:
        return dataset.open_dataset(
            path, size=size, channels=channels, skip_bad=skip_bad, on_progress=advance
        )


def check_image_path(out: Path, *, force: bool, folder: bool = False) -> None:
    """Refuse an OUT that is no image (or folder, where one will do), or that is there already."""
    as_folder = folder and files.names_folder(out)
    if out.suffix.lower() not in IMAGE_SUFFIXES and not as_folder:
        more = ", or a folder" if folder else ""
        raise UsageError(f"--out {out}: wanted a .png, .jpg or .webp image{more}")
    files.check_absent(out, force=force, folder=as_folder)


def split_names(text: str | None) -> list[str]:
    """Names of an option, separated by commas."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]
