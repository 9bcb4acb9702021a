"""Durations, sizes and counts in words."""

import ast
import re
import shlex
from pathlib import Path

import pytest

import stylesmith
from stylesmith import formatting
from tests.cli.commands import COMMANDS

SOURCES = sorted(Path(stylesmith.__file__).parent.rglob("*.py"))


def test_durations_in_words():
    seconds = [0, 42.4, 60, 303, 3600, 7799, 86400 + 4 * 3600 + 59]
    words = ["0 s", "42 s", "1 min", "5 min 3 s", "1 h", "2 h 9 min", "1 d 4 h"]
    assert [formatting.format_duration(s) for s in seconds] == words


def test_estimates_have_one_number():
    estimates = [formatting.format_duration(s, estimate=True) for s in (90, 12600)]
    assert estimates == ["2 min", "3.5 h"]


@pytest.mark.parametrize("name", ["a b", "it's", "-x", "$HOME", "a;b", '"', "é", "*", "a/b.zip"])
def test_a_command_comes_back_as_its_words(name):
    words = shlex.split(formatting.format_command("train", Path(name), "--seed", 3))
    place = f"./{name}" if name == "-x" else name
    assert words == ["stylesmith", "train", place, "--seed", "3"]


NAMES = "|".join({words[0] for words in COMMANDS})
COMMAND_START = re.compile(rf"(stylesmith ({NAMES})\b|python -m )[^`\n,;]*$")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_command_is_written_by_hand_around_a_value(path):
    """A command that names a file of the user is made by `format_command`, which quotes it."""
    for node in ast.walk(ast.parse(path.read_text())):
        text = ""
        for part in node.values if isinstance(node, ast.JoinedStr) else []:
            if isinstance(part, ast.Constant):
                text += part.value
            else:
                assert not COMMAND_START.search(text), f"line {node.lineno}: {text}"
                text += "X"
    assert path.stem == "formatting" or "import shlex" not in path.read_text()


def test_bytes_in_words():
    words = {12: "12 bytes", 7_289: "7.3 kB", 95_628_359: "95.6 MB", 1_530_000_000: "1.5 GB"}
    assert {size: formatting.format_bytes(size) for size in words} == words


def test_counts_of_images_in_words():
    assert [formatting.format_image_count(n) for n in (0, 640, 7000, 7584, 40_000, 2_500_000)] == [
        "0", "640", "7 thousand", "7,584", "40 thousand", "2.5 million",
    ]  # fmt: skip


def test_counts_have_a_plural():
    assert [formatting.format_count(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


def test_image_sizes_name_the_width_first():
    assert formatting.format_image_size((384, 512)) == "512x384"
