"""Words of a command to numbers, and every way to get them wrong."""

from pathlib import Path

import pytest

from stylesmith.errors import UsageError
from stylesmith.sampling.parsing import (
    parse_channel,
    parse_crop,
    parse_grid,
    parse_seeds_and_paths,
    parse_strengths,
)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("0-3", [0, 1, 2, 3]),
        ("0-15,40", [*range(16), 40]),
        (" 7 , 1 - 2 ", [7, 1, 2]),
        ("5-5", [5]),
        ("4294967295", [4294967295]),
        ("2,2", [2, 2]),
        ("1,a b/face.safetensors,3", [1, Path("a b/face.safetensors"), 3]),
    ],
)
def test_sources_are_numbers_ranges_and_files(text, seeds):
    assert parse_seeds_and_paths(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [(bad, "wanted numbers and ranges") for bad in ("", "a", "1,,2", ",", "-1", "1.5", "1-2-3")]
    + [
        ("\u0663", "wanted numbers and ranges"),  # a digit, but of another script
        ("face.png", "wanted numbers and ranges, such as 0-15 or 3,5,8, or latent files"),
        ("3-1", "the range 3-1 runs backwards"),
        ("4294967296", "seeds end at 4294967295"),
        ("9" * 30, "seeds end at 4294967295"),
        ("0-4294967295", "more than 1000000 images"),
        ("0-999999,5", "more than 1000000 images"),
    ],
)
def test_malformed_sources_are_refused(text, message):
    with pytest.raises(UsageError, match=f"--rows .*{message}"):
        parse_seeds_and_paths(text, option="--rows")


@pytest.mark.parametrize(
    ("text", "strengths"),
    [
        ("-3:3:7", [-3, -2, -1, 0, 1, 2, 3]),
        ("0:1:2", [0, 1]),
        ("2:-2:3", [2, 0, -2]),
        ("1.5:1.5:1", [1.5]),
        ("1e-1:0.3:3", [0.1, 0.2, 0.3]),
    ],
)
def test_strengths_are_evenly_spaced_and_hold_both_ends(text, strengths):
    found = parse_strengths(text)
    assert found == pytest.approx(strengths)
    assert (found[0], found[-1]) == (strengths[0], strengths[-1])


@pytest.mark.parametrize(
    "text",
    ["", "3", "-3:3", "a:3:7", "-3:3:7:1", "-3:3:x", "nan:3:2", "0:inf:2", "0:1:-2", "0:1:2.0"],
)
def test_a_strength_that_is_no_range_is_refused(text):
    with pytest.raises(UsageError, match=r"--strength .*: wanted FROM:TO:COUNT, such as -3:3:7"):
        parse_strengths(text)


@pytest.mark.parametrize(
    ("text", "counts"),
    [("0:1:1", "2 to 1000"), ("0:1:0", "2 to 1000"), ("1:1:3", "1"), ("0:1:1001", "2 ")],
)
def test_a_count_that_cannot_hold_both_ends_is_refused(text, counts):
    with pytest.raises(UsageError, match=f"there can be {counts}"):
        parse_strengths(text)


def test_crops_grids_and_channels():
    assert parse_crop("650, 180,906,436") == (650, 180, 906, 436)
    assert parse_grid("3x2") == (2, 3)
    assert parse_channel("RGB5:17") == ("rgb5", 17)
    assert parse_channel("5:0") == ("5", 0)


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_crop, "1,2,3", "wanted LEFT,TOP,RIGHT,BOTTOM"),
        (parse_crop, "5,0,5,9", "holds no pixel"),
        (parse_crop, "0,9,5,8", "holds no pixel"),
        (parse_grid, "3", "wanted COLUMNSxROWS"),
        (parse_grid, "0x2", "wanted COLUMNSxROWS"),
        (parse_channel, "5", "wanted LAYER:NUMBER"),
        (parse_channel, "five:1", "wanted LAYER:NUMBER"),
    ],
)
def test_malformed_words_are_refused(parse, text, message):
    with pytest.raises(UsageError, match=message):
        parse(text)
