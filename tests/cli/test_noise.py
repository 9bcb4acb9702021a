"""`stylesmith noise`: both figures, numbers that fit them; wrong words, one line."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylesmith.models import RunFolder
from tests import support


@pytest.fixture(scope="module")
def quiet_run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of a network without noise inputs."""
    out = tmp_path_factory.mktemp("runs") / "quiet"
    return support.start(photos, out, "generator.noise=false", steps=1)


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_the_variation_figure_and_its_numbers(cli, finished_run, tmp_path):
    out = tmp_path / "noise.png"
    words = ("--seeds", "3-5", "--draws", 6, "--crop", "0,0,4,4", "--out", out)
    result = cli("noise", finished_run.path, *words)
    assert (result.status, result.err) == (0, "")
    assert size(out) == (3 * 8, 3 * 8)
    assert f"3 images, 6 draws each -> {out}" in result.out
    numbers = result.out.splitlines()[0].removeprefix("seed0003: ").split()
    mean, most = float(numbers[0]), float(numbers[-1])
    assert 0 < mean < most
    with Image.open(out) as image:
        deviation = np.asarray(image)[:8, 16:, 0] / 4
    assert abs(deviation.max() - most) < 0.3 and abs(deviation.mean() - mean) < 0.3


def test_layers_without_noise_do_not_vary(cli, finished_run, tmp_path):
    words = ("--seeds", "3", "--draws", 4, "--out", tmp_path / "noise.png")
    result = cli("noise", finished_run.path, *words, "--layers", "3")  # toRGB's alone at 8x8
    assert "0.00 gray levels of 255 on average, at most 0.00" in result.out


def test_the_components_figure(cli, finished_run, tmp_path):
    out = tmp_path / "noise.png"
    words = ("--seeds", "3,5", "--figure", "components", "--out", out)
    result = cli("noise", finished_run.path, *words)
    assert "all (0-3), none (-), fine (2-3), coarse (0-1)" in result.out
    assert size(out) == (4 * 8, 2 * 8)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--crop", "0,0,9,4", "--draws", "2"), "crop 0,0,9,4: images are 8x8"),
        (("--crop", "4"), "--crop '4': wanted LEFT,TOP,RIGHT,BOTTOM"),
        (("--draws", "1"), "--draws"),
        (("--layers", "9"), "this network has the layers 0-3"),
        (("--figure", "6"), "--figure"),
        (("--seeds", "x"), "--seeds 'x'"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(cli, finished_run, tmp_path, words, message):
    out = tmp_path / "noise.png"
    assert message in cli("noise", finished_run.path, "--out", out, *words).error()
    assert not out.exists()


@pytest.mark.parametrize("figure", ["variation", "components"])
def test_networks_without_noise_inputs_are_refused(cli, quiet_run, tmp_path, figure):
    words = ("--figure", figure, "--out", tmp_path / "noise.png")
    assert "this network has no noise inputs" in cli("noise", quiet_run.path, *words).error()
