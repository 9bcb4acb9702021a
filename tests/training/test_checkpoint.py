"""Checkpoints that are damaged, unfinished, too many, or do not fit on the disk."""

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from safetensors.torch import save_file

from stylesmith.errors import ModelError, OutputError
from stylesmith.models import RunFolder
from stylesmith.tensor_file import read_tensor_file, write_tensor_file
from stylesmith.training.log import read_log
from stylesmith.training.train_state import TrainState, restore_newest, save_checkpoint
from tests.support import CPU, DAMAGES, differing, newest_state, resume, start, tiny_config


@pytest.fixture
def run(finished_run, tmp_path) -> RunFolder:
    """A copy of a finished run, with checkpoints after 18, 19 and 20 steps."""
    return RunFolder(shutil.copytree(finished_run.path, tmp_path / "run"))


def restored(run: RunFolder) -> tuple[TrainState, list[str]]:
    config, said = run.read_config(), []
    state = TrainState.create(config, CPU)
    restore_newest(run, config, state, notify=said.append)
    return state, said


def test_what_is_saved_is_what_is_restored(run):
    state, said = restored(run)
    tensors, header = newest_state(run)
    assert said == []
    assert differing(state.tensors(), tensors) == []
    assert state.counters.steps == header["clocks"]["steps"] == 20


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_the_newest_few_are_kept(photos, tmp_path, keep):
    settings = ("output.checkpoint_minutes=1e-9", f"output.keep_checkpoints={keep}")
    run = start(photos, tmp_path / "run", *settings, steps=7)
    assert [int(p.stem) // 4 for p in run.checkpoints()] == [7, 6, 5, 4, 3, 2, 1][:keep]


@pytest.mark.parametrize("damage", DAMAGES, ids=["garbled", "truncated", "emptied"])
def test_a_damaged_checkpoint_is_passed_over_and_named(run, damage):
    newest, before, _ = run.checkpoints()
    damage(newest)
    state, said = restored(run)
    (line,) = said
    assert str(newest) in line
    assert "damaged" in line and "the checkpoint before it" in line
    assert differing(state.tensors(), read_tensor_file(before)[0]) == []
    assert state.counters.steps == 19


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("config", None),
        ("config", {"generator": {}}),
        ("config", {"generator": 3, "discriminator": {}}),
        ("clocks", []),
        ("clocks", {"unknown": 1}),
        ("clocks", {"steps": "20"}),
        ("clocks", {"steps": -1}),
        ("clocks", {"seconds": float("nan")}),
        ("arithmetic", 1),
    ],
)
def test_a_header_of_other_types_is_damage_too(run, part, value):
    newest, before = run.checkpoints()[:2]
    tensors, header = read_tensor_file(newest)
    write_tensor_file(newest, tensors, header | {part: value}, kind="checkpoint")
    state, said = restored(run)
    (line,) = said
    assert "its header" in line and line.endswith("Going back to the checkpoint before it.")
    assert state.counters.images_seen == int(before.stem)


@pytest.mark.parametrize("name", ["ema.mapping.w_avg", "generator.synthesis.const"])
def test_weights_that_are_not_finite_are_damage_too(run, name):
    newest, before = run.checkpoints()[:2]
    tensors, header = read_tensor_file(newest)
    tensors[name].view(-1)[0] = float("inf")
    write_tensor_file(newest, tensors, header, kind="checkpoint")
    state, said = restored(run)
    assert f"{name} holds numbers that are not finite" in said[0]
    assert state.counters.images_seen == int(before.stem)


def test_all_damaged_is_an_error_that_names_the_run(run):
    for path in run.checkpoints():
        DAMAGES[1](path)
    with pytest.raises(ModelError, match="none of its checkpoints is whole") as caught:
        restored(run)
    assert str(run.path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lost_checkpoints_are_an_error_and_not_a_new_start(run):
    shutil.rmtree(run.path / "checkpoints")
    with pytest.raises(ModelError, match="it has no checkpoints"):
        restored(run)


def test_a_run_stopped_before_its_first_checkpoint_begins_anew(photos, tmp_path):
    run = RunFolder(tmp_path / "run")
    run.write_config(tiny_config(photos)[0])
    assert any("before its first checkpoint" in line for line in resume(run, steps=3))
    whole = start(photos, tmp_path / "whole", steps=3)
    assert differing(newest_state(run)[0], newest_state(whole)[0]) == []


def test_damaged_files_never_push_out_whole_ones(run):
    """A run that went back writes lower numbers than those it went back from."""
    newest, before, oldest = run.checkpoints()
    DAMAGES[0](newest)
    DAMAGES[0](before)
    config = run.read_config().change(output={"keep_checkpoints": 1})
    state, _ = restored(run)
    assert state.counters.steps == 18
    state.counters.images_seen += 2
    save_checkpoint(run, config, state)
    (kept,) = run.checkpoints()
    assert int(kept.stem) == 18 * 4 + 2
    assert not oldest.exists()
    assert restored(run)[1] == []


def test_a_model_is_no_checkpoint(run):
    newest = run.checkpoints()[0]
    shutil.copy(run.snapshots()[0], newest)
    state, said = restored(run)
    assert "holds a model, wanted a checkpoint" in said[0]
    assert state.counters.steps == 19


def test_foreign_files_are_passed_over(run):
    newest = run.checkpoints()[0]
    save_file({"x": read_tensor_file(newest)[0]["path_mean"]}, newest)
    assert "not one of stylesmith's" in restored(run)[1][0]


def test_leftovers_of_a_killed_process_are_removed(run):
    leftovers = [run.path / "checkpoints" / ".000000099.4711.safetensors"]
    leftovers += [run.path / "samples" / ".000000099.4711.png"]
    kept = run.path / "samples" / ".mine"
    for path in (*leftovers, kept):
        path.write_bytes(b"half")
    resume(run, steps=21)
    assert not any(path.exists() for path in leftovers)
    assert kept.exists()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """As if the disk were full: no file may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_checkpoint_before(run):
    newest = run.checkpoints()[0]
    before = newest_state(run)
    failing = pytest.raises(OutputError, match=r"checkpoints/000000084\.safetensors")
    with largest_file(newest.stat().st_size // 2), failing as caught:
        resume(run, steps=21)
    assert "cannot be written" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert run.checkpoints()[0] == newest
    assert differing(newest_state(run)[0], before[0]) == []
    assert list(run.path.rglob(".*")) == []  # nothing half-written
    assert resume(run, steps=21) == []


def test_a_full_disk_while_logging_is_an_error_too(run):
    failing = pytest.raises(OutputError, match=r"log\.jsonl: the log cannot be written")
    with largest_file(run.log.stat().st_size + 100), failing:
        resume(run, steps=21)
    assert resume(run, steps=21) == []
    assert read_log(run.log)[-1]["images_seen"] == 84
