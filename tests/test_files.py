import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from stylesmith import files
from stylesmith.errors import DataError, OutputError, UsageError
from stylesmith.metrics.reference_statistics import default_cache_folder
from stylesmith.perception.weights import default_weights_folder

KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from stylesmith.files import write_atomically

def write(path):
    path.write_text("half of the n")
    os.kill(os.getpid(), signal.SIGKILL)

write_atomically(Path(sys.argv[1]), write)
"""


def test_what_is_no_text_is_written_as_escapes(tmp_path):
    files.write_text(tmp_path / "a.html", "ä \udcff \ud800")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == r"ä \udcff \ud800"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, "{", b"\xff{}"])
def test_json_that_cannot_be_read_is_one_kind_of_error(text):
    with pytest.raises(ValueError):
        files.parse_json(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_full_disk_leaves_the_old_file_whole_and_nothing_else(tmp_path):
    path = tmp_path / "model.bin"
    path.write_text("old")

    def write(temporary: Path) -> None:
        temporary.write_text("half of the n")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match=r"model\.bin: cannot be written \(No space left"):
        files.write_atomically(path, write)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["model.bin"]


def test_a_bug_in_the_writer_shows_itself_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.bin"
    path.write_text("old")

    def write(temporary: Path) -> None:
        temporary.write_text("half of the n")
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        files.write_atomically(path, write)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["model.bin"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "000007.bin"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2  # the unfinished file is there, hidden, ...
    assert files.numbered_files(tmp_path, ".bin") == [path]  # ... and counts as nothing


def test_content_reaches_the_disk_before_the_name_does(tmp_path, monkeypatch):
    path = tmp_path / "notes.txt"
    path.write_text("old")
    seen = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (seen.append(path.read_text()), real(handle)))
    files.write_text(path, "new")
    assert seen[0] == "old"  # synchronized while the old file still bears the name
    assert path.read_text() == "new"


def test_missing_folders_are_made(tmp_path):
    files.write_json(tmp_path / "a" / "b" / "c.json", {"x": [1, 2]})
    assert json.loads((tmp_path / "a" / "b" / "c.json").read_text()) == {"x": [1, 2]}


@pytest.mark.parametrize("name", ["file/below.txt", "folder"])
def test_a_path_that_cannot_be_a_file_is_one_clear_line(tmp_path, name):
    (tmp_path / "file").write_text("a file, not a folder")
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(OutputError, match="cannot be written") as caught:
        files.write_text(tmp_path / name, "text")
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["file", "folder"]


def test_staged_files_appear_together(tmp_path):
    with files.staging_folder(tmp_path / "new" / "out") as place:
        files.write_text(place / "a.txt", "a")
        files.write_text(place / "sub" / "b.txt", "b")
        assert not (tmp_path / "new" / "out").exists()
    assert names(tmp_path / "new") == ["out"] and names(tmp_path / "new" / "out") == [
        "a.txt",
        "sub",
    ]
    assert (tmp_path / "new" / "out").stat().st_mode == (tmp_path / "new").stat().st_mode


def test_staged_files_join_those_that_are_there(tmp_path):
    for name in ("kept.txt", "a.txt"):
        (tmp_path / name).write_text("old")
    with files.staging_folder(tmp_path) as place:
        files.write_text(place / "a.txt", "new")
    assert names(tmp_path) == ["a.txt", "kept.txt"]
    assert (tmp_path / "a.txt").read_text() == "new" and (
        tmp_path / "kept.txt"
    ).read_text() == "old"


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt(), ValueError()])
def test_nothing_is_left_of_a_folder_that_fails(tmp_path, there, error):
    folder = tmp_path / "parent" / "out"
    if there:
        folder.mkdir(parents=True)
    wanted = OutputError if isinstance(error, OSError) else type(error)
    with pytest.raises(wanted), files.staging_folder(folder) as place:
        files.write_text(place / "a.txt", "a")
        raise error
    assert names(tmp_path) == (["parent"] if there else [])
    assert not there or names(folder) == []


def test_errors_name_the_folder_that_was_asked_for(tmp_path):
    folder = tmp_path / "out"
    with (
        pytest.raises(OutputError, match=r"out/a.txt: cannot be written") as caught,
        files.staging_folder(folder) as place,
    ):
        (place / "a.txt" / "full").mkdir(parents=True)
        files.write_text(place / "a.txt", "a")
    assert str(caught.value).startswith(f"{folder / 'a.txt'}: ")


def test_a_staging_folder_that_is_removed_does_not_come_back_by_halves(tmp_path):
    folder = tmp_path / "out"
    with (
        pytest.raises(OutputError, match=r"out: cannot be written \(it was removed meanwhile\)"),
        files.staging_folder(folder) as place,
    ):
        files.write_text(place / "a.txt", "a")
        shutil.rmtree(place)
        files.write_text(place / "b.txt", "b")
    assert names(tmp_path) == []


def test_existing_output_is_kept_unless_forced(tmp_path):
    path = tmp_path / "out.png"
    files.check_absent(path, force=False)
    path.touch()
    files.check_absent(path, force=True)
    with pytest.raises(OutputError, match=r"out\.png: exists already.*--force"):
        files.check_absent(path, force=False)


def test_numbered_sorts_by_number_and_ignores_the_rest(tmp_path):
    for name in ("9.bin", "10.bin", "0002.bin", "x.bin", "3.txt", "3.bin.old", ".4.77.bin"):
        (tmp_path / name).touch()
    found = [path.name for path in files.numbered_files(tmp_path, ".bin")]
    assert found == ["10.bin", "9.bin", "0002.bin"]


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../up.png",
        "a/../../up.png",
        "..",
        "\\windows\\x.png",
        "a\\..\\..\\up.png",
        "C:\\x.png",
        "c:x.png",
    ],
)
def test_names_that_leave_the_archive_are_refused(name):
    with pytest.raises(DataError, match=r"photos\.zip.*outside the archive") as caught:
        files.check_member_path(name, Path("photos.zip"))
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["a.png", "cats/a.png", "a..b.png", "...", "dog: rex.png"])
def test_ordinary_names_pass(name):
    files.check_member_path(name, Path("photos.zip"))


def test_everybody_who_may_read_new_files_may_read_those_of_libraries(tmp_path):
    """Tensors are written by a library that keeps its files for their owner."""
    plain, tensors = tmp_path / "plain", tmp_path / "x.safetensors"
    plain.touch()
    files.write_atomically(tensors, lambda path: save_file({"x": torch.zeros(1)}, path))
    assert tensors.stat().st_mode == plain.stat().st_mode


@pytest.fixture
def no_home(monkeypatch):
    """A user without HOME and without an entry in the password file, as in containers."""

    def fail(path: object) -> None:
        raise RuntimeError("Could not determine home directory.")

    for name in ("HOME", "XDG_CACHE_HOME", "STYLESMITH_CACHE", "STYLESMITH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "expanduser", fail)
    monkeypatch.setattr(Path, "home", fail)


def test_without_a_home_the_variable_is_named(no_home, monkeypatch, tmp_path):
    for folder in (files.cache_folder, default_weights_folder):
        with pytest.raises(UsageError, match=r"HOME is not set\. Set XDG_CACHE_HOME"):
            folder()
    assert default_cache_folder() is None  # statistics are made again each time
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert files.cache_folder() == tmp_path / "stylesmith"
