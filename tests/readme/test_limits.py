"""Every command of the README under limits that systems and users set.

Each works or ends with one line, without a traceback, and leaves no unfinished file. A command that
takes longer than some seconds gets Ctrl-C, which is one line too.
"""

import shutil
from pathlib import Path

import pytest

from tests.readme import commands
from tests.readme.commands import LIMITS


def test_commands_of_the_readme_are_found():
    found = commands.readme_commands()
    assert len(found) >= 35
    assert {"data check photos/", "figure --list"} <= set(found)
    assert not [command for command in found if "#" in command or "\\" in command]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands have run in their order."""
    folder = tmp_path_factory.mktemp("readme")
    commands.make_world(folder)
    for command in commands.readme_commands():
        small = commands.with_force(commands.made_small(command))
        result = commands.run_command(small, folder, LIMITS["none"])
        assert not commands.flaws(result), command
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in LIMITS if name != "none"])
def test_every_command_works_or_says_one_line(world, tmp_path, name):
    limit, failed = LIMITS[name], []
    for number, command in enumerate(commands.readme_commands()):
        small = commands.with_force(commands.made_small(command))
        folder = shutil.copytree(world, tmp_path / str(number))
        if limit.read_only:
            commands.set_writable(folder, writable=False)
        before = set(folder.rglob("*"))
        result = commands.run_command(small, folder, limit)
        if flaws := commands.flaws(result, closed_stdout=limit.closed_stdout):
            failed.append(f"{small}: {flaws}")
        if left := commands.unfinished_files(folder):
            failed.append(f"{small}: left {left}")
        if name == "umask 077" and (loose := commands.readable_by_others(folder, before)):
            failed.append(f"{small}: others may read {loose}")
        if limit.read_only:
            commands.set_writable(folder, writable=True)
        shutil.rmtree(folder)
    assert not failed, "\n".join(failed)
