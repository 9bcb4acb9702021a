"""`stylesmith mix`: a figure of every row with every column; wrong words, one line."""

import numpy as np
import pytest

from tests.support import read_pixels


def test_equal_sources_give_their_own_image_and_files_stand_for_seeds(cli, finished_run, tmp_path):
    drawn = tmp_path / "drawn"
    assert (
        cli("generate", finished_run.path, "--seeds", "3", "--latents", "--out", drawn).status == 0
    )
    out = tmp_path / "mix.png"
    words = ("--rows", "3,5", "--columns", f"3,{drawn / 'seed0003.safetensors'}", "--out", out)
    result = cli("mix", finished_run.path, *words, "--styles", "0-1", "--styles", "3")
    assert (result.status, result.err) == (0, "")
    assert "2 rows: 0-1 styles (layers 0-1)" in result.out and "4x2 images" in result.out
    page = read_pixels(out)
    assert page.shape == (5 * 8 + 1, 3 * 8 + 1, 3)
    own = read_pixels(drawn / "seed0003.png")
    for top in (9, 25):  # rows of seed 3, in either block
        for left in (0, 9, 17):
            assert np.abs(page[top : top + 8, left : left + 8] - own).max() <= 1
    assert np.abs(page[17:25, 9:17] - own).max() > 1
    assert (page[17:25, 9:17] == page[17:25, 17:25]).all()


def test_all_names_of_the_network_are_the_default(cli, finished_run, tmp_path):
    result = cli("mix", finished_run.path, "--out", tmp_path / "mix.png")
    assert "4 rows: coarse styles (layers 0-3)" in result.out  # all that 8x8 has


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--styles", "fine"), "--styles 'fine': no fine layers; this network has the layers 0-3"),
        (("--styles", "2-9"), "--styles '2-9': this network has the layers 0-3"),
        (("--rows", "a"), "--rows 'a': wanted numbers and ranges"),
        (("--columns", "1,"), "--columns '1,': wanted numbers and ranges"),
        (("--rows", "x.safetensors"), "x.safetensors: no such file"),
        (("--class", "0"), "was trained without labels"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(cli, finished_run, tmp_path, words, message):
    out = tmp_path / "mix.png"
    assert message in cli("mix", finished_run.path, "--out", out, *words).error()
    assert not out.exists()


def test_outputs_are_images_and_kept(cli, finished_run, tmp_path):
    out = tmp_path / "mix.png"
    out.write_text("mine")
    assert f"{out}: exists already" in cli("mix", finished_run.path, "--out", out).error()
    assert cli("mix", finished_run.path, "--out", out, "--force").status == 0
    folder = cli("mix", finished_run.path, "--out", tmp_path / "folder").error()
    assert folder.endswith("folder: wanted a .png, .jpg or .webp image")
