"""`stylesmith weights`: what it lists, fetches, adds and refuses."""

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from stylesmith.perception import weights
from stylesmith.perception.weights import WEIGHT_FILES
from tests.perception.server import Server, serve

CONTENT = bytes(range(256)) * 10


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights folder of our own, and no proxy before a server on this machine."""
    folder = tmp_path / "weights"
    monkeypatch.setenv("STYLESMITH_WEIGHTS", str(folder))
    monkeypatch.setenv("no_proxy", "*")
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    """A server of two files that take the place of the public ones."""
    with serve(CONTENT) as running:
        for name in ("vgg16", "lpips"):
            _replace(monkeypatch, name, running)
        yield running


def _replace(monkeypatch: pytest.MonkeyPatch, name: str, server: Server) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    file = dataclasses.replace(WEIGHT_FILES[name], url=server.url, sha256=digest, size=len(CONTENT))
    monkeypatch.setitem(weights.WEIGHT_FILES, name, file)


def test_list_shows_what_is_there_and_what_is_not(cli, folder):
    folder.mkdir()
    (folder / WEIGHT_FILES["vgg16"].file_name).write_bytes(b"")
    (folder / f"{WEIGHT_FILES['inception'].file_name}.part").write_bytes(bytes(2_000_000))
    result = cli("weights", "list")
    assert (result.status, result.err) == (0, "")
    rows = {line.split()[0]: line for line in result.out.splitlines() if line.strip()}
    assert "FID" in rows["inception"] and "2.0 MB there" in rows["inception"]
    assert "553.4 MB" in rows["vgg16"] and "missing" not in rows["vgg16"]
    assert "missing" in rows["lpips"] and "BSD-2-Clause" in rows["lpips"]
    assert rows["Folder:"] == f"Folder: {folder}"


def test_fetch_says_what_it_gets_and_where_it_lies(cli, folder, server):
    result = cli("weights", "fetch", "vgg16", "lpips")
    assert (result.status, result.err) == (0, "")
    assert f"vgg16: 2.6 kB, BSD-3-Clause (torchvision), trained on ImageNet, {server.url}" in (
        result.out
    )
    for name in ("vgg16", "lpips"):
        path = folder / WEIGHT_FILES[name].file_name
        assert path.read_bytes() == CONTENT
        assert f"{name} -> {path}\n" in result.out
    assert len(server.asked) == 2


def test_fetch_ends_with_one_line(cli, server):
    server.cut = 100
    error = cli("weights", "fetch", "lpips").error(status=1)
    assert error.startswith(f"{server.url}: the connection ended after 100 bytes of 2.6 kB.")
    server.content = b"<html>"
    server.cut = None
    assert "a web page came instead" in cli("weights", "fetch", "vgg16").error(status=2)


def test_add_copies_a_file_that_is_right(cli, folder, server, tmp_path):
    source = tmp_path / "mine.pth"
    source.write_bytes(CONTENT)
    result = cli("weights", "add", "lpips", source)
    assert result.status == 0
    path = folder / WEIGHT_FILES["lpips"].file_name
    assert result.out == f"lpips -> {path}\n" and path.read_bytes() == CONTENT
    assert f"{path}: exists already" in cli("weights", "add", "lpips", source).error()
    assert cli("weights", "add", "lpips", source, "--force").status == 0
    assert server.asked == []


def test_add_refuses_other_files(cli, folder, tmp_path):
    source = tmp_path / "mine.pth"
    source.write_bytes(b"<html>")
    error = cli("weights", "add", "inception", source).error()
    assert error.startswith(f"{source}: is a web page, not a weights file")
    assert not folder.exists()


@pytest.mark.parametrize("words", [("fetch", "vgg"), ("add", "vgg", "file.pth")])
def test_unknown_names_come_with_the_known_ones(cli, words):
    wanted = "'vgg': no such weights. There are: inception, vgg16, lpips."
    assert cli("weights", *words).error() == wanted


def test_it_does_not_wait_for_torch(tmp_path):
    program = (
        "import sys; from stylesmith.cli import app; app(['weights', 'list'], "
        "standalone_mode=False); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


def test_without_a_home_weights_name_the_variable(cli, monkeypatch):
    def fail(path: object) -> None:
        raise RuntimeError("Could not determine home directory.")

    for name in ("HOME", "XDG_CACHE_HOME", "STYLESMITH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.expanduser", fail)
    assert "Set XDG_CACHE_HOME" in cli("weights", "list").error()
