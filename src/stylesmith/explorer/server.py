"""The server of the explorer: an address of this machine, and the app behind it."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from stylesmith.errors import RunError
from stylesmith.explorer.access_token import access_token
from stylesmith.explorer.app import make_app
from stylesmith.explorer.messages import MAX_MESSAGE_BYTES
from stylesmith.explorer.studio import ModelName, Studio
from stylesmith.networks import Generator

DEFAULT_PORT = 8642
PORTS_TRIED = 10
"""From the default port up, where the user names none and others use it."""


@dataclass(frozen=True)
class ServerSettings:
    """Address that the explorer listens on, and the host names that it may be called by."""

    host: str = "127.0.0.1"
    port: int | None = None
    """None is the first free one from 8642 up; 0 is any."""
    allow_hosts: Sequence[str] = ()


def serve(
    generator: Generator,
    name: ModelName,
    settings: ServerSettings,
    *,
    on_ready: Callable[[str], None],
) -> None:
    """Serve the explorer of a generator until the process is interrupted.

    Args:
        generator: What draws.
        name: The model, for the page and for commands.
        settings: Where to listen.
        on_ready: Called with the address to open, token included, when connections are taken.

    Raises:
        RunError: If the address cannot be listened at.
    """
    with listen(settings) as listener:
        token, studio = access_token(), Studio(generator, name)
        studio.warm_up()
        hosts = [*settings.allow_hosts, *_own_names(settings.host)]
        server = make_server(make_app(studio, token, hosts=hosts))
        on_ready(_address(settings.host, listener, token))
        server.run(sockets=[listener])


def make_server(app: ASGIApp) -> uvicorn.Server:
    """A server with the limits of the explorer."""
    config = uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        proxy_headers=False,
        server_header=False,
        access_log=False,  # addresses hold the token
        log_level="error",
        lifespan="on",
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _address(host: str, listener: socket.socket, token: str) -> str:
    """Address that the user opens, with the token."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else host
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{listener.getsockname()[1]}/?token={token}"


def _own_names(host: str) -> list[str]:
    """The name in Host that belongs to an address listened at; none for those of all networks."""
    if host in ("0.0.0.0", "::"):
        return []
    return [f"[{host}]" if ":" in host else host]


def listen(settings: ServerSettings) -> socket.socket:
    """A socket that takes connections.

    Raises:
        RunError: If the address cannot be listened at.
    """
    first = DEFAULT_PORT if settings.port is None else settings.port
    ports = range(first, first + (PORTS_TRIED if settings.port is None else 1))
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    problem = ""
    for port in ports:
        # asyncio sends at once, without waiting for acknowledgments, only where it reads TCP here.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((settings.host, port))
            listener.listen(128)
            return listener
        except OSError as error:
            listener.close()
            problem = f"{settings.host}:{port}: {error.strerror or error}"
    raise RunError(f"{problem}. Name another address with --host and --port; port 0 is any.")
