"""`stylesmith import`, `inspect`, `export`: published weights in, standard formats out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith import files
from stylesmith.choices import PROGRAM_SUFFIXES, ExportFormat, NoiseInput
from stylesmith.cli import options
from stylesmith.cli.console import print_line
from stylesmith.errors import ModelError, UsageError
from stylesmith.file_kinds import identify_file, web_address_problem
from stylesmith.formatting import format_command

if TYPE_CHECKING:
    from stylesmith.models import Bundle
    from stylesmith.models.deploy import ExportedFile, WebRuntime


PublishedFileArgument = Annotated[
    Path, typer.Argument(help="TensorFlow or StyleGAN2-ADA pickle, or rosinality checkpoint.")
]


def import_(
    file: PublishedFileArgument,
    out: Annotated[Path, typer.Argument(help="Model folder to write.")],
    with_discriminator: Annotated[
        bool,
        typer.Option(
            "--with-discriminator",
            help="Keep the trained generator and the discriminator beside the averaged generator.",
        ),
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Take what fits, where not all of the file does.")
    ] = False,
    force: options.ForceOption = False,
) -> None:
    """Turn published weights into a model folder, without running anything in the file.

    Every tensor is checked; what is missing, unknown or of another kind is an error.

    Examples:
    `stylesmith import ffhq.pkl models/ffhq`

    `stylesmith import 550000.pt models/faces --with-discriminator`
    """
    from stylesmith.models import load_bundle, save_bundle
    from stylesmith.models.interop import is_external_file

    files.check_absent(out, force=force, folder=True)
    if problem := web_address_problem(file):
        raise ModelError(problem)
    if kind := identify_file(file):
        raise ModelError(f"{file}: {kind.instead_of('weights')}")
    if not file.is_file() or not is_external_file(file):
        problem = "not a pickle or torch file" if file.exists() else "no such file"
        raise ModelError(f"{file}: {problem}; stylesmith's own models need no import.")
    bundle = load_bundle(file, partial=partial, trained=with_discriminator)
    save_bundle(out, bundle)
    for report in bundle.reports:
        print_line(*report.lines())
    if bundle.discriminator is not None:
        print_line(f"the discriminator opens by stylesmith.load_discriminator({str(out)!r})")
    print_line(f"licence: {bundle.about['licence']}", f"{file} -> {out}")


def inspect(
    model: Annotated[
        Path,
        typer.Argument(
            help="Run, model folder, `avatars`, any file `import` reads, or an ONNX file."
        ),
    ],
) -> None:
    """Say what a model or file holds and what it wants, without running anything in it.

    Lists networks with their sizes, inputs and outputs, and where they come from; of published
    weights, settings too, and every name of a program that the file asks for, with its place.

    Examples:
    `stylesmith inspect ffhq.pkl`

    `stylesmith inspect runs/photos`
    """
    from stylesmith.models import describe_model

    print_line(*describe_model(model))


def export(
    model: Annotated[
        Path, typer.Argument(help="Run, model folder, `avatars`, or any file `import` reads.")
    ],
    dest: Annotated[
        Path | None,
        typer.Argument(help="Folder (model; onnx, torch-export in two parts), or file."),
    ] = None,
    form: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="What to write; model, or by suffix: .onnx, .pt2."),
    ] = None,
    noise: Annotated[
        NoiseInput,
        typer.Option(help="In onnx and torch-export: fixed maps, maps as inputs, or no noise."),
    ] = "fixed",
    web: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for a page that draws in the browser."),
    ] = None,
    runtime: Annotated[
        Path | None,
        typer.Option(help="Of --web: package onnxruntime-web, a folder or .tgz that npm made."),
    ] = None,
    fetch_runtime: Annotated[
        bool, typer.Option("--fetch-runtime", help="Of --web: download that package once (33 MB).")
    ] = False,
    force: options.ForceOption = False,
) -> None:
    """Write a model in another program's layout, as a program of its own, or as a model folder.

    `ada`, `rosinality` and `model` take all networks that MODEL has. `onnx` and `torch-export` take
    the averaged generator: a file draws from z and psi; a folder gets two, from z and psi to one w
    for each layer, and from there to images. `--web` writes a page for any static file server.

    What was written is read back, and the largest difference of images is printed.

    Examples:
    `stylesmith export runs/photos photos.onnx`

    `stylesmith export runs/photos --web page/`

    `stylesmith export models/ffhq ffhq.pt --format rosinality`
    """
    from stylesmith.models import load_bundle

    if dest is None and web is None:
        raise UsageError("export: wanted DEST, or --web DIR")
    outputs = [path for path in (dest, web) if path is not None]
    for path in outputs:
        folder = path is web or files.names_folder(path)
        files.check_absent(path, force=force, folder=folder)
    form = form or (_format_of(dest) if dest else "model")
    programs = dest is None or form in PROGRAM_SUFFIXES
    if noise != "fixed" and (dest is None or not programs):
        raise UsageError(f"--noise {noise}: goes with a DEST in onnx or torch-export")
    if web is None and (runtime is not None or fetch_runtime):
        raise UsageError("--runtime and --fetch-runtime: go with --web")
    package: WebRuntime = {}
    if web is not None:  # before anything is written
        from stylesmith.models.deploy import find_runtime

        package = find_runtime(runtime, fetch=fetch_runtime)
    bundle = load_bundle(model, trained=not programs)
    if dest is not None and (form == "onnx" or form == "torch-export"):
        from stylesmith.models.deploy import write_programs

        written = write_programs(dest, form, bundle.ema, noise=noise, about=bundle.about)
        print_line(*map(_describe_program, written))
    elif dest is not None:
        _export_layout(dest, form, bundle)
    if web is not None:
        _export_page(web, model, bundle, package)
    if "licence" in bundle.about:
        print_line(f"licence: {bundle.about['licence']}")
    print_line(*(f"{model} -> {path}" for path in outputs))


def _format_of(dest: Path) -> ExportFormat:
    """The format that a destination's name says; a folder is a model folder."""
    suffix = dest.suffix.lower()
    for form, known in PROGRAM_SUFFIXES.items():
        if suffix == known:
            return form
    if files.names_folder(dest):
        return "model"
    raise UsageError(
        f"{dest}: {suffix} says no format to write. Wanted .onnx, .pt2, a folder (of a model), or "
        "--format ada (.pt, .pkl) or --format rosinality (.pt)"
    )


def _export_layout(dest: Path, form: ExportFormat, bundle: "Bundle") -> None:
    from stylesmith.models import largest_difference, load_bundle, save_bundle
    from stylesmith.models.interop import write_external

    remarks: list[str] = []
    if form == "model":
        save_bundle(dest, bundle)
    else:
        remarks = write_external(dest, form, bundle.networks())
    difference = largest_difference(bundle, load_bundle(dest))
    names = ", ".join(bundle.networks())
    print_line(f"{names}: read back, images and scores within {difference:.1e}", *remarks)


def _export_page(web: Path, model: Path, bundle: "Bundle", package: "WebRuntime") -> None:
    from stylesmith.models.deploy import write_page

    title = model.stem if model.is_file() else model.resolve().name
    written = write_page(web, bundle.ema, package, title=title, about=bundle.about)
    print_line(*map(_describe_program, written))
    serve = format_command("-m", "http.server", "-d", web, program="python")
    print_line(f"to open it: {serve}, then http://localhost:8000")


def _describe_program(written: "ExportedFile") -> str:
    inputs = ", ".join(written.inputs)
    return (
        f"{written.name}: {inputs} -> {written.output}, {written.reader}, "
        f"within {written.difference:.1e}"
    )
