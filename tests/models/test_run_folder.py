"""The layout of a run, and what may be removed from it."""

import pytest

from stylesmith import files
from stylesmith.errors import ConfigError, ModelError, OutputError
from stylesmith.models import RunFolder


def test_names_sort_as_numbers(tmp_path):
    run = RunFolder(tmp_path)
    for seen in (900, 25_000_000, 0, 1_200_000_000):
        files.write_text(run.checkpoint(seen), "")
    files.write_text(run.path / "checkpoints" / "notes.safetensors", "")
    assert [int(p.stem) for p in run.checkpoints()] == [1_200_000_000, 25_000_000, 900, 0]
    assert run.snapshots() == []


def test_a_config_comes_back(finished_run, tmp_path):
    config = finished_run.read_config()
    copy = RunFolder(tmp_path / "copy")
    assert not copy.exists()
    copy.write_config(config)
    assert copy.exists()
    assert copy.read_config() == config


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"version": 2}', b"[1]"])
def test_a_damaged_config_is_one_line_that_names_it(tmp_path, content):
    run = RunFolder(tmp_path)
    run.config.write_bytes(content)
    with pytest.raises(ConfigError, match=r"config\.json: ") as caught:
        run.read_config()
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(ModelError, match="not a run folder"):
        RunFolder(tmp_path).read_config()


def test_clearing_removes_the_run_and_nothing_else(finished_run, tmp_path):
    run = RunFolder(tmp_path / "run")
    run.write_config(finished_run.read_config())
    files.write_text(run.checkpoint(4), "")
    (run.path / "mine.png").write_text("mine")
    run.clear()
    assert [path.name for path in run.path.iterdir()] == ["mine.png"]
    with pytest.raises(OutputError, match="is not a run"):
        run.clear()


def test_an_empty_or_absent_folder_is_clear(tmp_path):
    RunFolder(tmp_path).clear()
    RunFolder(tmp_path / "absent").clear()
    assert list(tmp_path.iterdir()) == []


LEFTOVERS = [".x.123.safetensors", ".000000004.1.png", ".README.77.md", ".tmpc5WBVm"]


@pytest.mark.parametrize("name", LEFTOVERS)
def test_leftovers_are_temporary_files_of_ours(tmp_path, name):
    kept = [".gitignore", ".hidden.png", "x.123.png", ".4711", ".tmp", ".tmpname"]
    for other in (name, *kept):
        (tmp_path / other).write_text("")
    files.remove_temporary_files(tmp_path)
    files.remove_temporary_files(tmp_path / "absent")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
