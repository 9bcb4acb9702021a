"""What the operating system refuses, signals, and packages that are missing: one line each."""

import errno
import importlib
import os
import signal
import subprocess
import sys

import pytest
import torch

from stylesmith import cli as cli_module
from stylesmith.cli.failures import REMEDIES
from tests.cli.commands import COMMANDS
from tests.support import child_environment

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from stylesmith.cli import main
for line in sys.stdin:
    print("$", line.strip(), file=sys.stderr, flush=True)
    sys.argv = ["stylesmith", *line.split()]
    try:
        main()
    except SystemExit:
        pass
"""


@pytest.mark.parametrize("number", [*REMEDIES, errno.EIO], ids=errno.errorcode.get)
def test_an_error_of_the_system_is_one_line(cli, monkeypatch, number):
    def fail(**options: object) -> None:
        raise OSError(number, os.strerror(number), "runs/x/log.jsonl")

    monkeypatch.setattr(cli_module, "app", fail)
    message = cli().error(status=1)
    assert message.startswith(f"runs/x/log.jsonl: {os.strerror(number)}.")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nMore."), "out of m"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), "out of memory: Def"),
        (MemoryError(), "out of memory: MemoryError. Ask for less at once, or use --device cpu."),
        (
            torch.AcceleratorError("CUDA error: launch failure", 719),
            "the device failed",
        ),
    ],
)
def test_a_device_that_fails_is_one_line(cli, monkeypatch, error, line):
    def fail(**options: object) -> None:
        raise error

    monkeypatch.setattr(cli_module, "app", fail)
    assert cli().error(status=1).startswith(line)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_unwinds_the_command(cli, monkeypatch, tmp_path, name):
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("not on this system")
    cleaned = []
    former = signal.signal(number, signal.SIG_DFL)  # under nohup it is ignored

    def wait(**options: object) -> None:
        try:
            signal.raise_signal(number)
        finally:
            cleaned.append(True)

    monkeypatch.setattr(cli_module, "app", wait)
    result = cli()
    assert (result.status, result.err, cleaned) == (128 + number, "stopped\n", [True])
    assert signal.signal(number, former) is signal.SIG_DFL  # as it was


def test_a_signal_that_is_ignored_stays_ignored(cli, monkeypatch):
    if not hasattr(signal, "SIGHUP"):
        pytest.skip("not on this system")
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        monkeypatch.setattr(cli_module, "app", lambda **_: signal.raise_signal(signal.SIGHUP))
        assert cli().status == 0
    finally:
        signal.signal(signal.SIGHUP, former)


def test_without_torch_every_command_says_how_to_install_it():
    lines = []
    for words, command in COMMANDS.items():
        needed = ["x" for one in command.params if one.required and not one.opts[0].startswith("-")]
        options = [
            f"{one.opts[0]}=8" for one in command.params if one.required and "-" in one.opts[0]
        ]
        lines.append(" ".join([*words, *needed, *options]))
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        input="\n".join([*lines, "train x --out y", "figure stylegan-3 avatars", "--help"]),
        capture_output=True,
        text=True,
        env=child_environment(),
        timeout=120,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    said = dict(part.split("\n", 1) for part in done.stderr.split("$ ")[1:])
    assert len(said) == len(COMMANDS) + 3
    assert all(text.count("\n") <= 1 for text in said.values()), said
    wanted = "error: torch: not installed, and this command needs it: "
    told = {line.split()[0] for line, text in said.items() if text.startswith(wanted)}
    assert told >= {"train", "generate", "project", "evaluate", "figure", "doctor", "export"}, said
    assert '-m pip install "torch>=' in said["doctor"]


def test_a_module_of_our_own_that_is_missing_is_our_bug(monkeypatch):
    def fail(**options: object) -> None:
        importlib.import_module("stylesmith.nowhere")

    monkeypatch.setattr(cli_module, "app", fail)
    with pytest.raises(ModuleNotFoundError):
        cli_module.main()


@pytest.mark.skipif(os.name == "nt", reason="no such device")
@pytest.mark.parametrize("words", ["weights list", "--help", "presets auto --json"])
def test_output_that_cannot_be_written_is_one_line(words):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stylesmith", *words.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=child_environment(),
        )
    assert done.returncode == 1
    assert (
        done.stderr == "error: No space left on device. Free some space, or choose another place.\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="pipes differ there")
def test_a_closed_pipe_ends_a_command_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "stylesmith", "presets", "auto", "--json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env=child_environment(),
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")
