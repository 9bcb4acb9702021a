"""Any console shows what it can: names that it cannot show are escaped, never a traceback."""

import io
import os
import sys
from pathlib import Path

import pytest

from stylesmith.cli import main
from tests.cli.commands import COMMANDS, parameters_of
from tests.support import stylesmith as run

ENCODINGS = ["cp1252", "cp437", "ascii", "utf-8", "latin-1"]
NAME = "画像 é „x“.png"


@pytest.fixture
def console_of(monkeypatch):
    """`console_of("cp437", "generate", ...)`: what a strict console of this encoding shows."""

    def call(encoding: str, *words: object) -> tuple[object, str]:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        for name, stream in zip(("stdout", "stderr"), streams, strict=True):
            monkeypatch.setattr(sys, name, stream)
        monkeypatch.setattr(sys, "argv", ["stylesmith", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = ""
        for stream in streams:
            stream.flush()
            shown += stream.buffer.getvalue().decode(encoding)
        return ended.value.code or 0, shown

    return call


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_is_shown_by_every_console(console_of, encoding, words):
    status, shown = console_of(encoding, *words, "--help")
    assert status == 0 and f" {words[-1]} " in shown


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_errors_and_results_with_any_name_are_shown(console_of, encoding, tmp_path):
    escaped = NAME.encode(encoding, "backslashreplace").decode(encoding)
    status, shown = console_of(encoding, "data", "check", tmp_path / NAME)
    assert status == 2 and f"{escaped}: " in shown and shown.startswith("error: ")
    status, shown = console_of(
        encoding, "generate", "avatars", "--seeds", 1, "--out", tmp_path / NAME
    )
    assert status == 0 and shown.endswith(f"{escaped}\n") and (tmp_path / NAME).is_file()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_license_of_the_avatars_is_shown(console_of, encoding, tmp_path):
    pytest.importorskip("dicebear")
    out = tmp_path / "avatars.zip"
    status, shown = console_of(encoding, "data", "make", "avatars", out, "--count", 1)
    assert status == 0 and "Pablo Stanley" in shown


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_names_that_are_not_utf8_are_refused_by_every_command(cli, tmp_path):
    bad = os.fsdecode(bytes(tmp_path) + b"/caf\xe9")
    os.mkdir(bad)
    places = list(parameters_of(Path))
    assert len(places) > 30
    for words, parameter in places:
        option = [parameter.opts[-1]] if parameter.param_type_name == "option" else []
        message = cli(*words, *option, bad).error()
        assert message.startswith(f"{tmp_path}/caf\\udce9: this name is not UTF-8"), words
        assert "Rename" in message


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_current_folder_that_is_not_utf8_is_refused(cli, monkeypatch, tmp_path):
    bad = os.fsdecode(bytes(tmp_path) + b"/caf\xe9")
    os.mkdir(bad)
    monkeypatch.chdir(bad)
    assert "caf\\udce9: this name is not UTF-8" in cli("generate", "avatars").error()


def test_a_fresh_process_under_an_old_code_page(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    assert "\\u753b\\u50cf" in run("inspect", tmp_path / NAME).error()
