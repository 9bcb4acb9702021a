"""`stylesmith edit`: move images along directions, and find directions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stylesmith import files
from stylesmith.cli import options
from stylesmith.cli.console import print_line, progress_bar
from stylesmith.cli.options import check_image_path, open_pipeline, read_sources
from stylesmith.errors import UsageError
from stylesmith.formatting import format_count

if TYPE_CHECKING:
    from torch import Tensor

    from stylesmith.sampling import SamplingPipeline
    from stylesmith.sampling.directions import Direction

PREVIEW_FILE = "preview.png"

FindMethod = Literal["weights", "samples", "boundary"]


def edit(
    model: options.ModelArgument,
    seeds: options.SeedsOption = "0",
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
        int, typer.Option(min=100, help="Images to classify for --classifiers.")
    ] = 20_000,
    count: Annotated[int, typer.Option(min=1, max=100, help="Directions to find.")] = 10,
    psi: options.PsiOption = 0.7,
    psi_layers: options.PsiLayersOption = None,
    psi_cutoff: options.PsiCutoffOption = None,
    center: options.CenterOption = "global",
    class_: options.ClassOption = None,
    label: options.LabelOption = None,
    noise: options.NoiseOption = "fixed",
    out: Annotated[Path, typer.Option(help="The image, or with --find the folder.")] = Path(
        "edit.png"
    ),
    precision: options.PrecisionOption = "auto",
    device: options.DeviceOption = "auto",
    force: options.ForceOption = False,
) -> None:
    """Move images along a direction, or find directions worth moving along.

    Examples:
    `stylesmith edit runs/photos --find weights --layers coarse --out directions/`

    `stylesmith edit runs/photos --seeds 3 --direction directions/weights-0-3-01.safetensors`

    `stylesmith edit runs/photos --find boundary --classifiers classifiers/ --out attributes/`
    """
    from stylesmith.sampling import directions
    from stylesmith.sampling.editing import write_editing_grid
    from stylesmith.sampling.parsing import parse_channel, parse_layers, parse_strengths

    strengths = parse_strengths(strength)
    if find and (direction or channel):
        raise UsageError(f"--find {find}: finds directions; leave --direction and --channel out")
    if not (find or direction or channel):
        raise UsageError("name a --direction or --channel, or find some with --find weights")
    if (find == "boundary") != (bool(boundary) != (classifiers is not None)):
        raise UsageError(
            "--find boundary goes with one of --classifiers FOLDER and --boundary FILE, and they "
            "with it"
        )
    if without and channel:
        raise UsageError("--without: is for directions of w, not for a --channel")
    if find and not files.names_folder(out):
        raise UsageError(f"--out {out}: --find writes several files; wanted a folder")
    check_image_path(out, force=force, folder=bool(find))
    pipeline = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        psi_cutoff=psi_cutoff,
        center=center,
        class_=class_,
        label=label,
        noise=noise,
        precision=precision,
        device=device,
    )
    sources = read_sources(pipeline, seeds)
    chosen = parse_layers(layers, pipeline.config, option="--layers") if layers else None
    if find == "weights":
        moves = directions.sefa_directions(pipeline, layers=chosen, count=count)
    elif find == "samples":
        moves = directions.pca_directions(pipeline, layers=chosen, count=count)
    elif find == "boundary":
        normals = _boundary_normals(pipeline, boundary or [], classifiers, samples)
        moves = [
            directions.boundary_direction(pipeline, normal, name=name, layers=chosen)
            for name, normal in normals.items()
        ]
    else:
        moves = _read_directions(pipeline, direction)
        moves += [
            directions.channel_direction(pipeline, *parse_channel(text)) for text in channel or []
        ]
        moves = moves if chosen is None else [move.with_layers(chosen) for move in moves]
    others = _read_directions(pipeline, without)
    moves = [  # vectors of boundaries are normals of hyperplanes, those of others directions in W
        directions.orthogonalize(
            move, others, pipeline.w_samples if others and move.origin == "boundary" else None
        )
        for move in moves
    ]
    sources, sheet = (sources[:1], PREVIEW_FILE) if find else (sources, out.name)
    folder = out if find else out.parent
    with files.staging_folder(folder) as place, progress_bar("Drawing") as advance:
        write_editing_grid(pipeline, sources, moves, strengths, place / sheet, on_progress=advance)
        for move in moves if find else ():
            directions.save_direction(place / f"{move.name}.safetensors", move)
    if find:
        names = f"{moves[0].name} to {moves[-1].name}"
        print_line(f"{format_count(len(moves), 'direction')} -> {out}: {names}")
    rows = format_count(len(moves) * len(sources), "row")
    print_line(f"{rows} of {format_count(len(strengths), 'image')} -> {folder / sheet}")


def _read_directions(pipeline: "SamplingPipeline", paths: list[Path] | None) -> "list[Direction]":
    from stylesmith.sampling.directions import read_direction

    model = pipeline.model_hash
    return [read_direction(path, pipeline.generator, model=model) for path in paths or []]


def _boundary_normals(
    pipeline: "SamplingPipeline", paths: list[Path], classifiers: Path | None, samples: int
) -> "dict[str, Tensor]":
    """Normals of boundaries in W, by name: of files, or of the attributes of classifiers."""
    if classifiers is None:
        from stylesmith.sampling.directions import read_boundary

        return {path.stem: read_boundary(path) for path in paths}
    from stylesmith.metrics.classifiers import open_classifiers
    from stylesmith.metrics.separability import classifier_boundaries

    networks = open_classifiers(classifiers, pipeline.device)
    with progress_bar("Classifying") as advance:
        return classifier_boundaries(pipeline, networks, samples, advance)
