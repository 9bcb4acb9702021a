"""The explorer as an ASGI app: files of the page, and one websocket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from stylesmith.explorer.drawing_queue import DrawingQueue
from stylesmith.explorer.guard import Guard
from stylesmith.explorer.session import FULL_CODE, Session
from stylesmith.explorer.studio import Studio

WEB_FOLDER = Path(__file__).parent / "web"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
MAX_PAGES = 64
"""Pages that may be open at a time."""


def make_app(studio: Studio, token: str, *, hosts: Iterable[str] = ()) -> ASGIApp:
    """The app of one model.

    Args:
        studio: Draws.
        token: What the browser must show.
        hosts: Names that the server may be called by, beside those of loopback.
    """
    queue = DrawingQueue(studio.answer)
    hello = json.dumps(studio.describe())

    @contextlib.asynccontextmanager
    async def drawing(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(queue.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        if len(queue) >= MAX_PAGES:
            await websocket.close(FULL_CODE, f"{MAX_PAGES} pages are open already")
            return
        session = Session(websocket, queue.wake)
        queue.add(session)
        try:
            await websocket.send_text(hello)
            await session.listen()
        finally:
            queue.remove(session)

    routes = [WebSocketRoute("/live", live), *_page_routes()]
    return Guard(Starlette(routes=routes, lifespan=drawing), token, hosts)


def _page_routes() -> list[Route]:
    """One route for each file of the page: no path of a request is ever opened."""
    routes = []
    for path in sorted(WEB_FOLDER.iterdir()):
        if path.suffix in MEDIA_TYPES:
            address = "/" if path.name == "index.html" else f"/{path.name}"
            routes.append(Route(address, _file_endpoint(path), methods=["GET"]))
    return routes


def _file_endpoint(path: Path):  # type: ignore[no-untyped-def]
    content, media_type = path.read_bytes(), MEDIA_TYPES[path.suffix]

    async def endpoint(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return endpoint
