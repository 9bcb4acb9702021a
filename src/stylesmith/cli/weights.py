"""Commands `weights` and `classifiers`: the networks that metrics need."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.callbacks import ProgressCallback
from stylesmith.cli.console import console, progress_bar
from stylesmith.cli.evaluate import ProtocolChoice, main_process_progress_bar
from stylesmith.cli.train import DeviceName

if TYPE_CHECKING:
    from stylesmith.perception.weights import WeightFile
if TYPE_CHECKING:
    from stylesmith.metrics.classifiers import ClassifierFacts


weights_app = typer.Typer(
    no_args_is_help=True,
    help="Get the published networks that metrics need; `STYLESMITH_WEIGHTS` names the folder.",
    rich_markup_mode="markdown",
)

ForceWeightsOption = Annotated[
    bool, typer.Option("--force", help="Replace the file if it is there.")
]


@weights_app.command("list")
def list_() -> None:
    """Show the weight files: what each is for, its size and license, and whether it is there.

    Example: `stylesmith weights list`
    """
    from rich.table import Table

    from stylesmith.perception.weights import WEIGHT_FILES, default_weights_folder, format_bytes

    folder = default_weights_folder()
    table = Table("name", "for", "size", "state", "license", box=None)
    for file in WEIGHT_FILES.values():
        state = _file_state(file, folder)
        table.add_row(file.name, file.used_for, format_bytes(file.size), state, file.license)
    console.print(table)
    _print_line(f"Folder: {folder}")


@weights_app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(help="Names that `weights list` shows.")],
    force: ForceWeightsOption = False,
) -> None:
    """Download weight files, or the rest of them, and check them.

    Example: `stylesmith weights fetch vgg16 lpips`
    """
    from stylesmith.perception.weights import default_weights_folder, find_weight_file, format_bytes
    from stylesmith.perception.weights import fetch_weight_file as fetch_file

    files = [find_weight_file(name) for name in names]
    folder = default_weights_folder()
    for file in files:
        _print_line(f"{file.name}: {format_bytes(file.size)}, {file.license}, {file.url}")
        with progress_bar(f"Fetching {file.name} (MB)") as advance:
            path = fetch_file(file, folder, force=force, on_progress=_in_megabytes(advance))
        _print_line(f"{file.name} -> {path}")


@weights_app.command()
def add(
    name: Annotated[str, typer.Argument(help="A name that `weights list` shows.")],
    source: Annotated[Path, typer.Argument(help="The file, from another machine or package.")],
    force: ForceWeightsOption = False,
) -> None:
    """Check a weight file that you have, and copy it to where metrics look.

    Example: `stylesmith weights add inception pt_inception-2015-12-05-6726825d.pth`
    """
    from stylesmith.perception.weights import add_weight_file as add_file
    from stylesmith.perception.weights import default_weights_folder, find_weight_file

    path = add_file(find_weight_file(name), source, default_weights_folder(), force=force)
    _print_line(f"{name} -> {path}")


def _in_megabytes(advance: "ProgressCallback") -> "ProgressCallback":
    return lambda done, total: advance(done // 1_000_000, total // 1_000_000)


def _file_state(file: "WeightFile", folder: Path) -> str:
    from stylesmith.perception.weights import PARTIAL_SUFFIX, format_bytes

    if (folder / file.file_name).is_file():
        return "there"
    partial = folder / f"{file.file_name}{PARTIAL_SUFFIX}"
    if partial.is_file():
        return f"{format_bytes(partial.stat().st_size)} there"
    return "missing"


def _print_line(text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


classifiers_app = typer.Typer(
    no_args_is_help=True, help="Train attribute classifiers.", rich_markup_mode="markdown"
)


@classifiers_app.callback()
def classifiers_group() -> None:
    """Train attribute classifiers, which linear separability needs."""


@classifiers_app.command()
def train(
    data: Annotated[Path, typer.Argument(help="Folder or zip of images with attributes.")],
    out: Annotated[Path, typer.Option(help="Folder of the classifiers.")],
    attributes: Annotated[
        Path | None,
        typer.Option(help="List of attributes: CelebA's, or a CSV; else one beside the images."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Some of the attributes: hat,long_hair; else all.")
    ] = None,
    protocol: Annotated[
        ProtocolChoice,
        typer.Option(help="150,000 images a classifier, or 10,000 and narrow networks."),
    ] = ProtocolChoice.paper,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other networks.")] = 0,
    resolution: Annotated[
        str | None, typer.Option(help="Crop and resize: 256, or WIDTHxHEIGHT.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave unreadable images out.")
    ] = False,
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = DeviceName.auto,
    force: Annotated[
        bool, typer.Option("--force", help="Replace classifiers that are in OUT.")
    ] = False,
) -> None:
    """Train one binary classifier per attribute of the images.

    Avatars bring their attributes with them; for photos, name CelebA's `list_attr_celeba.txt` or a
    CSV whose first line is `image,NAME,NAME,...`. Started again, the command goes on with the
    classifiers that are missing.

    Example: `stylesmith classifiers train faces.zip --out classifiers/ --protocol small`
    """
    from stylesmith import distributed
    from stylesmith.config import parse_size
    from stylesmith.data.dataset import open_dataset
    from stylesmith.devices import choose_device, choose_precision
    from stylesmith.metrics.attributes import read_attributes
    from stylesmith.metrics.classifiers import plan_classifier_training, train_classifiers

    place = choose_device(device.value)
    with main_process_progress_bar("Reading") as advance:
        size = parse_size(resolution) if resolution else None
        dataset = open_dataset(data, size=size, skip_bad=skip_bad, on_progress=advance)
    known = read_attributes(dataset, attributes)
    lesson = plan_classifier_training(
        dataset,
        known.select(only.split(",")) if only else known,
        protocol=protocol.value,
        seed=seed,
        device=place,
        precision=choose_precision("auto", place),
    )
    names = lesson.attributes.names
    _print_on_main_process(
        f"{len(names)} attributes of {len(dataset)} images, {lesson.images:,} images each"
    )
    with distributed.process_group(place), main_process_progress_bar("Training") as advance:
        facts = train_classifiers(
            lesson, out, force=force, notify=_print_on_main_process, on_progress=advance
        )
    if distributed.planned_rank() == 0:
        _print_facts(facts)
        _print_on_main_process(f"{len(facts)} classifiers -> {out}")


def _print_facts(facts: "list[ClassifierFacts]") -> None:
    from rich.table import Table

    table = Table("attribute", "has it", "right", box=None)
    for fact in facts:
        table.add_row(fact.attribute, f"{fact.share:.1%}", f"{fact.accuracy:.1%}")
    console.print(table)
    console.print("right: on images held out, mean of those with the attribute and those without.")


def _print_on_main_process(text: str) -> None:
    from stylesmith import distributed

    if distributed.planned_rank() == 0:
        console.print(text, markup=False, soft_wrap=True)
