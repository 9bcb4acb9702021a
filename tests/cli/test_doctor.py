"""`stylesmith doctor`: what the machine offers, and what is missing."""

import tomllib
from pathlib import Path

import torch

from stylesmith import packages


def lines(text: str) -> dict[str, str]:
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in text.splitlines()}


def test_it_says_what_training_would_use(cli):
    result = cli("doctor")
    assert (result.status, result.err) == (0, "")
    found = lines(result.out)
    assert found["torch"] == torch.__version__
    assert found["threads"] == str(torch.get_num_threads())
    assert "for convolutions" in found["precision"]
    assert "GB free" in found["memory"] or found["memory"] == "unknown"
    assert found.keys() >= {"stylesmith", "python", "device", "[avatars]", "[tensorboard]"}


def test_a_missing_extra_comes_with_the_command_that_brings_it(cli, monkeypatch):
    extras = {"there": ["torch"], "absent": ["torch", "no-such-package-anywhere"]}
    monkeypatch.setattr("stylesmith.packages.extras", lambda: list(extras))
    monkeypatch.setattr("stylesmith.packages.requirements", extras.get)
    found = lines(cli("doctor").out)
    assert found["[there]"] == "there"
    assert found["[absent]"] == 'missing: pip install "stylesmith[absent]"'


def test_no_extra_is_forgotten(cli):
    """Metadata says what there is; pyproject.toml says it to the metadata."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    declared = set(tomllib.loads(text)["project"]["optional-dependencies"]) - {"dev"}
    assert {f"[{extra}]" for extra in declared} == {n for n in lines(cli("doctor").out) if "[" in n}
    assert {"figures", "video"} <= declared == set(packages.extras())


def test_requirements_are_those_of_the_extra_alone():
    assert packages.requirements("video").keys() == {"av"}
    assert {"torch", "numpy", "typer"} <= packages.requirements().keys()
    assert "av" not in packages.requirements()
    assert packages.requirements()["torch"].startswith("torch>=")


def test_a_cpu_without_bf16_is_told_why_it_computes_in_fp32(cli, monkeypatch):
    monkeypatch.setattr("stylesmith.devices.has_bf16", lambda device: False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    found = lines(cli("doctor").out)
    assert found["precision"] == "float32 for convolutions (this processor has no bf16 units)"


def test_it_takes_no_arguments(cli):
    assert "unexpected extra argument" in cli("doctor", "please").error()
