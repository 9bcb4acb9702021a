"""A page in a real browser, from a plain file server, without any other network."""

import functools
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from typing import Any

from tests.browser import browser_command

SECONDS = 180

DRIVER = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script>
const report = (value) => fetch("/report", { method: "POST", body: JSON.stringify(value) });
onerror = (message) => report({ failed: message });
</script><script type="module">
try {
  await report(await (async () => { %s })());
} catch (error) {
  await report({ failed: String(error) });
}
</script>"""
"""A page of the test's own beside the page under test, which it opens in a frame."""


def run(browser: str, folder: Path, script: str, *, width: int = 1000) -> tuple[Any, list[str]]:
    """What the JavaScript `script` returns, beside the files of `folder`; the paths asked for."""
    answers: Queue[Any] = Queue()
    asked: list[str] = []
    # The last files of a browser that was killed may come after its folder has been emptied.
    profiles = TemporaryDirectory(ignore_cleanup_errors=True)
    with _served(folder, script, answers, asked) as address, profiles as profile:
        command = browser_command(
            browser, profile, f"--window-size={width},900", f"{address}/driver.html"
        )
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, start_new_session=True, **quiet) as process:
            try:
                answer = answers.get(timeout=SECONDS)
            except Empty:
                raise AssertionError(f"no answer from {browser}; it asked for {asked}") from None
            finally:
                os.killpg(process.pid, signal.SIGKILL)  # and all that it started
    assert not (isinstance(answer, dict) and "failed" in answer), answer
    return answer, asked


@contextmanager
def _served(folder: Path, script: str, answers: Queue, asked: list[str]) -> Iterator[str]:
    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path != "/driver.html":
                return super().do_GET()
            content = (DRIVER % script).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            answers.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
