"""`stylesmith generate`: the same seed, the same picture; wrong words, one line."""

import importlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylesmith.cli.generate import parse_seeds
from stylesmith.errors import UsageError
from stylesmith.models import RunFolder
from tests import support


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("0-3", [0, 1, 2, 3]),
        ("3,5,8", [3, 5, 8]),
        (" 7 , 1 - 2 ", [7, 1, 2]),
        ("5-5", [5]),
        ("4294967295", [4294967295]),
        ("2,2", [2, 2]),
    ],
)
def test_seeds_are_numbers_and_ranges(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [(bad, "wanted numbers and ranges") for bad in ("", "a", "1,,2", ",", "-1", "1.5", "1-2-3")]
    + [
        ("3-1", "the range 3-1 runs backwards"),
        ("4294967296", "seeds end at 4294967295"),
        ("9" * 30, "seeds end at 4294967295"),
        ("0-4294967295", "more than 1000000 pictures"),
        ("0-999999,5", "more than 1000000 pictures"),
    ],
)
def test_malformed_seeds_are_refused(text, message):
    with pytest.raises(UsageError, match=message):
        parse_seeds(text)


def test_a_grid_has_one_picture_per_seed(cli, finished_run, tmp_path):
    out = tmp_path / "new folder" / "grid.png"
    result = cli("generate", finished_run.path, "--seeds", "0-4", "--columns", 3, "--out", out)
    assert (result.status, result.err) == (0, "")
    assert f"5 pictures -> {out}" in result.out
    assert pixels(out).shape == (2 * 8, 3 * 8, 3)
    assert (pixels(out)[8:, 16:] == 0).all()  # the sixth place is empty


def test_a_folder_gets_one_file_per_seed(cli, finished_run, tmp_path):
    out = tmp_path / "pictures"
    assert cli("generate", finished_run.path, "--seeds", "3,12345", "--out", out).status == 0
    assert sorted(path.name for path in out.iterdir()) == ["seed0003.png", "seed12345.png"]
    assert pixels(out / "seed0003.png").shape == (8, 8, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".WebP", ".jpeg"])
def test_the_suffix_names_the_format(cli, finished_run, tmp_path, suffix):
    out = tmp_path / f"grid{suffix}"
    assert cli("generate", finished_run.path, "--seeds", "0-3", "--out", out).status == 0
    with Image.open(out) as image:
        assert image.format == {".jpg": "JPEG", ".WebP": "WEBP", ".jpeg": "JPEG"}[suffix]


@pytest.mark.parametrize("noise", ["fixed", "random", "none"])
def test_the_same_seed_gives_the_same_picture_in_any_company(
    cli, finished_run, tmp_path, noise, monkeypatch
):
    words = ("--noise", noise, "--psi", 1)
    outs = []
    for chunk, seeds in ((16, "0-8"), (2, "0-8"), (1, "7"), (16, "8,7,1")):
        monkeypatch.setattr(importlib.import_module("stylesmith.cli.generate"), "CHUNK", chunk)
        outs.append(tmp_path / f"{noise} {len(outs)}")
        words_here = (*words, "--seeds", seeds, "--out", outs[-1])
        assert cli("generate", finished_run.path, *words_here).status == 0
    first = pixels(outs[0] / "seed0007.png")
    for out in outs[1:]:
        assert np.abs(pixels(out / "seed0007.png") - first).max() <= 1
    assert np.abs(pixels(outs[0] / "seed0008.png") - first).max() > 1


def test_the_same_command_writes_the_same_bytes(cli, finished_run, tmp_path):
    outs = [tmp_path / f"{i}.png" for i in range(2)]
    for out in outs:
        cli("generate", finished_run.path, "--seeds", "0-15", "--out", out)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_psi_0_is_the_mean_picture_and_negative_psi_another(cli, finished_run, tmp_path):
    for psi in (-2, 0, 2):
        words = ("--psi", psi, "--seeds", "0-1", "--out", tmp_path / f"{psi}")
        assert cli("generate", finished_run.path, *words).status == 0
    mean = [pixels(tmp_path / "0" / f"seed000{i}.png") for i in range(2)]
    assert np.abs(mean[0] - mean[1]).max() <= 1
    low, high = (pixels(tmp_path / name / "seed0000.png") for name in ("-2", "2"))
    assert np.abs(low - high).max() > 1


def test_a_class_is_drawn_where_there_are_classes(cli, conditional_run, tmp_path):
    for number in (0, 1):
        words = ("--class", number, "--seeds", "0-3", "--out", tmp_path / f"{number}.png")
        assert cli("generate", conditional_run.path, *words).status == 0
    assert (pixels(tmp_path / "0.png") != pixels(tmp_path / "1.png")).any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--psi", "2.1"), "--psi"),
        (("--psi", "-2.1"), "--psi"),
        (("--psi", "much"), "--psi"),
        (("--psi", "nan"), "--psi"),
        (("--psi", "inf"), "--psi"),
        (("--seeds", ""), "--seeds"),
        (("--seeds", "1,,2"), "--seeds '1,,2': wanted numbers and ranges"),
        (("--class", "0"), "was trained without labels"),
        (("--columns", "0"), "--columns"),
        (("--noise", "loud"), "'fixed', 'random', 'none'"),
        (("--device", "abacus"), "--device"),
        (("--seads", "1"), "No such option: --seads (Possible options: --"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(cli, finished_run, tmp_path, words, message):
    out = tmp_path / "out.png"
    assert message in cli("generate", finished_run.path, "--out", out, *words).error()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name one of 0-1"),
        (("--class", "2"), "class 2: this network has the classes 0-1"),
        (("--class", "-1"), "class -1"),
        (("--class", "cat"), "--class"),
    ],
)
def test_classes_that_are_not_there_are_refused(cli, conditional_run, tmp_path, words, message):
    out = tmp_path / "out.png"
    assert message in cli("generate", conditional_run.path, "--out", out, *words).error()
    assert not out.exists()


def test_existing_output_is_kept_without_force(cli, finished_run, tmp_path):
    file, folder = tmp_path / "out.png", tmp_path / "folder"
    file.write_text("mine")
    folder.mkdir()
    for out in (file, folder):
        words = ("generate", finished_run.path, "--seeds", "0", "--out", out)
        assert f"{out}: exists already" in cli(*words).error()
        assert cli(*words, "--force").status == 0
    assert pixels(file).shape == (8, 8, 3)


@pytest.mark.parametrize("name", ["out.gif", "out.txt", "out.safetensors"])
def test_other_suffixes_are_refused(cli, finished_run, tmp_path, name):
    out = tmp_path / name
    message = cli("generate", finished_run.path, "--out", out).error()
    assert "wanted a .png, .jpg or .webp picture, or a folder" in message
    assert not out.exists()


def test_impossible_places_are_refused(cli, finished_run, tmp_path):
    (tmp_path / "file").write_text("mine")
    for name in ("file/out.png", "file/folder"):
        out = tmp_path / name
        message = cli("generate", finished_run.path, "--seeds", "0", "--out", out).error()
        assert "file" in message and "cannot be written" in message
    assert (tmp_path / "file").read_text() == "mine"


def test_models_that_are_not_there_are_named(cli, tmp_path):
    out = tmp_path / "out.png"
    nowhere = cli("generate", tmp_path / "nowhere", "--out", out).error()
    assert "nowhere: no such run, model folder or file" in nowhere
    assert "holds no model" in cli("generate", tmp_path, "--out", out).error()
    assert "Missing argument" in cli("generate", "--out", out).error()
    assert not out.exists()


def test_a_damaged_model_is_replaced_by_the_checkpoint_and_said(cli, finished_run, tmp_path):
    run = RunFolder(shutil.copytree(finished_run.path, tmp_path / "run"))
    whole, fallen = tmp_path / "whole.png", tmp_path / "fallen.png"
    cli("generate", run.path, "--out", whole)
    support.garble(run.model / "model.safetensors")
    result = cli("generate", run.path, "--out", fallen)
    assert result.status == 0
    assert result.err.startswith("note: ") and result.err.count("\n") == 1
    assert "damaged" in result.err and "000000024" in result.err
    assert fallen.read_bytes() == whole.read_bytes()
    for path in run.checkpoints():
        support.garble(path)
    result = cli("generate", run.path, "--out", tmp_path / "none.png")
    assert "damaged" in result.error()
    assert not (tmp_path / "none.png").exists()
