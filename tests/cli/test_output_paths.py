"""Where commands write: a folder may have any name and be there, if it is empty."""

import errno
import shutil
import signal
from pathlib import Path

import pytest

from stylesmith import files
from stylesmith.training.train_step import TrainStep
from tests import support
from tests.cli.commands import parameters_of

IMAGE = "face.png"
FOLDER_COMMANDS = {
    "generate": "generate avatars --seeds 1 --out",
    "edit": "edit avatars --find weights --count 1 --strength 0:1:2 --out",
    "project": f"project avatars {IMAGE} --steps 1 --distance pixels --out",
    "train": "train photos --preset tiny --kimg 0.004 --out",
    "export": "export avatars",
    "import": "import net.pt",
}
"""Commands that write a folder, up to its name."""
FILE_COMMANDS = {
    "mix": "mix avatars --out out.png",
    "noise": "noise avatars --seeds 0 --draws 2 --out out.png",
    "edit": "edit avatars --channel 3:1 --out out.png",
    "video": "video avatars --seeds 0-1 --frames 1 --out out.gif",
    "evaluate": "evaluate avatars --data avatars --metrics fd_random_4 --out out.jsonl",
    "figure": "figure stylegan-3 avatars --out out.png",
    "table": "table stylegan2-1 --out out.md",
    "prepare": "data prepare photos out.zip --resolution 8",
    "make": "data make avatars out.zip --count 2 --resolution 8",
}
"""Commands that write a file."""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with what the commands read."""
    folder = tmp_path_factory.mktemp("place")
    support.make_photos(folder / "photos")
    return folder


@pytest.fixture(autouse=True)
def stay_there(cli, place, monkeypatch):
    monkeypatch.chdir(place)
    if not Path("net.pt").exists():
        assert cli("generate", "avatars", "--seeds", "1", "--out", IMAGE).status == 0
        assert cli("export", "avatars", "net.pt", "--format", "rosinality").status == 0


@pytest.mark.parametrize("command", FOLDER_COMMANDS)
def test_a_folder_may_have_any_name_and_be_there_if_it_is_empty(cli, command):
    words = FOLDER_COMMANDS[command].split()
    for name in (f"{command}-v1.2", f"2024.01.{command}"):
        if name.startswith("2024"):
            Path(name).mkdir()
        result = cli(*words, f"{name}/")
        assert result.status == 0, (name, result.err)
        assert any(Path(name).iterdir())
        assert f"{name}: exists already" in cli(*words, name).error()


@pytest.mark.parametrize("command", FOLDER_COMMANDS)
def test_a_file_in_the_place_of_a_folder_is_kept(cli, command):
    Path("taken").write_text("mine")
    for force in [[], ["--force"]]:
        result = cli(*FOLDER_COMMANDS[command].split(), "taken", *force)
        assert result.error().startswith(("taken: is a file; wanted a folder", "--out taken: "))
    assert Path("taken").read_text() == "mine"


@pytest.mark.parametrize("command", FILE_COMMANDS)
def test_a_folder_in_the_place_of_a_file_is_found_before_the_work(cli, command):
    words = FILE_COMMANDS[command].split()
    out = next(word for word in words if word.startswith("out."))
    Path(out, "kept").mkdir(parents=True, exist_ok=True)
    for force in [[], ["--force"]]:
        result = cli(*words, *force)
        assert f"{out}: is a folder; wanted a file" in result.error()
    assert Path(out, "kept").is_dir()
    shutil.rmtree(out)


ENDINGS = {
    "full": (OSError(errno.ENOSPC, "No space left on device"), (1, 2), "No space left on device"),
    "stopped": (SystemExit(128 + signal.SIGTERM), (128 + signal.SIGTERM,), "stopped"),
    "interrupted": (KeyboardInterrupt(), (128 + signal.SIGINT,), "stopped"),
}
"""What a write meets: the error, the exit statuses, and the line."""
WRITING = {
    command: words
    for command, words in {**FILE_COMMANDS, **FOLDER_COMMANDS}.items()
    if command not in ("train", "project")  # whose folders are continued
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("command", WRITING)
def test_a_command_that_fails_while_it_writes_leaves_nothing(cli, monkeypatch, command, ending):
    error, statuses, line = ENDINGS[ending]
    words = WRITING[command].split()
    if command in FOLDER_COMMANDS:
        words.append("made/here/out")
    else:
        words = [word.replace("out.", "made/here/out.") for word in words]

    def fail(*details: object) -> None:
        raise error

    monkeypatch.setattr(Path, "replace", fail)
    result = cli(*words)
    assert result.status in statuses and line in result.err and result.err.count("\n") == 1
    assert not Path("made").exists()
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


def test_a_run_that_is_removed_while_it_trains_does_not_come_back_by_halves(cli, monkeypatch):
    step = TrainStep.step

    def remove(self: TrainStep, *details: object, **more: object) -> object:
        shutil.rmtree("gone", ignore_errors=True)
        return step(self, *details, **more)

    monkeypatch.setattr(TrainStep, "step", remove)
    words = ("train", "photos", "--preset", "tiny", "--kimg", "0.02", "--out", "gone")
    message = cli(*words).error()
    assert message == "gone: the run was removed while it was trained."
    assert not Path("gone").exists()


@pytest.mark.parametrize("name", ["a.bmp", "a.TIFF", "a.pngg", "a.jgp", "a.pdf", "a.pt", "a.zip"])
def test_an_unknown_kind_of_file_is_no_folder(cli, name):
    message = cli("generate", "avatars", "--seeds", 1, "--out", name).error()
    assert message == f"--out {name}: wanted a .png, .jpg or .webp image, or a folder"
    assert not Path(name).exists()


@pytest.mark.parametrize(
    "name", ["faces", "faces-v1.2", "2024.01.05", "run.final", ".hidden", "a.v2"]
)
def test_names_of_folders(name, tmp_path):
    assert files.names_folder(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.onnx", "a.ONNX", "a.PT2", "a.safetensor"])
def test_names_of_files(name, tmp_path):
    assert not files.names_folder(tmp_path / name)
    (tmp_path / name).mkdir()
    assert files.names_folder(tmp_path / name)  # it is there


def test_every_command_with_an_out_is_here():
    known = {*FOLDER_COMMANDS, *FILE_COMMANDS, "attribution", "classifiers"}
    found = {words for words, one in parameters_of(Path) if one.name in ("out", "dest", "web")}
    assert len(found) > 12 and all(set(words) & known for words in found), found
