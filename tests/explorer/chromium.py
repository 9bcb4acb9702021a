"""A real Chromium, driven over its debugging pipe: trusted mouse, keys and touch; screenshots.

Messages of the DevTools protocol end with a zero byte; the browser reads them from descriptor 3 and
writes to 4.
"""

import base64
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.browser import browser_command

SECONDS = 30.0


class Page:
    """One page, and everything that it complained about or asked for."""

    def __init__(self, reader: int, writer: int):
        self._reader, self._writer, self._buffer, self._number = reader, writer, b"", 0
        self._session: str | None = None
        self.problems: list[str] = []
        self.addresses: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + SECONDS
        while True:
            found = self._read(end)
            if found.get("id") == self._number:
                assert "error" not in found, (method, found["error"])
                return found["result"]

    def _read(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select.select([self._reader], [], [], max(0, end - time.monotonic()))[0]
            part = os.read(self._reader, 1 << 20)
            assert part, "the browser has ended"
            self._buffer += part
        line, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method: str | None, facts: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(facts["exceptionDetails"])[:2000])
        elif method == "Log.entryAdded" and facts["entry"]["level"] == "error":
            self.problems.append(f"{facts['entry']['text']} {facts['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and facts["type"] in ("error", "warning"):
            self.problems.append(json.dumps(facts["args"])[:2000])
        elif method == "Network.requestWillBeSent":
            self.addresses.append(facts["request"]["url"])

    def open(self, address: str, *, width: int = 1440, height: int = 900, **device: Any) -> None:
        device = {"deviceScaleFactor": 1, "mobile": False} | device
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, **device)
        self.call("Page.navigate", url=address)

    def evaluate(self, script: str) -> Any:
        found = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """Wait until an expression is true, and give its value back."""
        end = time.monotonic() + SECONDS
        while not (value := self.evaluate(script)):
            assert time.monotonic() < end, f"{script} did not come; {self.problems}"
            time.sleep(0.01)
        return value

    def middle(self, selector: str) -> tuple[float, float]:
        script = f"document.querySelector({json.dumps(selector)})"
        self.evaluate(f"{script}.scrollIntoView({{block: 'nearest', inline: 'nearest'}})")
        box = self.evaluate(f"{script}.getBoundingClientRect().toJSON()")
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        more = {"button": "left", "buttons": 1, "clickCount": 1} | more
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, selector: str) -> None:
        x, y = self.middle(selector)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def drag(self, source: str, target: str) -> None:
        (x, y), (to_x, to_y) = self.middle(source), self.middle(target)
        self.mouse("mousePressed", x, y)
        for step in (0.1, 0.5, 0.9, 1.0):
            self.mouse("mouseMoved", x + step * (to_x - x), y + step * (to_y - y))
        self.mouse("mouseReleased", to_x, to_y)

    def touch_drag(self, source: str, target: str) -> None:
        (x, y), (to_x, to_y) = self.middle(source), self.middle(target)
        touch = "Input.dispatchTouchEvent"
        self.call(touch, type="touchStart", touchPoints=[{"x": x, "y": y}])
        time.sleep(0.5)  # a long press
        for step in (0.5, 1.0):
            point = {"x": x + step * (to_x - x), "y": y + step * (to_y - y)}
            self.call(touch, type="touchMove", touchPoints=[point])
        self.call(touch, type="touchEnd", touchPoints=[])

    def key(self, key: str, *, modifiers: int = 0) -> None:
        """Press a key; modifiers are 1 Alt, 2 Control, 4 Meta, 8 Shift."""
        text = {"text": key} if len(key) == 1 and not modifiers & 7 else {}
        text = {"text": "\r"} if key == "Enter" else text
        codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39}
        code = codes.get(key, ord(key.upper()) if len(key) == 1 else 40)
        common = {"key": key, "modifiers": modifiers, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def chromium_page(browser: str) -> Iterator[Page]:
    """A page of a browser with a profile of its own, that reaches this machine alone."""
    to_browser, from_us = os.pipe()
    to_us, from_browser = os.pipe()

    def connect() -> None:
        os.dup2(os.dup(to_browser), 3)
        os.dup2(os.dup(from_browser), 4)

    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = browser_command(browser, profile, "--remote-debugging-pipe", "about:blank")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(
            command, start_new_session=True, close_fds=False, preexec_fn=connect, **quiet
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            yield Page(to_us, from_us)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # and all that it started
            process.wait()
            os.close(to_us)
            os.close(from_us)
