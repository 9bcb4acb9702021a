"""The commands of the README, a small world in which they run, and the limits that they meet.

Commands are read from README.md, so new ones join by themselves. Only their sizes and times are
made smaller here.
"""

import ctypes
import os
import re
import resource
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stylesmith.files import TEMPORARY_NAME
from stylesmith.models import load_bundle
from stylesmith.models.interop import write_external
from tests import support
from tests.cli.commands import COMMANDS

README = Path(__file__).parents[2] / "README.md"

SMALLER = {
    r"--minutes [\d.]+": "--minutes 0.01",
    r"--resolution \d+": "--resolution 8",
    r"0-999": "0-3",
    r"--generated \d+": "--generated 2",
    r"^train (?!--resume)": "train --preset tiny ",
    r"^project ": "project --steps 3 --tune-steps 3 ",
    r"^attribution (?!.*--calibration)": "attribution --steps 3 ",
    r"^video ": "video --frames 2 ",
    r"^noise ": "noise --draws 2 ",
    r"--fetch-runtime": "",
    r"--psi-layers 0-7": "--psi-layers 0-3",
}
"""What makes a command small enough for a test."""


def readme_commands() -> list[str]:
    """All command lines of the README's code blocks, without `stylesmith` and comments."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README.read_text(), re.M | re.S)
    lines = (
        "\n".join(text for language, text in blocks if not language)
        .replace("\\\n", " ")
        .splitlines()
    )
    return [
        line.removeprefix("stylesmith ").partition(" #")[0].strip()
        for line in lines
        if line.startswith("stylesmith ")
    ]


def made_small(command: str) -> str:
    for pattern, replacement in SMALLER.items():
        command = re.sub(pattern, replacement, command)
    return command


def make_world(folder: Path) -> None:
    """What the README takes for granted: photographs, runs, and files of other programs."""
    photos = support.make_photos(folder / "photos", count=12)
    (photos / "class1").rename(photos / "猫")
    shutil.copy(next(photos.rglob("*.png")), folder / "me.png")
    run = support.start(photos, folder / "runs" / "photos", steps=4)
    for name in ("faces", "a", "b", "f"):
        shutil.copytree(run.path, folder / "runs" / name)
    write_external(folder / "ffhq.pkl", "ada", load_bundle(run.path).networks())
    for words in (
        ("data", "make", "avatars", "avatars.zip", "--count", 30, "--resolution", 8),
        ("data", "make", "avatars", "faces.zip", "--count", 30, "--resolution", 8),
    ):
        run_command(shlex.join(map(str, words)), folder, LIMITS["none"])


def drop_permission_override() -> None:
    """Let permissions hold for root as well, from the next program on (Linux)."""
    drop_from_bounding_set, dac_override = 24, 1
    with_prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if with_prctl:
        with_prctl(drop_from_bounding_set, dac_override, 0, 0, 0)


def limit_file_size(size: int) -> Callable[[], None]:
    """As `ulimit -f` does; SIGXFSZ stays as Python finds it."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@dataclass(frozen=True)
class Limit:
    """A condition under which a command runs."""

    prepare: Callable[[], object] = lambda: None
    """Called in the new process."""
    environment: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    closed_stdout: bool = False


LIMITS = {
    "none": Limit(),
    "ulimit -f 1": Limit(limit_file_size(1024)),
    "ulimit -f 30": Limit(limit_file_size(30 * 1024)),
    "read-only": Limit(drop_permission_override, read_only=True),
    "closed stdout": Limit(closed_stdout=True),
    "cp437": Limit(environment={"PYTHONIOENCODING": "cp437"}),
    "umask 077": Limit(lambda: os.umask(0o077)),
}


def run_command(command: str, world: Path, limit: Limit, *, seconds: int = 30) -> support.Result:
    """Run a command in the world as a user would; Ctrl-C after `seconds`."""
    environment = support.child_environment(
        HOME=str(world / "home"), XDG_CACHE_HOME="", STYLESMITH_WEIGHTS=str(world / "weights")
    )

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored by what a shell runs in background
        limit.prepare()

    process = subprocess.Popen(
        [sys.executable, "-m", "stylesmith", *shlex.split(command)],
        cwd=world,
        env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)} | limit.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=prepare,
    )
    if limit.closed_stdout:
        assert process.stdout
        process.stdout.close()
        process.stdout = None
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    return support.Result(process.returncode, *(as_text(part or b"") for part in (out, err)))


def as_text(output: bytes) -> str:
    return output.decode("utf-8", errors="replace")


def with_force(command: str) -> str:
    """The command with `--force` where it has that option, because its output is there."""
    words = tuple(command.split())
    found = COMMANDS.get(words[:2]) or COMMANDS[words[:1]]
    has_option = any("--force" in parameter.opts for parameter in found.params)
    return f"{command} --force" if has_option and "--resume" not in words else command


def set_writable(folder: Path, *, writable: bool) -> None:
    """Take or give the permission to write to a folder and everything in it."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | stat.S_IWUSR if writable else mode & ~0o222)


def flaws(result: support.Result, *, closed_stdout: bool = False) -> str:
    """What is wrong with how a command ended; empty where it worked, or said one line.

    Before that line may be what it told on the way, since `--json` leaves stdout to the result. A
    command whose stdout is closed ends without a word, as those of the system do.
    """
    lines = result.err.splitlines()
    told = [line for line in lines if line.startswith(("error: ", "stopped"))]
    is_quiet = not told and (result.status == 0 or closed_stdout)
    is_told = result.status in (1, 2, 130) and told == lines[-1:]
    is_bug = any("Traceback" in line or "Exception ignored" in line for line in lines)
    return "" if (is_quiet or is_told) and not is_bug else f"{result.status} {result.err}"


def readable_by_others(folder: Path, before: set[Path]) -> list[Path]:
    """New files and folders that others than their owner may read or write."""
    new = [path for path in folder.rglob("*") if path not in before]
    return [path for path in new if path.stat().st_mode & 0o077]


def unfinished_files(world: Path) -> list[Path]:
    return [path for path in world.rglob(".*") if TEMPORARY_NAME.fullmatch(path.name)]
