"""`stylesmith data ...`: what it prints, writes and returns."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stylesmith.cli.console import progress_bar
from stylesmith.cli.data import data_app
from stylesmith.data.dataset import open_dataset
from stylesmith.errors import ConfigError, DataError, OutputError


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(
        data_app, [str(argument) for argument in arguments]
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of noise, 40 wide and 30 high."""
    folder = tmp_path / "photos"
    for index, name in enumerate(["cats/a.png", "cats/b.png", "dogs/c.png"]):
        pixels = np.random.default_rng(index).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
    return folder


def test_prepare_writes_what_it_says(run, photos, tmp_path):
    out = tmp_path / "out.zip"
    result = run("prepare", photos, out, "--resolution", "32x16", "--filter", "box")
    assert result.exit_code == 0, result.output
    assert f"3 color images of 32x16 -> {out}" in result.output
    assert "Labels of length 2: cats, dogs" in result.output
    assert "enlarged" not in result.output
    data = open_dataset(out)
    assert (len(data), data.size, data.labels.class_names) == (3, (16, 32), ["cats", "dogs"])


def test_prepare_follows_its_options(run, photos, tmp_path):
    (photos / "dogs" / "bad[1].png").write_bytes(b"")
    out = tmp_path / "out.zip"
    arguments = ("--resolution", "64", "--channels", "1", "--max-images", "2", "--skip-bad")
    result = run("prepare", photos, out, *arguments)
    assert result.exit_code == 0, result.output
    assert "2 gray images of 64x64" in result.output
    assert "2 images were smaller than that and have been enlarged." in result.output
    assert "Left out 'dogs/bad[1].png': empty file" in result.output
    assert isinstance(run("prepare", photos, out, *arguments).exception, OutputError)
    assert run("prepare", photos, out, *arguments, "--force").exit_code == 0


@pytest.mark.parametrize("resolution", ["100", "big", "-4", "32x"])
def test_prepare_refuses_sizes_that_no_network_has(run, photos, tmp_path, resolution):
    result = run("prepare", photos, tmp_path / "out.zip", "--resolution", resolution)
    assert isinstance(result.exception, ConfigError)
    assert not (tmp_path / "out.zip").exists()


def test_prepare_needs_a_resolution(run, photos, tmp_path):
    result = run("prepare", photos, tmp_path / "out.zip")
    assert result.exit_code == 2
    assert "--resolution" in result.output


def test_check_is_content_with_good_data(run, photos):
    result = run("check", photos)
    assert result.exit_code == 0, result.output
    assert f"{photos}: 3 images, 0 to be repaired" in result.output
    assert "Sizes: 3 of 40x30" in result.output
    assert "Labels: 2 classes of 1 to 2 images (cats, dogs)" in result.output
    assert "--resolution 16" in result.output  # 40x30 is no size of a network


def test_check_lists_bad_files_first_and_exits_with_1(run, photos):
    (photos / "cats" / "z[bold].png").write_bytes(b"text")
    (photos / "cats" / "copy.png").write_bytes((photos / "cats" / "a.png").read_bytes())
    result = run("check", photos)
    assert result.exit_code == 1
    first, second, *_ = result.output.splitlines()
    assert first == "bad  cats/z[bold].png: not a PNG, JPEG or WebP image"
    assert second == "note cats/copy.png: same pixels as 'cats/a.png'"


def test_check_prints_some_findings_of_each_kind_and_all_on_request(run, photos):
    for i in range(20):
        (photos / "cats" / f"copy{i:02}.png").write_bytes((photos / "cats" / "a.png").read_bytes())
        (photos / "dogs" / f"bad{i:02}.png").write_bytes(b"text")
    lines = run("check", photos).output.splitlines()
    starts = [line[:4] for line in lines[:13]]
    assert starts == [
        *["bad "] * 5,
        "    ",
        *["note"] * 5,
        "    ",
        "note",
    ]
    assert lines[5] == "     and 15 more that must be repaired (--all lists them)"
    assert lines[11] == "     and 15 more with the pixels of another image (--all lists them)"
    assert lines[12].startswith("note class dogs: has 1 image; half of the classes have")
    output = run("check", photos, "--all").output
    assert output.count("bad  ") == 20 and output.count("note ") == 21
    assert "more" not in output.split("images, 20 to be repaired")[0].split("classes have")[0]


def test_prepare_offers_to_stretch(run, tmp_path):
    (tmp_path / "raw").mkdir()
    for i in range(3):
        values = np.random.default_rng(i).integers(0, 4096, (32, 32)).astype(np.uint16)
        Image.fromarray(values).save(tmp_path / "raw" / f"{i}.png")
    arguments = ("prepare", tmp_path / "raw", tmp_path / "out.zip", "--resolution", "32")
    assert "Add --stretch" in run(*arguments).output
    result = run(*arguments, "--stretch", "--force")
    assert result.output == f"3 gray images of 32x32 -> {tmp_path / 'out.zip'}\n"


def test_check_of_nothing_is_wrong_input(run, tmp_path):
    exception = run("check", tmp_path / "nowhere").exception
    assert isinstance(exception, DataError)
    assert exception.exit_status == 2


def test_make_avatars_draws_and_credits(run, tmp_path):
    pytest.importorskip("dicebear", reason="the extra [avatars] is not installed")
    out = tmp_path / "faces.zip"
    result = run("make", "avatars", out, "--count", "3", "--resolution", "16", "--seed", "5")
    assert result.exit_code == 0, result.output
    assert f"3 faces of 16x16 -> {out}" in result.output
    assert "Pablo Stanley" in result.output
    assert open_dataset(out).size == (16, 16)


@pytest.mark.parametrize("command", [("prepare",), ("check",), ("make", "avatars")])
def test_help_shows_an_example(run, command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert f"Example: stylesmith data {' '.join(command)}" in " ".join(result.output.split())


def test_help_does_not_load_torch():
    check = "import sys, stylesmith.cli.data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


def test_progress_is_silent_without_a_terminal(capsys):
    with progress_bar("Working", 10) as advance:
        advance(5, 10)
    assert capsys.readouterr().out == ""


def test_progress_draws_on_a_terminal(monkeypatch):
    import io

    from rich.console import Console

    from stylesmith.cli import console as console_module

    terminal = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(console_module, "console", terminal)
    with progress_bar("Working") as advance:
        advance(5, 10)
        advance(10, 10)
    assert "Working" in terminal.file.getvalue()
    assert "10/10" in terminal.file.getvalue()
