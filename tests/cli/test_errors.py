"""Every error of a user is one line on stderr and an exit status; a traceback is our bug."""

import warnings

import pytest

import stylesmith
from stylesmith import cli as cli_module
from stylesmith.errors import DataError, ModelError, RunError, StylesmithError
from tests.support import stylesmith as run


@pytest.mark.parametrize("kind", [DataError, ModelError, RunError, StylesmithError])
def test_an_error_becomes_one_line_and_its_status(cli, monkeypatch, kind):
    text = "photos/[bold]ä.png: " + "a long explanation without end " * 10 + "[/] :smile:"

    def fail(**options: object) -> None:
        raise kind(text)

    monkeypatch.setattr(cli_module, "app", fail)
    result = cli()
    assert result.error(status=kind.exit_status) == text  # neither wrapped nor read as markup


def test_only_failed_runs_end_with_1():
    kinds = StylesmithError.__subclasses__()
    assert {kind for kind in kinds if kind.exit_status == 1} == {RunError}
    assert {kind.exit_status for kind in kinds} == {1, 2}


def test_our_own_bugs_are_not_hidden(monkeypatch):
    def fail(**options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli_module, "app", fail)
    with pytest.raises(ZeroDivisionError):
        cli_module.main()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("trian",), "No such command 'trian'. Did you mean 'train'?"),
        (("--verison",), "No such option: --verison (Possible options: --version)"),
        (("train", "--out"), "'--out' requires an argument"),
        (("data", "prepair"), "No such command 'prepair'. Did you mean 'prepare'?"),
        (("generate",), "Missing argument"),
    ],
)
def test_wrong_usage_is_one_line_too(cli, words, message):
    assert message in cli(*words).error()


def test_a_command_without_words_shows_its_help(cli):
    result = cli()
    assert result.status == 2
    assert "train" in result.out + result.err
    assert "error:" not in result.err


def test_the_version_is_that_of_the_package(cli):
    result = cli("--version")
    assert (result.status, result.out) == (0, f"stylesmith {stylesmith.__version__}\n")


@pytest.mark.parametrize("command", ["train", "generate", "presets", "doctor"])
def test_every_command_has_help_with_its_options_explained(cli, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    result = cli(command, "--help")
    assert result.status == 0
    options = [line for line in result.out.splitlines() if line.lstrip("│ *").startswith("--")]
    assert options and all(len(line.strip("│ ").split("  ")) > 1 for line in options)
    assert f" {command} " in result.out and "--help" in result.out


def test_warnings_are_one_line(cli, monkeypatch):
    def warn(**options: object) -> None:
        warnings.warn("something [odd] was seen", stacklevel=1)

    monkeypatch.setattr(cli_module, "app", warn)
    result = cli()
    assert (result.status, result.err) == (0, "note: something [odd] was seen\n")


def test_interruption_is_said_without_a_traceback(cli, monkeypatch):
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stylesmith.packages.extras", interrupt)
    result = cli("doctor")
    assert (result.status, result.err) == (130, "stopped\n")


def test_the_module_runs_what_the_console_script_runs(tmp_path):
    """In a fresh process, as a user meets it."""
    result = run("generate", tmp_path / "nowhere")
    assert "no such run, model folder or file" in result.error()
    assert result.out == ""
