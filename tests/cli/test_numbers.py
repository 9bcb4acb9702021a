"""Numbers beyond all bounds are refused by every option of every command, in one line."""

import pytest
import torch

from tests.cli.commands import parameters_of

NUMBERS = {
    int: ["18446744073709551615", "9223372036854775808", "99999999999999999999", "-1e3"],
    float: ["nan", "inf", "-inf", "1e999"],
}
CASES = {
    f"{' '.join(words)} {parameter.opts[-1]}": (words, parameter.opts[-1], values)
    for kind, values in NUMBERS.items()
    for words, parameter in parameters_of(kind)
}


@pytest.mark.parametrize("case", CASES)
def test_an_option_refuses_what_is_no_number_of_its_kind(cli, case):
    words, option, values = CASES[case]
    for value in [*values, "many", ""]:
        message = cli(*words, f"{option}={value}").error()
        assert option in message, (value, message)


def test_there_are_numbers_in_many_commands():
    assert len(CASES) > 30
    assert {"train --minutes", "data make avatars --count", "evaluate --seed"} <= set(CASES)


def test_what_is_wanted_is_said(cli):
    assert cli("train", "--minutes", "inf").error() == "--minutes inf: wanted a finite number"
    refused = cli("evaluate", "avatars", "--seed", 2**64 - 1).error()
    assert refused == "--seed 18446744073709551615: wanted 9223372036854775807 or less"


@pytest.mark.parametrize("command", ["generate", "evaluate", "project", "attribution", "train"])
def test_commands_that_compute_take_a_number_of_threads(cli, monkeypatch, tmp_path, command):
    chosen: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", chosen.append)
    words = {
        "generate": ["avatars", "--seeds", "0", "--out", tmp_path / "x.png"],
        "evaluate": ["avatars", "--data", tmp_path / "nothing", "--metrics", "fd_random_20"],
        "project": ["avatars", tmp_path / "nothing.png", "--out", tmp_path / "y"],
        "attribution": ["avatars", "--real", tmp_path / "nothing", "--out", tmp_path / "y"],
        "train": [tmp_path / "nothing", "--out", tmp_path / "y"],
    }
    cli(command, *words[command], "--threads", 3)
    assert chosen == [3]
    assert "--threads" in cli(command, *words[command], "--threads", 0).error()
