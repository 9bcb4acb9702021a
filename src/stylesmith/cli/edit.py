"""`stylesmith edit`: move pictures along directions, and find directions."""

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
    from collections.abc import Mapping

    from torch import Tensor

    from stylesmith.networks.layer_indices import LayerIndices
    from stylesmith.sampling import SamplingPipeline
    from stylesmith.sampling.directions import Direction

PREVIEW_FILE = "preview.png"


class FindMethod(StrEnum):
    """Choices of --find."""

    weights = "weights"
    samples = "samples"
    boundary = "boundary"


def edit(
    model: ModelArgument,
    seeds: SeedsOption = "0",
    direction: Annotated[
        list[Path] | None, typer.Option(help="Direction file; given again, more rows.")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(help="LAYER:NUMBER, one channel of a layer's style: 5:17, or rgb5:17."),
    ] = None,
    strength: Annotated[
        str, typer.Option(help="FROM:TO:COUNT, in standard deviations of w along the direction.")
    ] = "-3:3:7",
    layers: Annotated[
        str | None, typer.Option(help="Layers that move: 0-3, or coarse,middle; else the file's.")
    ] = None,
    without: Annotated[
        list[Path] | None,
        typer.Option(help="Direction file whose attribute should stay; given again, more of them."),
    ] = None,
    find: Annotated[
        FindMethod | None,
        typer.Option(
            help="Write directions into the folder OUT: from weights (factorized), from samples "
            "(principal components of w), or across the boundary of an attribute."
        ),
    ] = None,
    boundary: Annotated[
        list[Path] | None,
        typer.Option(help="A .npy file of weights for w, or .npz with coef; for --find boundary."),
    ] = None,
    classifiers: Annotated[
        Path | None,
        typer.Option(
            help="Folder of attribute classifiers, to find their boundaries; for --find boundary."
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option(min=100, help="Pictures that the classifiers look at.")
    ] = 20_000,
    count: Annotated[int, typer.Option(min=1, max=100, help="Directions to find.")] = 10,
    psi: PsiOption = 0.7,
    psi_layers: PsiLayersOption = None,
    center: CenterOption = CenterName.global_,
    class_: ClassOption = None,
    noise: NoiseOption = "fixed",
    out: Annotated[Path, typer.Option(help="The picture, or with --find the folder.")] = Path(
        "edit.png"
    ),
    device: DeviceOption = DeviceName.auto,
    force: ForceOption = False,
) -> None:
    """Move pictures along a direction, or find directions that are worth moving along.

    Examples:
    `stylesmith edit runs/photos --find weights --layers coarse --out directions/`

    `stylesmith edit runs/photos --seeds 3 --direction directions/weights-0-3-01.safetensors`

    `stylesmith edit runs/photos --find boundary --classifiers classifiers/ --out attributes/`
    """
    from stylesmith.sampling.editing import write_editing_grid
    from stylesmith.sampling.parsing import parse_layers, parse_strengths

    strengths = parse_strengths(strength)
    _check_options(find, direction, channel, without, boundary, classifiers)
    _check_output_path(out, find, force)
    pipeline = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=noise,
        device=device,
    )
    sources = read_sources(pipeline, seeds)
    chosen = parse_layers(layers, pipeline.config, option="--layers") if layers else None
    if find is FindMethod.boundary:
        normals = _boundary_normals(pipeline, boundary or [], classifiers, samples)
        moves = _boundary_directions(pipeline, normals, chosen)
    elif find:
        moves = _find_directions(pipeline, find, chosen, count)
    else:
        moves = _read_directions(pipeline, direction or [], channel or [], chosen)
    moves = _apply_without(pipeline, moves, without or [])
    sheet, sources = (out / PREVIEW_FILE, sources[:1]) if find else (out, sources)
    with progress_bar("Drawing") as advance:
        write_editing_grid(pipeline, sources, moves, strengths, sheet, on_progress=advance)
    if find:
        _write_directions(moves, out)
    rows = len(moves) * len(sources)
    print_line(f"{count_text(rows, 'row')} of {count_text(len(strengths), 'picture')} -> {sheet}")


def _check_options(
    find: FindMethod | None,
    direction: list[Path] | None,
    channel: list[str] | None,
    without: list[Path] | None,
    boundary: list[Path] | None,
    classifiers: Path | None,
) -> None:
    if find and (direction or channel):
        raise UsageError(f"--find {find}: finds directions; leave --direction and --channel out")
    if not (find or direction or channel):
        raise UsageError("name a --direction or --channel, or look for some with --find weights")
    if (find is FindMethod.boundary) != (bool(boundary) != (classifiers is not None)):
        raise UsageError(
            "--find boundary goes with one of --classifiers FOLDER and --boundary FILE, and they "
            "with it"
        )
    if without and channel:
        raise UsageError("--without: is for directions of w, not for a --channel")


def _check_output_path(out: Path, find: FindMethod | None, force: bool) -> None:
    from stylesmith import files

    if not find:
        check_image_path(out, force=force)
    elif out.suffix:
        raise UsageError(f"--out {out}: --find writes several files; wanted a folder")
    else:
        files.check_absent(out, force=force)


def _read_directions(
    pipeline: "SamplingPipeline",
    paths: list[Path],
    channels: list[str],
    layers: "LayerIndices | None",
) -> "list[Direction]":
    from stylesmith.sampling.directions import channel_direction, read_direction
    from stylesmith.sampling.parsing import parse_channel

    generator, model = pipeline.generator, pipeline.model_hash
    found = [read_direction(path, generator, model=model) for path in paths]
    found += [channel_direction(pipeline, *parse_channel(text)) for text in channels]
    return found if layers is None else [move.with_layers(layers) for move in found]


def _find_directions(
    pipeline: "SamplingPipeline", find: FindMethod, layers: "LayerIndices | None", count: int
) -> "list[Direction]":
    from stylesmith.sampling.directions import pca_directions, sefa_directions

    search = sefa_directions if find is FindMethod.weights else pca_directions
    return search(pipeline, layers=layers, count=count)


def _boundary_normals(
    pipeline: "SamplingPipeline", files: list[Path], classifiers: Path | None, samples: int
) -> "Mapping[str, Tensor]":
    """Of boundaries by name, from files or from what classifiers see."""
    from stylesmith.sampling.directions import read_boundary

    if classifiers is not None:
        return _attribute_normals(pipeline, classifiers, samples)
    return {path.stem: read_boundary(path) for path in files}


def _boundary_directions(
    pipeline: "SamplingPipeline", normals: "Mapping[str, Tensor]", layers: "LayerIndices | None"
) -> "list[Direction]":
    from stylesmith.sampling.directions import boundary_direction

    return [
        boundary_direction(pipeline, normal, name=name, layers=layers)
        for name, normal in normals.items()
    ]


def _attribute_normals(
    pipeline: "SamplingPipeline", folder: Path, samples: int
) -> "dict[str, Tensor]":
    """Of the boundaries that classifiers draw through the untruncated w of a network."""
    import torch

    from stylesmith.metrics.classifiers import open_classifiers
    from stylesmith.metrics.separability import (
        attribute_boundaries,
        classify_seeds,
        require_scikit_learn,
    )
    from stylesmith.sampling import SamplingPipeline, SamplingSettings

    require_scikit_learn()
    classifiers = open_classifiers(folder, pipeline.device)
    whole = SamplingPipeline(pipeline.generator, SamplingSettings(label=pipeline.settings.label))
    with progress_bar("Looking") as advance:
        ws, logits = classify_seeds(whole, classifiers, samples, advance)
    found = attribute_boundaries(ws, logits, classifiers.attributes)
    return {name: torch.from_numpy(normal) for name, normal in found.items()}


def _apply_without(
    pipeline: "SamplingPipeline", moves: "list[Direction]", paths: list[Path]
) -> "list[Direction]":
    from stylesmith.sampling.directions import orthogonalize, read_direction

    model = pipeline.model_hash
    others = [read_direction(path, pipeline.generator, model=model) for path in paths]
    if not others:
        return moves
    return [  # vectors of boundaries are readings, those of other directions are ways to go
        orthogonalize(move, others, pipeline.w_samples if move.origin == "boundary" else None)
        for move in moves
    ]


def _write_directions(moves: "list[Direction]", folder: Path) -> None:
    from stylesmith.sampling.directions import save_direction

    for move in moves:
        save_direction(folder / f"{move.name}.safetensors", move)
    print_line(
        f"{count_text(len(moves), 'direction')} -> {folder}: {moves[0].name} to {moves[-1].name}"
    )
