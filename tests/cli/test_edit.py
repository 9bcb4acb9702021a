"""`stylesmith edit`: find directions, move along them; wrong words, one line."""

from pathlib import Path

import numpy as np
import pytest
import torch

import stylesmith
from stylesmith.metrics.classifiers import ClassifierFacts, classifier_config, save_classifier
from stylesmith.networks import build_discriminator
from tests.support import read_pixels


@torch.no_grad()
def save_classifiers(folder: Path, model: Path) -> None:
    """Two that nobody trained, each of which says yes to half of what the model draws."""
    images = stylesmith.load(model).sample(range(32))
    for place, name in enumerate(("hat", "smile")):
        network = build_discriminator(classifier_config((8, 8), 3, max_channels=4), seed=place)
        *_, bias = network.parameters()
        bias -= network(images).median()
        save_classifier(folder, network, ClassifierFacts(name, place, "data", 1, 0, 0.9, 0.5))


@pytest.fixture
def directions(cli, finished_run, tmp_path) -> Path:
    """A folder with three directions from the weights of coarse layers."""
    out = tmp_path / "directions"
    words = ("--find", "weights", "--layers", "0-2", "--count", 3, "--out", out)
    result = cli("edit", finished_run.path, *words)
    assert (result.status, result.err) == (0, "")
    assert f"3 directions -> {out}: weights-0-2-01 to weights-0-2-03" in result.out
    return out


def test_found_directions_come_with_a_preview(cli, finished_run, directions):
    names = {f"weights-0-2-0{i}.safetensors" for i in (1, 2, 3)}
    assert {path.name for path in directions.iterdir()} == names | {"preview.png"}
    assert read_pixels(directions / "preview.png").shape == (3 * 8, 7 * 8, 3)


@pytest.mark.parametrize("find", ["samples", "boundary"])
def test_other_ways_to_find(cli, finished_run, tmp_path, find):
    out, weights = tmp_path / "found", tmp_path / "smile.npy"
    np.save(weights, np.arange(16.0))
    words = ("--boundary", weights) if find == "boundary" else ("--count", 2)
    assert cli("edit", finished_run.path, "--find", find, *words, "--out", out).status == 0
    wanted = ["smile"] if find == "boundary" else ["samples-all-01", "samples-all-02"]
    assert sorted(path.stem for path in out.glob("*.safetensors")) == wanted


def test_images_move_along_and_strength_0_leaves_them(cli, finished_run, directions, tmp_path):
    out, plain = tmp_path / "edit.png", tmp_path / "plain.png"
    words = ("--seeds", "3,5", "--strength", "-3:3:7", "--out", out, "--channel", "2:1")
    moves = [
        word
        for path in sorted(directions.glob("*.safetensors"))[:2]
        for word in ("--direction", path)
    ]
    result = cli("edit", finished_run.path, *words, *moves)
    assert f"6 rows of 7 images -> {out}" in result.out
    page = read_pixels(out)
    assert page.shape == (6 * 8, 7 * 8, 3)
    cli("generate", finished_run.path, "--seeds", "3,5", "--columns", 1, "--out", plain)
    for top in (0, 16, 32):
        assert np.abs(page[top : top + 16, 24:32] - read_pixels(plain)).max() <= 1
    assert np.abs(page[:8, :8] - page[:8, 48:]).max() > 1


def test_layers_and_conditions_change_the_way(cli, finished_run, directions, tmp_path):
    first, second = sorted(directions.glob("*.safetensors"))[:2]
    outs = [tmp_path / f"{i}.png" for i in range(3)]
    words = ("edit", finished_run.path, "--direction", first, "--psi", 1, "--strength", "-9:9:2")
    assert cli(*words, "--out", outs[0]).status == 0
    assert cli(*words, "--out", outs[1], "--layers", "1").status == 0
    assert cli(*words, "--out", outs[2], "--without", second).status == 0
    whole, some, rest = map(read_pixels, outs)
    assert np.abs(whole - some).max() > 1
    assert np.abs(whole - rest).max() <= 1  # singular vectors are orthogonal already
    error = cli(*words, "--out", tmp_path / "x.png", "--without", first).error()
    assert "nothing is left of it" in error


def test_directions_of_another_model_are_refused(cli, conditional_run, directions, tmp_path):
    path = next(directions.glob("*.safetensors"))
    words = ("--direction", path, "--class", 0, "--out", tmp_path / "x.png")
    error = cli("edit", conditional_run.path, *words).error()
    assert f"{path}: belongs to the model " in error and "this one is " in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name a --direction or --channel, or find some with --find weights"),
        (("--channel", "2:1", "--strength", "3"), "--strength '3': wanted FROM:TO:COUNT"),
        (("--channel", "2:1", "--strength", "-3:3:1"), "from -3 to 3 there can be 2 to 1000"),
        (("--channel", "2"), "--channel '2': wanted LAYER:NUMBER"),
        (
            ("--channel", "7:1"),
            "layer '7': the styles of this network belong to 0, 1, rgb1, 2, rgb3",
        ),
        (("--channel", "2:99"), "channel 99: layer 2 has the channels 0-7"),
        (("--channel", "2:1", "--layers", "0"), "moves a style of layer 2, and no other"),
        (("--channel", "2:1", "--without", "x"), "--without: is for directions of w"),
        (("--direction", "nowhere.safetensors"), "nowhere.safetensors: no such file"),
        (("--find", "weights"), "--find writes several files; wanted a folder"),
        (("--find", "weights", "--channel", "2:1"), "leave --direction and --channel out"),
        (("--find", "boundary"), "--find boundary goes with one of --classifiers FOLDER"),
        (("--channel", "2:1", "--boundary", "x.npy"), "and --boundary FILE, and they with it"),
        (("--find", "luck"), "--find"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(cli, finished_run, tmp_path, words, message):
    assert message in cli("edit", finished_run.path, "--out", tmp_path / "x.png", *words).error()
    assert list(tmp_path.iterdir()) == []


def test_boundaries_must_fit_and_folders_are_kept(cli, finished_run, tmp_path):
    weights, out = tmp_path / "smile.npy", tmp_path / "out"
    np.save(weights, np.ones(3))
    words = ("edit", finished_run.path, "--find", "boundary", "--boundary", weights, "--out", out)
    assert "smile: a boundary of this network has 16 weights" in cli(*words).error()
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert f"{out}: exists already" in cli(*words).error()


def test_boundaries_of_classifiers_are_directions(cli, finished_run, tmp_path):
    folder, out = tmp_path / "classifiers", tmp_path / "found"
    words = ("--find", "boundary", "--classifiers", folder, "--samples", 200, "--out", out)
    result = cli("edit", finished_run.path, *words)
    assert "holds no classifiers" in result.error()
    save_classifiers(folder, finished_run.path)
    result = cli("edit", finished_run.path, *words)
    assert (result.status, result.err) == (0, "")
    assert {path.stem for path in out.glob("*.safetensors")} == {"hat", "smile"}
    assert read_pixels(out / "preview.png").shape == (2 * 8, 7 * 8, 3)


def test_boundary_wants_one_source(cli, finished_run, tmp_path):
    weights = tmp_path / "smile.npy"
    np.save(weights, np.arange(16.0))
    for words in (
        ("--find", "boundary"),
        ("--find", "boundary", "--boundary", weights, "--classifiers", tmp_path),
        ("--find", "samples", "--classifiers", tmp_path),
    ):
        result = cli("edit", finished_run.path, *words, "--out", tmp_path / "out")
        assert "--find boundary goes with one of --classifiers" in result.error()
