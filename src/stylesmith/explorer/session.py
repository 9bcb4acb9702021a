"""One open page: its newest wish, its waiting small pictures, and what it has not received yet."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from stylesmith.errors import UsageError
from stylesmith.explorer.messages import Answer, Received, SceneRequest, parse_message

MAX_WAITING = 64
"""Small pictures and files that a page may wait for; of more, the oldest are forgotten."""
MAX_MISTAKES = 16
"""Messages in a row that cannot be read, after which a page is let go."""
IDLE_SECONDS = 600.0
"""After so long without a message a page is let go; it comes back by itself when it is used."""

IDLE_CODE, MISTAKES_CODE, FULL_CODE = 4000, 4001, 4002
"""Codes of the websocket that tell the page why it was let go."""


@dataclass
class Session:
    """One open page.

    A newer scene takes the place of one that is not drawn yet. The next picture is drawn when the
    page has received the last one, so that a slow page is never sent more than it can show.
    """

    websocket: WebSocket
    wake: Callable[[], None]
    """Called when there may be something to draw."""
    newest: SceneRequest | None = None
    waiting: deque[SceneRequest] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    is_open: bool = True
    _in_flight: bool = False

    def take(self, *, large: bool) -> SceneRequest | None:
        """The next request: the newest scene, or else a small picture; None if there is none."""
        if self._in_flight or not self.is_open:
            return None
        if large:
            request, self.newest = self.newest, None
        else:
            request = self.waiting.popleft() if self.waiting else None
        self._in_flight = request is not None
        return request

    async def deliver(self, answer: Answer | None) -> None:
        """Send an answer; a page that is gone gets none."""
        try:
            if answer and self.is_open:
                await self.websocket.send_json(answer.about)
                if answer.picture is not None:
                    await self.websocket.send_bytes(answer.picture)
                    return
        except (WebSocketDisconnect, RuntimeError):  # starlette's, of a websocket that is closed
            self.is_open = False
        self._received()

    async def listen(self) -> None:
        """Read messages until the page goes, or is let go."""
        mistakes = 0
        try:
            while mistakes < MAX_MISTAKES:
                async with asyncio.timeout(IDLE_SECONDS):
                    text = await self._receive_text()
                try:
                    self._accept(parse_message(text))
                    mistakes = 0
                except UsageError as error:
                    mistakes += 1
                    problem = {"kind": "error", "id": None, "message": str(error)}
                    await self.websocket.send_json(problem)
            await self.websocket.close(MISTAKES_CODE, "too many messages that cannot be read")
        except TimeoutError:
            await self.websocket.close(IDLE_CODE, "not used for 10 minutes")
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self.is_open = False

    async def _receive_text(self) -> str:
        message = await self.websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        return message.get("text") or ""

    def _accept(self, message: SceneRequest | Received) -> None:
        if isinstance(message, Received):
            self._received()
        elif message.kind == "draw":
            self.newest = message
        else:
            self.waiting.append(message)
        self.wake()

    def _received(self) -> None:
        self._in_flight = False
        self.wake()
