"""Options that several commands share, and a sampling pipeline opened by them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylesmith import files
from stylesmith.choices import DeviceName, PrecisionName, TruncationCenter
from stylesmith.cli.console import print_problem, progress_bar
from stylesmith.errors import UsageError

if TYPE_CHECKING:
    from stylesmith.config import GeneratorConfig
    from stylesmith.data.dataset import Dataset
    from stylesmith.networks.layer_indices import LayerIndices
    from stylesmith.networks.sample_inputs import LabelChoice
    from stylesmith.sampling import SamplingPipeline, SeedOrLatent

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def read_class(text: str) -> int | str:
    """A class by number or name."""
    return int(text) if re.fullmatch(r"0|[1-9]\d*", text, re.ASCII) else text


ModelArgument = Annotated[str, typer.Argument(help="Run, model folder, snapshot, or `avatars`.")]
SeedsOption = Annotated[
    str,
    typer.Option(
        help="Which images: 0-15, or 3,5,8-10; files too: latent files (3,face.safetensors), and "
        ".npy or .npz of w, z or seeds."
    ),
]
PsiOption = Annotated[
    float, typer.Option(min=-2, max=2, help="Truncation: 0 is the mean image, 1 full variety.")
]
PsiLayersOption = Annotated[
    str | None, typer.Option(help="Truncate only these layers: 0-7, or coarse,middle,fine by name.")
]
PsiCutoffOption = Annotated[
    int | None,
    typer.Option(min=0, help="Truncate only the layers below this one: 8 is layers 0-7."),
]
ClassesOption = Annotated[
    Any,
    typer.Option(
        "--class",
        parser=read_class,
        metavar="CLASS",
        help="Class to draw, by number or name; 0-3, 0,2 or all: a grid with a column for each.",
    ),
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
LabelOption = Annotated[
    str | None,
    typer.Option(help="Label to draw, where labels are numbers: 0.5,0.3, one for each."),
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
PrecisionOption = Annotated[
    PrecisionName,
    typer.Option(help="Number format of convolutions: auto is fp32; bf16 is faster, and rounds."),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1024,
        help="Processor threads to compute with; fewer where other programs use the cores too.",
    ),
]
SplitOption = Annotated[
    str,
    typer.Option(
        "--split", help="Part of data that is split: train (the default), val, test or all."
    ),
]
LabelsOption = Annotated[
    str,
    typer.Option(
        "--labels",
        help="A table, FILE or FILE:COLUMN (CSV, TSV, JSON, CelebA's list); none; or folders, "
        "which takes every folder as a class and every image as one. Else as recognized.",
    ),
]
"""Handed to `devices.set_threads` before anything computes."""
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]


def open_pipeline(
    model: str,
    *,
    psi: float,
    psi_layers: str | None,
    psi_cutoff: int | None,
    center: TruncationCenter,
    class_: int | str | None,
    label: str | None,
    noise: str,
    precision: PrecisionName,
    device: DeviceName,
) -> "SamplingPipeline":
    """Open the generator of a model with the settings that the options of the same names give."""
    from stylesmith.models import load
    from stylesmith.networks.sample_inputs import label_input, prefer_class_name
    from stylesmith.networks.sampling_pipeline import SamplingPipeline, SamplingSettings
    from stylesmith.sampling.parsing import parse_noise

    chosen = choose_label(class_, label)
    generator = load(model, device=device)
    settings = SamplingSettings(
        psi=psi,
        psi_layers=_truncated_layers(psi_layers, psi_cutoff, generator.config),
        center=center,
        label=label_input(prefer_class_name(chosen, generator.class_names)),
        noise=parse_noise(noise, generator.config),
        precision=precision,
    )
    return SamplingPipeline(generator, settings)


def open_pipelines(
    model: str, *, class_: int | str | None, **settings: Any
) -> "list[SamplingPipeline]":
    """One pipeline for each class of --class, as `open_pipeline` opens it for one."""
    from dataclasses import replace

    from stylesmith.networks.sampling_pipeline import SamplingPipeline
    from stylesmith.sampling.parsing import parse_classes

    if not isinstance(class_, str):
        return [open_pipeline(model, class_=class_, **settings)]
    first = open_pipeline(model, class_=None, **settings)
    generator = first.generator
    names, size = generator.class_names or (), generator.config.label_size
    several = None if class_ in names or not size else parse_classes(class_, size)
    chosen: list[int | str] = [*several] if several else [class_]
    return [SamplingPipeline(generator, replace(first.settings, label=one)) for one in chosen]


def _truncated_layers(
    layers: str | None, cutoff: int | None, config: "GeneratorConfig"
) -> "LayerIndices | None":
    """The layers of --psi-layers or --psi-cutoff; None is all."""
    from stylesmith.sampling.parsing import parse_layers

    if layers is None:
        return None if cutoff is None else tuple(range(min(cutoff, config.num_layers())))
    if cutoff is not None:
        raise UsageError(f"--psi-layers {layers}, --psi-cutoff {cutoff}: wanted one of the two")
    if layers.strip().isdecimal() and (number := int(layers)):
        print_problem(
            "note",
            f"--psi-layers {number} truncates layer {number} alone; --psi-cutoff {number} "
            f"truncates layers 0-{number - 1}, as the cutoff of other programs does",
        )
    return parse_layers(layers, config, option="--psi-layers")


def choose_label(class_: int | str | None, label: str | None) -> "LabelChoice | None":
    """The class of --class, or the numbers of --label; None where neither is given.

    Raises:
        UsageError: If both are, or a label is not made of numbers.
    """
    if label is None:
        return class_
    if class_ is not None:
        raise UsageError(f"--class {class_}, --label {label}: wanted one of the two")
    try:
        return [float(number) for number in label.split(",")]
    except ValueError:
        raise UsageError(f"--label {label}: wanted numbers, such as 0.5,0.3") from None


def read_sources(
    pipeline: "SamplingPipeline", text: str, *, option: str = "--seeds"
) -> "list[SeedOrLatent]":
    """Seeds and latent files of an option."""
    from stylesmith.sampling.parsing import parse_seeds_and_paths

    return open_sources(pipeline, parse_seeds_and_paths(text, option=option))


def open_sources(pipeline: "SamplingPipeline", parts: Sequence[int | Path]) -> "list[SeedOrLatent]":
    """Sources of seeds and files; a note says where a file was drawn in another precision."""
    from stylesmith.sampling.latent_files import load_sources, precision_note

    sources = load_sources(pipeline, parts)
    if note := precision_note(pipeline, sources):
        print_problem("note", note)
    return sources


def read_size(resolution: str | None, *, any_size: bool = False) -> tuple[int, int] | None:
    """Height and width of --resolution, if it is given; `any_size` may be one of no network."""
    from stylesmith.config import parse_size

    return parse_size(resolution, any_size=any_size) if resolution else None


def open_dataset(
    path: Path,
    resolution: str | None,
    channels: int | None = None,
    *,
    skip_bad: bool,
    split: str = "",
    labels: str = "",
) -> "Dataset":
    """Open images by the options of the same names, with a bar while they are listed."""
    from stylesmith.data import dataset
    from stylesmith.data.image_set import ReadOptions

    size = read_size(resolution)
    with progress_bar("Reading") as advance:
        return dataset.open_dataset(
            path,
            size=size,
            channels=channels,
            skip_bad=skip_bad,
            options=ReadOptions(split, labels),
            on_progress=advance,
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
