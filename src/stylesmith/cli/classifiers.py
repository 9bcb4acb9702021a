"""`stylesmith classifiers`: networks that tell attributes, for linear separability."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import console
from stylesmith.cli.evaluate import ProtocolName, main_process_progress_bar
from stylesmith.cli.train import DeviceName

if TYPE_CHECKING:
    from stylesmith.metrics.classifiers import ClassifierFacts

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
        ProtocolName,
        typer.Option(help="150,000 images a classifier, or 10,000 and narrow networks."),
    ] = ProtocolName.paper,
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
    from stylesmith.metrics.supervised import plan_classifier_training, train_classifiers

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
