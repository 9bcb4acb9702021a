"""Small generators, the command line in this process, and a client of the explorer's app."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import stylesmith
from stylesmith.cli import main
from stylesmith.explorer.app import make_app
from stylesmith.explorer.server import ServerSettings, listen, make_server
from stylesmith.explorer.studio import ModelName, Studio
from stylesmith.models.serialization import save_weights
from stylesmith.networks import Generator
from tests.support import Result

TOKEN = "0123456789abcdef" * 2
ADDRESS = "http://127.0.0.1:8642"


class Served:
    """The real server in a thread; within `with` it is there, behind it is gone."""

    def __init__(self, app: Any, port: int = 0):
        self._listener = listen(ServerSettings(port=port))
        self._server = make_server(app)
        self.port = self._listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        sockets = [self._listener]
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": sockets})

    def __enter__(self) -> "Served":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.001)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()
        assert not self._thread.is_alive()


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable:
    """`cli("generate", "avatars", ...)`: run a command as the console script does."""

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["stylesmith", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return Result(int(ended.value.code or 0), output.out, output.err)

    return call


@pytest.fixture(scope="session")
def avatars() -> Generator:
    return stylesmith.load("avatars")


@pytest.fixture
def studio(avatars: Generator) -> Studio:
    return Studio(avatars, ModelName("avatars"))


@pytest.fixture
def client(studio: Studio) -> Iterator[TestClient]:
    """A browser that has opened the printed address."""
    with TestClient(make_app(studio, TOKEN), base_url=ADDRESS) as found:
        assert found.get(f"/?token={TOKEN}").status_code == 200
        yield found


@pytest.fixture
def labelled(tiny_generator, tmp_path: Path) -> tuple[Generator, Path]:
    """A generator with classes, and the file where it lies."""
    generator = tiny_generator(label_size=3)
    generator.class_names = ("1", "cat", "0")
    save_weights(tmp_path / "labelled.safetensors", generator)
    return generator, tmp_path / "labelled.safetensors"
