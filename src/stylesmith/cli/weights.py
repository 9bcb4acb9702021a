"""Commands `weights` and `classifiers`: the networks that metrics need."""

from pathlib import Path
from typing import Annotated

import typer

from stylesmith.choices import ProtocolName
from stylesmith.cli import options
from stylesmith.cli.command_group import CommandGroup
from stylesmith.cli.console import is_main_process, print_line, print_table, progress_bar
from stylesmith.formatting import format_bytes
from stylesmith.perception import weights

weights_app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="Get the published networks that metrics need; `STYLESMITH_WEIGHTS` names the folder.",
    rich_markup_mode="markdown",
)


@weights_app.command("list")
def list_() -> None:
    """Show the weight files: what each is for, its size and license, and whether it is there.

    Example: `stylesmith weights list`
    """
    folder = weights.default_weights_folder()
    header = ("name", "for", "size", "state", "license")
    rows = [
        (file.name, file.used_for, format_bytes(file.size), _file_state(file, folder), file.license)
        for file in weights.WEIGHT_FILES.values()
    ]
    print_table(header, rows)
    print_line(f"Folder: {folder}")


@weights_app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(help="Names that `weights list` shows.")],
    force: options.ForceOption = False,
) -> None:
    """Download weight files, or the rest of them, and check them.

    Example: `stylesmith weights fetch vgg16 lpips`
    """
    files = [weights.find_weight_file(name) for name in names]
    folder = weights.default_weights_folder()
    for file in files:
        print_line(f"{file.name}: {format_bytes(file.size)}, {file.license}, {file.url}")
        with progress_bar(f"Fetching {file.name} (MB)", unit=1_000_000) as advance:
            path = weights.fetch_weight_file(file, folder, force=force, on_progress=advance)
        print_line(f"{file.name} -> {path}")


@weights_app.command()
def add(
    name: Annotated[str, typer.Argument(help="A name that `weights list` shows.")],
    source: Annotated[Path, typer.Argument(help="The file, from another machine or package.")],
    force: options.ForceOption = False,
) -> None:
    """Check a weight file that you have, and copy it to the folder of weights.

    Example: `stylesmith weights add inception pt_inception-2015-12-05-6726825d.pth`
    """
    folder = weights.default_weights_folder()
    path = weights.add_weight_file(weights.find_weight_file(name), source, folder, force=force)
    print_line(f"{name} -> {path}")


def _file_state(file: weights.WeightFile, folder: Path) -> str:
    if (folder / file.file_name).is_file():
        return "there"
    partial = folder / f"{file.file_name}{weights.PARTIAL_SUFFIX}"
    return f"{format_bytes(partial.stat().st_size)} there" if partial.is_file() else "missing"


classifiers_app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="Train attribute classifiers.",
    rich_markup_mode="markdown",
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
    ] = "paper",
    seed: options.SeedOption = 0,
    resolution: options.ResolutionOption = None,
    skip_bad: options.SkipBadOption = False,
    device: options.DeviceOption = "auto",
    force: options.ForceOption = False,
) -> None:
    """Train one binary classifier per attribute of the images.

    Avatars bring their attributes with them; for photos, name CelebA's `list_attr_celeba.txt` or a
    CSV whose first line is `image,NAME,NAME,...`. Started again, the command goes on with the
    classifiers that are missing.

    Example: `stylesmith classifiers train faces.zip --out classifiers/ --protocol small`
    """
    from stylesmith import distributed
    from stylesmith.devices import choose_device, choose_precision
    from stylesmith.metrics.attributes import read_attributes
    from stylesmith.metrics.classifiers import plan_classifier_training, train_classifiers

    place = choose_device(device)
    dataset = options.open_dataset(data, resolution, skip_bad=skip_bad)
    known = read_attributes(dataset, attributes)
    plan = plan_classifier_training(
        dataset,
        known.select(options.split_names(only)) if only else known,
        protocol=protocol,
        seed=seed,
        device=place,
        precision=choose_precision("auto", place),
    )
    count = len(plan.attributes.names)
    print_line(f"{count} attributes of {len(dataset)} images, {plan.images:,} images each")
    with distributed.process_group(place), progress_bar("Training") as advance:
        facts = train_classifiers(plan, out, force=force, notify=print_line, on_progress=advance)
    if is_main_process():
        rows = [(fact.attribute, f"{fact.share:.1%}", f"{fact.accuracy:.1%}") for fact in facts]
        print_table(("attribute", "has it", "right"), rows)
        print_line("right: on images held out, mean of those with the attribute and those without.")
        print_line(f"{len(facts)} classifiers -> {out}")
