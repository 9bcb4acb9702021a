"""`stylesmith explore`: a page in the browser to explore a generator with."""

from typing import Annotated

import typer

from stylesmith.cli import options
from stylesmith.cli.console import print_line, print_problem
from stylesmith.errors import UsageError


def explore(
    model: options.ModelArgument,
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than 127.0.0.1 are for networks.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Else the first free one from 8642 up; 0 is any."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name that browsers may call this server by, as behind a proxy."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser, or print the address.")
    ] = True,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
) -> None:
    """Explore a generator in the browser: draw, mix layers, keep pictures and find them again.

    Only this user's browser on this machine is answered. Ctrl-C ends it. Needs `pip install
    "stylesmith[explorer]"`.

    Examples:
    `stylesmith explore avatars`

    `stylesmith explore runs/photos --no-browser --port 8700`
    """
    try:
        from stylesmith.explorer.server import ServerSettings, serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "websockets"):
            raise
        raise UsageError(
            f'explore needs {error.name}, which is missing: pip install "stylesmith[explorer]"'
        ) from None
    import webbrowser

    from stylesmith.devices import set_threads
    from stylesmith.explorer.studio import ModelName
    from stylesmith.models import load

    set_threads(threads)
    generator = load(model, device=device)
    words: list[object] = ["--device", device] if device != "auto" else []
    words += ["--threads", threads] if threads else []

    def show(address: str) -> None:
        print_line(f"ready: {address}", "Ctrl-C ends it.")
        if browser:
            webbrowser.open(address)

    if host not in ("127.0.0.1", "localhost", "::1"):
        print_problem(
            "note",
            f"--host {host}: every computer that reaches this address and has the token can draw; "
            "the connection is not encrypted",
        )
    settings = ServerSettings(host, port, tuple(allow_host or ()))
    serve(generator, ModelName(model, tuple(words)), settings, on_ready=show)
