"""`stylesmith project`: images become codes, which every command accepts; bad input, one line."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests import support


@pytest.fixture
def photo(photos):
    return photos / "class0" / "000.png"


def test_a_projected_image_is_drawn_again_by_generate(cli, finished_run, photo, tmp_path):
    out, again = tmp_path / "out", tmp_path / "again.png"
    result = cli("project", finished_run.path, photo, "--out", out, "--steps", 20)
    assert result.status == 0
    assert "Projecting 1 image: 20 steps in w, by the distance 'random'" in result.out
    assert result.err.startswith("note: LPIPS needs images of 16 pixels or more")
    assert f"{photo}: distance 0." in result.out
    latent = out / "000" / "latent.safetensors"
    assert cli("generate", finished_run.path, "--seeds", latent, "--out", again).status == 0
    assert again.read_bytes() == (out / "000" / "result.png").read_bytes()


def test_other_sizes_and_modes_are_converted_and_said(cli, finished_run, tmp_path):
    path = tmp_path / "wide.png"
    Image.fromarray(np.zeros((10, 30), np.uint8)).save(path)
    result = cli(
        "project", finished_run.path, path, "--out", tmp_path / "out", "--steps", 2,
        "--distance", "pixels", "--space", "w+", "--no-noise",
    )  # fmt: skip
    assert (result.status, result.err) == (0, "")
    said = f"{path}: 30x10, cropped to its center and resized to 8x8; gray, made RGB"
    assert said in result.out
    summary = json.loads((tmp_path / "out/wide/result.json").read_text())
    settings, dtype = summary["made_by"]["settings"], summary["dtype"]
    assert dtype == "float32"
    assert (settings["space"], settings["noise"]) == ("w+", False)


def test_results_are_resumed_or_replaced_only_if_asked(cli, finished_run, photo, tmp_path):
    out = tmp_path / "out"
    command = ("project", finished_run.path, photo, "--out", out, "--distance", "pixels")
    assert cli(*command, "--steps", 2).status == 0
    summary = out / "000" / "result.json"
    before = summary.stat().st_mtime_ns
    error = cli(*command, "--steps", 2).error()
    assert f"{out}: exists already. Choose another name, or add --resume" in error
    assert cli(*command, "--steps", 2, "--resume").status == 0
    assert summary.stat().st_mtime_ns == before
    error = cli(*command, "--steps", 3, "--resume").error()
    assert f"{out / '000'}: was made by other settings. Use the same again" in error
    assert cli(*command, "--steps", 3, "--force").status == 0
    assert json.loads(summary.read_text())["steps"] == 3


def test_tuning_writes_a_model(cli, finished_run, photo, tmp_path):
    out = tmp_path / "out"
    result = cli(
        "project", finished_run.path, photo, "--out", out, "--steps", 2, "--distance", "pixels",
        "--tune", "--tune-steps", 3,
    )  # fmt: skip
    assert result.status == 0 and "after tuning" in result.out
    tuned = out / "000" / "tuned"
    again = tmp_path / "again.png"
    drawn = cli("generate", tuned, "--seeds", tuned / "latent.safetensors", "--out", again)
    assert drawn.status == 0
    assert again.read_bytes() == (tuned / "result.png").read_bytes()
    # The codes of a tuned network are those of no other.
    wrong = cli("generate", finished_run.path, "--seeds", tuned / "latent.safetensors", "--force")
    assert "belongs to the model" in wrong.error()


def test_a_class_is_searched_from_its_own_mean(cli, conditional_run, photo, tmp_path):
    command = ("project", conditional_run.path, photo, "--steps", 2, "--distance", "pixels")
    result = cli(*command, "--out", tmp_path / "all")
    assert "No --class: the search starts at the mean of all classes" in result.out
    assert cli(*command, "--out", tmp_path / "one", "--class", 1).status == 0
    codes = [(tmp_path / name / "000/latent.safetensors").read_bytes() for name in ("all", "one")]
    assert codes[0] != codes[1]
    error = cli(*command, "--out", tmp_path / "none", "--class", 2).error()
    assert "class 2: this network has the classes 0-1" in error


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        ([], [], "Missing argument"),
        (["none.png"], [], "none.png: cannot be read (No such file or directory)"),
        (["."], [], "cannot be read (Is a directory)"),
        (["text.png"], [], "text.png: not a PNG, JPEG or WebP image"),
        (["a.png"], ["--space", "z"], "'z' is not one of"),
        (["a.png"], ["--steps", "0"], "greater than or equal to 1"),
        (["a.png"], ["--class", "0"], "trained without labels"),
        (["a.png"], ["--distance", "lpips"], "distance 'lpips' needs it"),
    ],
)
def test_wrong_words_are_one_line(
    cli, finished_run, photo, tmp_path, monkeypatch, images, options, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STYLESMITH_WEIGHTS", str(tmp_path))
    (tmp_path / "text.png").write_text("hello")
    shutil.copy(photo, tmp_path / "a.png")
    assert message in cli("project", finished_run.path, *images, *options).error()


def test_a_latent_file_of_another_model_is_refused_with_both_hashes(
    cli, finished_run, photo, tmp_path, photos
):
    out = tmp_path / "out"
    cli("project", finished_run.path, photo, "--out", out, "--steps", 1, "--distance", "pixels")
    other = support.start(photos, tmp_path / "other", "training.seed=5", steps=1)
    latent = out / "000/latent.safetensors"
    error = cli("generate", other.path, "--seeds", latent, "--out", tmp_path / "x.png").error()
    assert "belongs to the model" in error and "this one is" in error
