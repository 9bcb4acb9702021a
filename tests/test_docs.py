"""What the documents promise about commands, presets and settings is what there is."""

import re
from pathlib import Path

import typer

from stylesmith.cli import app
from stylesmith.config import DataConfig, RunConfig, apply_overrides
from stylesmith.presets import PRESETS

ROOT = Path(__file__).parents[1]


def command_names(group: typer.main.TyperGroup, prefix: str = "") -> set[str]:
    found = set()
    for name, command in group.commands.items():
        nested = getattr(command, "commands", None)
        path = f"{prefix}{name}"
        found |= command_names(command, f"{path} ") if nested else {path}
    return found


def table(state: str) -> set[str]:
    rows = re.findall(r"^\| (`.*?) \|.*\| (\w+) \|$", (ROOT / "docs/design.md").read_text(), re.M)
    names = set()
    for cell, found in rows:
        if found == state:
            quoted = [text.removeprefix("stylesmith ") for text in re.findall(r"`(.*?)`", cell)]
            names |= {name for name in quoted if not name.startswith("make")}
    return names


def test_the_table_of_commands_is_what_help_offers():
    there = command_names(typer.main.get_command(app))
    assert table("works") == there
    planned = table("planned") | table("later")
    assert planned and not {name.split()[0] for name in planned} & there


def test_every_command_in_the_readme_exists():
    there = command_names(typer.main.get_command(app))
    lines = re.findall(r"^stylesmith ([a-z ]+?)(?= [^a-z ]|  | [a-z]+[/.]|$)", readme(), re.M)
    assert len(lines) >= 5
    for line in lines:
        assert any(line == name or line.startswith(f"{name} ") for name in there), line


def test_the_readme_names_every_preset():
    rows = re.findall(r"^\| (`.*?`) \|", readme(), re.M)
    patterns = [pattern for row in rows for pattern in re.findall(r"`([\w{},-]+)`", row)]
    named = [name for pattern in patterns for name in names_in_braces(pattern)]
    assert sorted(named) == sorted(preset.name for preset in PRESETS)


def names_in_braces(pattern: str) -> list[str]:
    """What a shell makes of it: `a-{b,c}` is `a-b` and `a-c`."""
    texts, choices = re.split(r"\{.*?\}", pattern), re.findall(r"\{(.*?)\}", pattern)
    names = [texts[0]]
    for text, choice in zip(texts[1:], choices, strict=True):
        names = [f"{name}{option}{text}" for name in names for option in choice.split(",")]
    return names


def test_settings_named_in_the_documents_exist():
    differences = (ROOT / "docs/differences.md").read_text()
    names = set(re.findall(r"`((?:training|generator|data|output)\.[\w.]+)`", differences))
    names |= set(re.findall(r"--set ([\w.]+)=", readme()))
    assert len(names) >= 3
    config = RunConfig(data=DataConfig(size=(1024, 1024)))
    for name in names:
        value = config
        for part in name.split("."):
            value = getattr(value, part)
        assert apply_overrides(config, [f"{name}={value}"]) == config


def test_the_readme_starts_with_the_two_commands():
    assert re.match(r"# stylesmith\n\n```\nmake demo .*\nmake test .*\n```\n", readme())


def readme() -> str:
    return (ROOT / "README.md").read_text()
