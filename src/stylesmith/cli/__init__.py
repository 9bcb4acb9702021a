"""The command line: parse, call, print. No tensors here, and nothing heavy until a command runs."""

import sys
import warnings
from typing import Annotated

import typer

import stylesmith
from stylesmith.cli import data
from stylesmith.cli.console import error_console
from stylesmith.cli.doctor import doctor
from stylesmith.cli.generate import generate
from stylesmith.cli.presets import presets
from stylesmith.cli.train import train
from stylesmith.errors import StylesmithError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Train, measure and use style-based GANs: StyleGAN and StyleGAN2, on any device.",
)
app.add_typer(data.app, name="data")
app.command()(train)
app.command()(generate)
app.command()(presets)
app.command()(doctor)


def main() -> None:
    """Run a command; every `StylesmithError` becomes one line and an exit status, here alone."""
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
        app()
    except StylesmithError as error:
        error_console.print(f"error: {error}", markup=False, soft_wrap=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        error_console.print("stopped")
        sys.exit(130)


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Options of all commands."""
    if version:
        typer.echo(f"stylesmith {stylesmith.__version__}")
        raise typer.Exit


def _show_warning(message: Warning | str, *details: object) -> None:
    error_console.print(f"note: {message}", markup=False, soft_wrap=True)
