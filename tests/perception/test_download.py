"""Fetching weights: whole, resumed, and every way it goes wrong."""

import dataclasses
import errno
import hashlib
import os
import re
import socket
from collections.abc import Iterator

import pytest

from stylesmith.errors import ModelError, OutputError, RunError
from stylesmith.perception import weights
from stylesmith.perception.weights import WEIGHT_FILES, WeightFile, fetch_weight_file
from tests.perception.server import Server, serve

CONTENT = os.urandom(300_000)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(CONTENT) as running:
        yield running


@pytest.fixture
def file(server: Server) -> WeightFile:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return dataclasses.replace(
        WEIGHT_FILES["inception"], url=server.url, sha256=digest, size=len(CONTENT)
    )


def partial_of(file: WeightFile, folder) -> os.PathLike:
    return folder / f"{file.file_name}.part"


def test_a_file_arrives_whole_and_is_not_fetched_twice(file, server, tmp_path):
    told = []
    folder = tmp_path / "new" / "weights"
    path = fetch_weight_file(
        file, folder, on_progress=lambda done, total: told.append((done, total))
    )
    assert path == folder / file.file_name and path.read_bytes() == CONTENT
    assert list(folder.iterdir()) == [path]
    assert told[-1] == (len(CONTENT), len(CONTENT)) and len(told) == 2  # chunks of 256 KiB
    assert fetch_weight_file(file, folder) == path
    assert server.asked == [None]
    fetch_weight_file(file, folder, force=True)
    assert server.asked == [None, None]


def test_a_cut_connection_goes_on_where_it_stopped(file, server, tmp_path):
    server.cut = 100_000
    with pytest.raises(RunError, match=r"ended after 100\.0 kB of 300\.0 kB\. Run the command"):
        fetch_weight_file(file, tmp_path)
    assert partial_of(file, tmp_path).read_bytes() == CONTENT[:100_000]
    assert not (tmp_path / file.file_name).exists()
    server.cut = None
    assert fetch_weight_file(file, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]
    assert not partial_of(file, tmp_path).exists()


def test_a_server_without_ranges_starts_over(file, server, tmp_path):
    partial_of(file, tmp_path).write_bytes(CONTENT[:1000])
    server.knows_ranges = False
    assert fetch_weight_file(file, tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]


def test_a_partial_file_may_be_complete_or_too_long(file, server, tmp_path):
    partial_of(file, tmp_path).write_bytes(CONTENT)
    assert fetch_weight_file(file, tmp_path).read_bytes() == CONTENT
    assert server.asked == []
    partial_of(file, tmp_path).write_bytes(CONTENT + b"more")
    assert fetch_weight_file(file, tmp_path, force=True).read_bytes() == CONTENT
    assert server.asked == [None]


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_is_not_taken_for_the_file(file, server, tmp_path, content_type):
    server.content, server.content_type = b"<!doctype html><title>Sign in</title>", content_type
    with pytest.raises(ModelError) as caught:
        fetch_weight_file(file, tmp_path)
    assert str(caught.value) == (
        f"{file.url}: a web page came instead of the file; perhaps a proxy or sign-in page. "
        "Fetch it with a browser, then `stylesmith weights add inception FILE`."
    )
    assert not (tmp_path / file.file_name).exists()


def test_a_wrong_checksum_is_not_kept(file, server, tmp_path):
    server.content = CONTENT[::-1]
    with pytest.raises(ModelError, match=rf"has sha256 \w+\.\.\., wanted {file.sha256[:16]}"):
        fetch_weight_file(file, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_that_is_there_is_told(file, server, tmp_path):
    (tmp_path / file.file_name).write_bytes(CONTENT[:5])
    with pytest.raises(ModelError, match=r"is 5 bytes, where .*fetch inception --force` gets"):
        fetch_weight_file(file, tmp_path)
    assert server.asked == []
    assert fetch_weight_file(file, tmp_path, force=True).read_bytes() == CONTENT


def test_errors_of_the_server_are_told(file, server, tmp_path):
    server.status = 404
    with pytest.raises(RunError, match=rf"{re.escape(file.url)}: the server answered 404 \(Not Fo"):
        fetch_weight_file(file, tmp_path)


def test_a_refused_connection_is_told(file, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = dataclasses.replace(file, url=f"http://127.0.0.1:{port}/file.pth")
    with pytest.raises(RunError) as caught:
        fetch_weight_file(nowhere, tmp_path)
    assert "cannot be reached" in str(caught.value) and "refused" in str(caught.value)
    assert "stylesmith weights add inception FILE" in str(caught.value)


def test_a_silent_server_is_given_up(file, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file.pth"
        with pytest.raises(RunError, match=r"cannot be reached \(timed out\)"):
            fetch_weight_file(dataclasses.replace(file, url=url), tmp_path)


def test_a_full_disk_keeps_what_has_arrived(file, server, tmp_path, monkeypatch):
    def full(done: int, total: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match=r"\.part: cannot be written \(No space left on device\)"):
        fetch_weight_file(file, tmp_path, on_progress=full)
    assert partial_of(file, tmp_path).stat().st_size > 0
    assert fetch_weight_file(file, tmp_path).read_bytes() == CONTENT


def test_a_folder_that_cannot_be_is_told(file, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        fetch_weight_file(file, tmp_path / "file" / "weights")
