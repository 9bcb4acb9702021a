"""Five steps in a row that are not finite: back to a checkpoint once, then an end with advice."""

import math

import pytest

from stylesmith.errors import RunError
from stylesmith.models import RunFolder
from stylesmith.tensor_file import read_tensor_file
from stylesmith.training.log import read_log
from stylesmith.training.train_step import TrainStep
from tests import support
from tests.support import differing, newest_state

FAILS_FROM = 6
EVERY_STEP = "output.checkpoint_minutes=1e-9"


@pytest.fixture
def fail(monkeypatch):
    """Make discriminator passes fail from step 6 on, in these branches of the random keys."""
    real = TrainStep._discriminator_pass

    def install(*branches: int) -> None:
        def failing(self, share, batch):
            loss, stats = real(self, share, batch)
            bad = self.state.counters.steps >= FAILS_FROM and self.keys.branch in branches
            return (loss * math.nan if bad else loss), stats

        monkeypatch.setattr(TrainStep, "_discriminator_pass", failing)

    return install


@pytest.fixture
def drawn(monkeypatch) -> dict[tuple[int, int], list]:
    """The latents of each pass, by branch and step."""
    seen: dict[tuple[int, int], list] = {}
    real = TrainStep._latent_batch

    def draw(self, purpose, share):
        found = real(self, purpose, share)
        seen.setdefault((self.keys.branch, self.state.counters.steps), []).append(found.z)
        return found

    monkeypatch.setattr(TrainStep, "_latent_batch", draw)
    return seen


def events(run: RunFolder, name: str) -> list[dict]:
    return [record for record in read_log(run.log) if record["event"] == name]


def test_it_goes_back_once_and_goes_on_with_other_draws(photos, tmp_path, fail, drawn):
    fail(0)
    run = support.start(photos, tmp_path / "run", EVERY_STEP, steps=14)
    (back,) = events(run, "rollback")
    assert back["steps"] == FAILS_FROM  # the checkpoint before the first failure, not one after
    assert [r["steps"] for r in events(run, "dropped")] == [7, 8, 9, 10, 11]
    assert events(run, "stop")[-1]["reason"] == "its length is reached"
    assert all(r["img_per_sec"] > 0 for r in events(run, "progress"))
    tensors, header = newest_state(run)
    assert header["clocks"]["steps"] == 14
    assert header["clocks"]["rollbacks"] == 1
    assert (header["clocks"]["dropped"], header["clocks"]["dropped_in_row"]) == (5, 0)
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert {branch for branch, step in drawn if step == FAILS_FROM} == {0, 1}
    for first, second in zip(drawn[0, FAILS_FROM], drawn[1, FAILS_FROM], strict=True):
        assert not (first == second).any()


def test_it_stops_with_advice_when_it_fails_again(photos, tmp_path, fail):
    fail(0, 1)
    out = tmp_path / "run"
    with pytest.raises(RunError, match=r"training\.generator_lr") as caught:
        support.start(photos, out, EVERY_STEP, steps=30)
    assert caught.value.exit_status == 1
    assert "\n" not in str(caught.value)
    run = RunFolder(out)
    assert len(events(run, "rollback")) == 1
    assert len(events(run, "dropped")) == 10


def test_checkpoints_stay_whole_and_good(photos, tmp_path, fail):
    whole = support.start(photos, tmp_path / "whole", EVERY_STEP, steps=FAILS_FROM)
    fail(0, 1)
    with pytest.raises(RunError):
        support.start(photos, tmp_path / "run", EVERY_STEP, steps=30)
    run = RunFolder(tmp_path / "run")
    names = [path.name for path in run.checkpoints()]
    assert names == [path.name for path in whole.checkpoints()]
    for path in run.checkpoints():
        tensors, _ = read_tensor_file(path)
        assert differing(tensors, read_tensor_file(whole.path / "checkpoints" / path.name)[0]) == []


def test_a_single_bad_step_is_counted_and_nothing_else(photos, tmp_path, monkeypatch):
    real = TrainStep._discriminator_pass

    def failing(self, share, batch):
        loss, stats = real(self, share, batch)
        return (loss * math.nan if self.state.counters.steps in (2, 4) else loss), stats

    monkeypatch.setattr(TrainStep, "_discriminator_pass", failing)
    run = support.start(photos, tmp_path / "run", steps=8)
    assert [r["where"] for r in events(run, "dropped")] == ["step 2", "step 4"]
    assert events(run, "rollback") == []
    assert events(run, "progress")[-1]["dropped"] == 2
    assert newest_state(run)[1]["clocks"]["dropped"] == 2


def test_a_streak_survives_a_stop(photos, tmp_path, fail):
    """A run that is stopped in the middle of a streak counts on, and goes back all the same."""
    fail(0)
    run = support.start(photos, tmp_path / "run", steps=FAILS_FROM + 3)
    assert newest_state(run)[1]["clocks"]["dropped_in_row"] == 3
    support.resume(run, steps=14)
    assert len(events(run, "rollback")) == 1
    assert newest_state(run)[1]["clocks"]["steps"] == 14
