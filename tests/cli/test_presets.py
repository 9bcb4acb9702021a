"""`stylesmith presets`: a table, the settings of one, and JSON that reads back."""

import json

import pytest

from stylesmith.config import RunConfig
from stylesmith.presets import PRESETS

NAMES = [preset.name for preset in PRESETS]


def test_the_table_names_every_preset_with_its_paper_row(cli):
    result = cli("presets")
    assert (result.status, result.err) == (0, "")
    rows = {line.split()[0]: line for line in result.out.splitlines() if line.strip()}
    assert rows.keys() >= set(NAMES)
    assert "StyleGAN2, Table 1, F" in rows["stylegan2-f"]
    assert "30.4 M" in rows["stylegan2-f"] and "29.0 M" in rows["stylegan2-f"]


@pytest.mark.parametrize("name", NAMES)
def test_json_reads_back_as_a_config(cli, name):
    result = cli("presets", name, "--json", "--resolution", "64x32")
    assert result.status == 0
    config = RunConfig.from_json(result.out, source=name)
    assert (config.preset, config.data.size) == (name, (32, 64))


def test_settings_are_shown_under_the_names_that_set_takes(cli):
    result = cli("presets", "stylegan2-f")
    lines = dict(line.split(" = ") for line in result.out.splitlines())
    assert lines["training.r1_gamma"] == "10.0"
    assert lines["generator.mapping.layers"] == "8"
    assert lines["data.size"] == "[1024, 1024]"
    assert json.loads(lines["generator.base"]) == [4, 4]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stylegan2-g",), "Did you mean stylegan2-"),
        (("--json",), "wanted a preset too"),
        (("auto", "--resolution", "63"), "size 63x63"),
        (("auto", "--yaml"), "No such option: --yaml"),
        (("auto", "tiny"), "unexpected extra argument"),
    ],
)
def test_wrong_words_are_one_line(cli, words, message):
    assert message in cli("presets", *words).error()
