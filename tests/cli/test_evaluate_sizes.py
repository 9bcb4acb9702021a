"""Images that are only measured may have any size and be gray; one size on both sides is enough."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COUNT = 6


def make_images(folder: Path, *, sizes: list[tuple[int, int]], gray: bool = False) -> Path:
    rng = np.random.default_rng(len(str(folder)))
    folder.mkdir()
    for i in range(COUNT):
        height, width = sizes[i % len(sizes)]
        shape = (height, width) if gray else (height, width, 3)
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def measure(cli, tmp_path, fake_networks):
    def run(first: dict, second: dict, *options: object):
        folders = [make_images(tmp_path / n, **how) for n, how in (("a", first), ("b", second))]
        words = [folders[0], "--data", folders[1], "--metrics", f"fd_random_{COUNT}"]
        return cli("evaluate", *words, *options)

    return run


@pytest.mark.parametrize("size", [(100, 100), (299, 299), (30, 50), (7, 5)])
def test_one_size_of_any_kind_is_enough(measure, size):
    assert measure({"sizes": [size]}, {"sizes": [size]}).status == 0


def test_mixed_sizes_are_advised_to_be_resized(measure):
    mixed = {"sizes": [(30, 20), (30, 30)]}
    message = measure({"sizes": [(30, 30)]}, mixed).error()
    assert "wanted one. Add --resolution 30 to crop and resize them." in message


@pytest.mark.parametrize("resolution", ["30", "33x17"])
def test_resizing_brings_both_to_one_size(measure, resolution):
    mixed = {"sizes": [(30, 20), (30, 30)]}
    done = measure(mixed, {"sizes": [(100, 90)]}, "--resolution", resolution)
    assert done.status == 0, done.err


def test_two_sizes_are_refused_with_the_remedy(measure):
    message = measure({"sizes": [(30, 20)]}, {"sizes": [(20, 30)]}).error()
    assert "images of 30x20, where" in message and "--resolution 20x30 resizes" in message


@pytest.mark.parametrize("first", [True, False])
def test_gray_counts_as_three_equal_channels(measure, first):
    same = {"sizes": [(20, 20)]}
    done = measure(same | {"gray": first}, same | {"gray": not first})
    assert done.status == 0, done.err
    assert "gray counts as three equal channels" in done.err
