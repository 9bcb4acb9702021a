"""`stylesmith video`: every kind in a loop; wrong words, one line."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

KINDS = {
    "walk": ("--seeds", "0-2"),
    "straight": ("--seeds", "0-2", "--way", "straight"),
    "sphere": ("--seeds", "0-2", "--way", "sphere"),
    "mix": ("--seeds", "0-2", "--kind", "mix", "--base", "7", "--styles", "0-1"),
}


def read(path: Path) -> list[np.ndarray]:
    """Frames of a movie that Pillow reads, each of its own place in time."""
    with Image.open(path) as movie:
        frames = []
        for i in range(movie.n_frames):
            movie.seek(i)
            frames.append(np.asarray(movie.convert("RGB")).astype(int))
        return frames


@pytest.mark.parametrize("words", KINDS.values(), ids=KINDS)
def test_every_kind_of_motion_makes_a_loop(cli, finished_run, tmp_path, words):
    out = tmp_path / "walk.webp"
    result = cli("video", finished_run.path, *words, "--frames", 2, "--fps", 10, "--out", out)
    assert (result.status, result.err) == (0, "")
    assert f"6 frames, 0.6 s -> {out}" in result.out
    frames = read(out)
    assert len(frames) == 6 and frames[0].shape == (256, 256, 3)
    assert np.abs(frames[0] - frames[2]).max() > 1


def test_noise_turns_and_loops_stand_side_by_side(cli, finished_run, tmp_path):
    out = tmp_path / "noise.gif"
    words = ("--kind", "noise", "--seeds", "0-1", "--grid", "2x1", "--frames", 1, "--psi", 1)
    result = cli("video", finished_run.path, *words, "--out", out)
    assert "4 frames" in result.out
    assert read(out)[0].shape == (256, 512, 3)


def test_mp4_where_it_is_installed(cli, finished_run, tmp_path):
    av = pytest.importorskip("av")
    out = tmp_path / "walk.mp4"
    words = ("--seeds", "0-3", "--grid", "1x2", "--frames", 3, "--out", out)
    assert cli("video", finished_run.path, *words).status == 0
    with av.open(str(out)) as movie:
        frames = list(movie.decode(video=0))
    assert (len(frames), frames[0].width, frames[0].height) == (6, 128, 256)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seeds", "0"), "--seeds: 1 for 1 loop; wanted a multiple of 1, 2 or more"),
        (("--grid", "2x2"), "--seeds: 6 for 4 loops; wanted a multiple of 4, 8 or more"),
        (("--grid", "2"), "--grid '2': wanted COLUMNSxROWS"),
        (("--kind", "mix"), "--kind mix: name one seed or latent file with --base"),
        (("--kind", "mix", "--base", "1-2"), "name one seed or latent file with --base"),
        (("--kind", "mix", "--base", "1", "--styles", "fine"), "no fine layers"),
        (("--base", "1"), "--base 1: only --kind mix has a base"),
        (
            ("--kind", "noise"),
            "--seeds: a loop of noise has one image; name 1, or a larger --grid",
        ),
        (("--frames", "0"), "--frames"),
        (("--fps", "0"), "--fps"),
        (("--way", "home"), "--way"),
        (("--noise", "9"), "this network has the layers 0-3"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(cli, finished_run, tmp_path, words, message):
    out = tmp_path / "walk.gif"
    assert message in cli("video", finished_run.path, "--out", out, *words).error()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_named_with_what_works_without(cli, finished_run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    error = cli("video", finished_run.path, "--out", tmp_path / "walk.mp4").error()
    assert 'pip install "stylesmith[video]". .gif and .webp work without.' in error
    error = cli("video", finished_run.path, "--out", tmp_path / "walk.avi").error()
    assert "wanted a .mp4, .webm, .gif or .webp video" in error


def test_latent_files_have_no_z(cli, finished_run, tmp_path):
    words = ("--seeds", "3", "--latents", "--out", tmp_path / "drawn")
    cli("generate", finished_run.path, *words)
    seeds = f"0,{tmp_path / 'drawn' / 'seed0003.safetensors'}"
    words = ("--seeds", seeds, "--frames", 1, "--out", tmp_path / "walk.webp")
    assert cli("video", finished_run.path, *words).status == 0
    error = cli("video", finished_run.path, *words, "--force", "--way", "sphere").error()
    assert "seed0003.safetensors: holds w and no z" in error
