"""The real server: what it refuses before an app is asked, how it starts, and how it ends."""

import asyncio.base_events
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from stylesmith import files
from stylesmith.errors import RunError
from stylesmith.explorer import access_token as tokens
from stylesmith.explorer.access_token import access_token
from stylesmith.explorer.app import make_app
from stylesmith.explorer.guard import Guard
from stylesmith.explorer.server import ServerSettings, listen
from tests.explorer.conftest import TOKEN, Served


def connect_page(served):
    cookie = f"{Guard(None, TOKEN).cookie}={TOKEN}"
    address = f"ws://127.0.0.1:{served.port}"
    headers = {"Cookie": cookie}
    return connect(f"{address}/live", origin=served.address, additional_headers=headers)


@pytest.fixture
def served(studio):
    with Served(make_app(studio, TOKEN)) as found:
        yield found


def test_a_message_of_a_mebibyte_ends_the_connection_and_no_other(served):
    with connect_page(served) as other, connect_page(served) as page:
        page.recv(), other.recv()
        page.send('{"kind": "draw", "id": 1, "scene": {"x": "' + "x" * (1 << 20) + '"}}')
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(timeout=60)
        assert closed.value.rcvd.code == 1009
        other.send('{"kind": "draw", "id": 1, "scene": {}}')
        assert '"drawn"' in other.recv(timeout=60)


def test_pages_that_vanish_without_a_word_leave_nothing_behind(served):
    for number in range(70):  # more than may be open at a time
        with connect_page(served) as page:
            page.recv()
            page.send(f'{{"kind": "draw", "id": {number}, "scene": {{"seed": {number}}}}}')
            page.socket.shutdown(socket.SHUT_RDWR)
    with connect_page(served) as page:
        assert '"model"' in page.recv(timeout=60)


def test_nothing_waits_for_acknowledgments(served, monkeypatch):
    """Else a picture comes 40 ms behind the line that announces it."""
    chosen = []
    nodelay = asyncio.base_events._set_nodelay
    monkeypatch.setattr(
        "asyncio.base_events._set_nodelay",
        lambda found: (
            nodelay(found),
            chosen.append(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)),
        ),
    )
    with connect_page(served) as page:
        page.recv()
    assert chosen and all(chosen)


def raw(served, request):
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(request)
        return connection.recv(65536)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.com\r\n\r\n",
        b"GET http://evil.com/ HTTP/1.1\r\nHost: evil.com\r\n\r\n",
        b"\x16\x03\x01 no http at all\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
)
def test_odd_requests_are_refused(served, request_):
    try:
        answer = raw(served, request_)
    except ConnectionResetError:  # refused before all of it was read
        return
    assert answer.split(b" ")[1] in (b"403", b"400"), answer[:200]
    assert b"uvicorn" not in answer.lower()


def test_a_port_in_use_is_passed_by_or_said(monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(RunError, match=f"127.0.0.1:{port}: Address already in use"):
            listen(ServerSettings(port=port))
        monkeypatch.setattr("stylesmith.explorer.server.DEFAULT_PORT", port)
        with listen(ServerSettings()) as next_one:
            assert port < next_one.getsockname()[1] < port + 10


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return files.cache_folder() / "explorer-token"


def test_a_token_is_private_and_kept_for_a_day(cache):
    token = access_token()
    assert len(bytes.fromhex(token)) == 16
    assert access_token() == token == cache.read_text()
    assert cache.stat().st_mode & 0o777 == 0o600
    old = time.time() - tokens.TOKEN_SECONDS - 1
    os.utime(cache, (old, old))
    assert access_token() != token


def test_a_token_that_others_could_know_is_not_used(cache, tmp_path):
    token = access_token()
    cache.chmod(0o644)
    assert access_token() != token
    cache.unlink()
    (tmp_path / "planted").write_text(token)
    (tmp_path / "planted").chmod(0o600)
    cache.symlink_to(tmp_path / "planted")
    assert access_token() != token
    assert (tmp_path / "planted").read_text() == token
    cache.write_text("short")
    assert len(access_token()) == 32


def test_without_a_cache_folder_there_is_a_token_all_the_same(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(access_token()) == 32


def test_the_command_prints_an_address_and_opens_it(cli, cache, monkeypatch):
    opened = []
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: None)
    monkeypatch.setattr("webbrowser.open", opened.append)
    result = cli("explore", "avatars", "--port", "0", "--host", "localhost")
    address = result.out.splitlines()[0].removeprefix("ready: ")
    assert address.startswith("http://127.0.0.1:") and address.endswith(cache.read_text())
    assert (result.status, result.err, opened) == (0, "", [address])
    result = cli("explore", "avatars", "--port", "0", "--host", "0.0.0.0", "--no-browser")
    assert "every computer that reaches this address" in result.err
    assert len(opened) == 1


@pytest.mark.slow
def test_the_command_ends_with_the_interrupt_key(tmp_path):
    words = ["explore", "avatars", "--no-browser", "--port", "0"]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "stylesmith", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        line = process.stdout.readline()
        assert line.startswith("ready: http://127.0.0.1:")
        assert line.strip().endswith((tmp_path / "stylesmith/explorer-token").read_text())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.strip()) == (130, "stopped")


def test_wrong_uses_are_one_line(cli, monkeypatch):
    assert "no-such-model" in cli("explore", "no-such-model", "--no-browser").error()
    result = cli("explore", "avatars", "--port", "70000")
    assert "--port" in result.error()
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "stylesmith.explorer.server")
    assert 'pip install "stylesmith[explorer]"' in cli("explore", "avatars").error()
