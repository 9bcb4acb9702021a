"""`stylesmith data`: prepare, check and make training data."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from stylesmith.choices import ResizeFilter
from stylesmith.cli import options
from stylesmith.cli.command_group import CommandGroup
from stylesmith.cli.console import console, print_line, progress_bar
from stylesmith.formatting import format_image_size, shorten_list

data_app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="Prepare, check and make training data.",
    rich_markup_mode="markdown",
)
make_app = typer.Typer(
    cls=CommandGroup, no_args_is_help=True, help="Make data sets that need no images."
)
data_app.add_typer(make_app, name="make")

MAX_SHOWN = 50
"""Images left out that `prepare` prints."""
MAX_EXAMPLES = 5
"""Findings of each kind that `check` prints."""
REST_OF_TOPIC = {
    "bad": "that must be repaired",
    "conflict": "with the pixels of an image of another label",
    "copy": "with the pixels of another image",
    "class": "about classes with few images",
    "mode": "of another mode",
    "size": "of another size",
}
"""What `check` calls the findings of each kind that it does not print."""


@data_app.command()
def prepare(
    source: Annotated[Path, typer.Argument(help="Folder, zip or container of images.")],
    out: Annotated[Path, typer.Argument(help="The zip to write.")],
    resolution: Annotated[
        str, typer.Option(help="Size in pixels: 256, or WIDTHxHEIGHT as in 512x384.")
    ],
    filter: Annotated[
        ResizeFilter,
        typer.Option(help="lanczos is sharp; box averages, as some published sets do."),
    ] = "lanczos",
    picture: Annotated[
        str | None,
        typer.Option(help="Size of the image between black bars: 512x384 for LSUN Car at 512."),
    ] = None,
    channels: Annotated[
        Literal["1", "3", "4"] | None,
        typer.Option(help="1 gray, 3 color, 4 with transparency; else as the images are: 1 or 3."),
    ] = None,
    max_images: Annotated[
        int | None, typer.Option(help="Take only so many, spread evenly over the names.")
    ] = None,
    stretch: Annotated[
        bool,
        typer.Option(
            "--stretch",
            help="Make the least value of all images black and the greatest white: for images that "
            "use a small part of their range, such as 12-bit data in 16-bit files.",
        ),
    ] = False,
    split: options.SplitOption = "",
    labels: options.LabelsOption = "",
    skip_bad: options.SkipBadOption = False,
    force: options.ForceOption = False,
) -> None:
    """Crop and resize any folder, zip or container of images into one zip, ready for training.

    PNG, JPEG, WebP, BMP, GIF, TIFF, AVIF, PPM and PGM files are read, in folders, zips and tar
    shards; also TFRecords, `.npy`, `.npz`, CIFAR, MNIST, LMDB, HDF5. Each image is cropped around
    its center and resized. Labels are kept: subfolders (`cats/`, `dogs/`) become classes, or a
    `dataset.json`, a table or the container tells them.

    Example: `stylesmith data prepare photos/ photos.zip --resolution 256`
    """
    from stylesmith.config import parse_size
    from stylesmith.data.image_set import ReadOptions
    from stylesmith.data.prepare import prepare_dataset

    with progress_bar("Preparing") as advance:
        done = prepare_dataset(
            source,
            out,
            size=parse_size(resolution),
            filter=filter,
            content_size=options.read_size(picture),
            channels=int(channels) if channels else None,
            skip_bad=skip_bad,
            max_images=max_images,
            stretch=stretch,
            options=ReadOptions(split, labels),
            force=force,
            on_progress=advance,
        )
    kind = {1: "gray", 3: "color", 4: "transparent"}[done.channels]
    print_line(f"{done.count} {kind} images of {format_image_size(done.size)} -> {out}")
    if done.label_size:
        names = f": {shorten_list(done.class_names)}" if done.class_names else ""
        print_line(f"Labels of length {done.label_size}{names} (used with `train --conditional`)")
    if done.enlarged:
        print_line(f"{done.enlarged} images were smaller than that and have been enlarged.")
    print_line(*done.notes)
    shown = done.skipped[:MAX_SHOWN]
    print_line(*(f"Left out {name!r}: {reason}" for name, reason in shown))
    if len(done.skipped) > MAX_SHOWN:
        print_line(
            f"... {len(done.skipped)} left out in all; stylesmith.json in the zip lists them."
        )


@data_app.command()
def check(
    path: Annotated[Path, typer.Argument(help="Folder, zip or container of images.")],
    show_all: Annotated[
        bool, typer.Option("--all", help="List every finding, not only some of each kind.")
    ] = False,
    split: options.SplitOption = "",
    labels: options.LabelsOption = "",
) -> None:
    """Decode every image and say what is wrong with the data, what matters first.

    Damaged files, classes with few images, images that are there twice, and other sizes and pixel
    formats are counted, with some examples of each. The exit status is 1 if something must be
    repaired, such as a damaged file or a missing label. The hash of all pixels, printed at the end,
    is equal for equal data.

    Example: `stylesmith data check photos/`
    """
    from stylesmith.data.check import check_data
    from stylesmith.data.image_set import ReadOptions

    with progress_bar("Checking") as advance:
        report = check_data(path, options=ReadOptions(split, labels), on_progress=advance)
    print_line(*filter(None, [report.recognized]))
    for topic, findings in report.by_topic().items():
        color = "red" if topic == "bad" else "yellow"
        shown = findings if show_all else findings[:MAX_EXAMPLES]
        for finding in shown:
            name, text = escape(finding.name), escape(finding.text)
            console.print(f"[{color}]{finding.kind:4}[/] {name}: {text}", soft_wrap=True)
        if hidden := len(findings) - len(shown):
            print_line(f"     and {hidden} more {REST_OF_TOPIC[topic]} (--all lists them)")
    sizes = [f"{count} of {format_image_size(size)}" for size, count in report.sizes.most_common(5)]
    modes = [f"{count} {mode}" for mode, count in report.modes.most_common()]
    print_line(f"{report.path}: {report.images} images, {len(report.bad_images)} to be repaired")
    if sizes:
        more = f", and {len(report.sizes) - 5} more sizes" if len(report.sizes) > 5 else ""
        print_line(f"Sizes: {', '.join(sizes)}{more}", f"Modes: {', '.join(modes)}")
        print_line(f"Pixels: hash {report.pixel_hash}")
    print_line(f"Labels: {report.labels}", *report.advice)
    if report.bad_images:
        raise typer.Exit(1)


@make_app.command()
def avatars(
    out: Annotated[Path, typer.Argument(help="The zip to write.")],
    count: Annotated[int, typer.Option(help="How many faces.")] = 10000,
    resolution: Annotated[int, typer.Option(help="Size in pixels, a power of two.")] = 64,
    seed: Annotated[int, typer.Option(help="Another seed gives other faces.")] = 0,
    force: options.ForceOption = False,
) -> None:
    """Draw cartoon faces to try training with, labeled by hair color.

    They come with exact attributes (glasses, beard, smile, ...) in `attributes.json`.
    Needs `pip install "stylesmith[avatars]"`.

    Example: `stylesmith data make avatars faces.zip --count 10000 --resolution 32`
    """
    from stylesmith.data.avatars import make_avatars

    with progress_bar("Drawing") as advance:
        done = make_avatars(
            out, count=count, size=resolution, seed=seed, force=force, on_progress=advance
        )
    print_line(
        f"{done.count} faces of {resolution}x{resolution} -> {out}",
        f"Classes: {', '.join(done.class_names)}. Attributes: {len(done.attribute_names)}.",
        done.license,
    )
