"""A web server on this machine that misbehaves as asked."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Serves `content` at any path, and remembers what ranges it was asked for."""

    def __init__(self, content: bytes):
        self.content = content
        self.status = 200
        self.content_type = "application/octet-stream"
        self.cut: int | None = None
        """Bytes of an answer after which the connection breaks."""
        self.knows_ranges = True
        self.asked: list[str | None] = []
        self.url = ""


@contextmanager
def serve(content: bytes) -> Iterator[Server]:
    """A server in a thread, with its address in `url`."""
    server = Server(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, server)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        server.url = f"http://127.0.0.1:{listening.server_address[1]}/file.pth"
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()


def _answer(request: BaseHTTPRequestHandler, server: Server) -> None:
    wanted = request.headers.get("Range")
    server.asked.append(wanted)
    body, status = server.content, server.status
    if wanted and server.knows_ranges and status == 200:
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
        body, status = body[start:], 206
    request.send_response(status)
    request.send_header("Content-Type", server.content_type)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body[: server.cut])
