"""The command line: parse, call, print. No tensors here, and nothing heavy until a command runs."""

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

import stylesmith
from stylesmith.cli import data, weights
from stylesmith.cli.command_group import CommandGroup
from stylesmith.cli.console import error_console, escape_unprintable, print_problem
from stylesmith.cli.convert import export, import_, inspect
from stylesmith.cli.doctor import doctor
from stylesmith.cli.edit import edit
from stylesmith.cli.evaluate import evaluate
from stylesmith.cli.explore import explore
from stylesmith.cli.failures import (
    STOPPED_EXIT_STATUSES,
    check_unicode,
    describe_failure,
    stop_on_signals,
)
from stylesmith.cli.figures import figure, table
from stylesmith.cli.generate import generate, mix, noise, video
from stylesmith.cli.presets import presets
from stylesmith.cli.project import attribution, project
from stylesmith.cli.train import train

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Train, measure and use style-based GANs: StyleGAN and StyleGAN2, on any device.",
)
app.add_typer(data.data_app, name="data")
app.add_typer(weights.classifiers_app, name="classifiers")
app.add_typer(weights.weights_app, name="weights")
for command in (train, generate, mix, video, noise, edit, project, attribution, evaluate, figure):
    app.command()(command)
app.command()(table)
app.command()(explore)
app.command("import")(import_)
for other_command in (inspect, export, presets, doctor):
    app.command()(other_command)


def main() -> None:
    """Run a command; every error of a user becomes one line and an exit status, here alone."""
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    escape_unprintable()
    message = ""
    with stop_on_signals():
        try:
            check_unicode([*sys.argv[1:], str(Path.cwd())])
            status = app(standalone_mode=False)
            sys.stdout.flush()  # a full disk, or a pipe that is closed, is told here
        except SystemExit as end:
            status = end.code
        except Exception as error:
            failure = describe_failure(error)
            if failure is None:
                raise
            status, message = failure
    if message:  # none after the help that a command without arguments shows
        print_problem("error", message)
    elif status in STOPPED_EXIT_STATUSES:
        error_console.print("stopped")
    sys.exit(status)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stylesmith {stylesmith.__version__}")
        raise typer.Exit


@app.callback()
def common_options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Options of all commands."""


def _show_warning(message: Warning | str, *details: object) -> None:
    print_problem("note", str(message))
