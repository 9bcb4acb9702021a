"""The drawing queue: one thread per model, and turns that are fair between pages."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from stylesmith.explorer.messages import Answer, SceneRequest
from stylesmith.explorer.session import Session

AnswerFunction = Callable[[SceneRequest, Callable[[], bool]], Answer | None]
"""Draws a request, and asks now and then whether the picture is still wanted."""


_log = logging.getLogger("uvicorn.error")


class DrawingQueue:
    """Draws for all pages, one picture at a time.

    Pages take turns. Pictures that are shown come before small ones, of whichever page.
    """

    def __init__(self, answer: AnswerFunction):
        self._answer = answer
        self._turns: deque[Session] = deque()
        self._wake = asyncio.Event()
        self._deliveries: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Number of open pages."""
        return len(self._turns)

    def wake(self) -> None:
        """Look for requests again."""
        self._wake.set()

    def add(self, session: Session) -> None:
        """Let a page take turns."""
        self._turns.append(session)

    def remove(self, session: Session) -> None:
        """Forget a page and what it waits for."""
        self._turns.remove(session)

    async def run(self) -> None:
        """Draw until cancelled."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="draw")
        try:
            while True:
                session, request = await self._next()
                try:
                    answer = await loop.run_in_executor(
                        thread, self._answer, request, lambda session=session: session.is_open
                    )
                except Exception:  # a bug must not stop the drawing of everybody
                    _log.exception("drawing failed")
                    message = "the server met an error of its own; its terminal says more"
                    answer = Answer({"kind": "error", "id": request.id, "message": message})
                delivery = loop.create_task(session.deliver(answer))
                self._deliveries.add(delivery)
                delivery.add_done_callback(self._deliveries.discard)
        finally:
            thread.shutdown(wait=False, cancel_futures=True)

    async def _next(self) -> tuple[Session, SceneRequest]:
        """The next request; its page goes to the end of the line."""
        while True:
            self._wake.clear()
            for large in (True, False):
                for session in list(self._turns):
                    request = session.take(large=large)
                    if request is not None:
                        self._turns.remove(session)
                        self._turns.append(session)
                        return session, request
            await self._wake.wait()
