"""`stylesmith weights`: the published networks that metrics need."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import console, progress_bar

if TYPE_CHECKING:
    from stylesmith.perception.download import ProgressCallback
    from stylesmith.perception.weights import WeightFile

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
    from stylesmith.perception.download import fetch_weight_file as fetch_file
    from stylesmith.perception.weights import default_weights_folder, find_weight_file, format_bytes

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
