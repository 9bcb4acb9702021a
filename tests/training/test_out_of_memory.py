"""A step that runs out of memory is undone, and made with smaller micro-batches or not at all."""

from collections.abc import Callable

import pytest
import torch

from stylesmith import runs
from stylesmith.errors import RunError
from stylesmith.models import RunFolder
from stylesmith.training.train_step import TrainStep
from tests import support
from tests.support import CPU, differing, newest_state, tiny_config

FAILS_AT = 2
"""The first step in which memory is short, after the generator has moved."""
ERRORS = [
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
]


@pytest.fixture
def limit_memory(monkeypatch) -> Callable[..., None]:
    """`limit_memory(2, error)`: later steps have memory for so many images at once."""
    real = TrainStep._discriminator_pass

    def install(most: int, error: Exception = ERRORS[0]) -> None:
        def limited(self, indices, batch):
            if self.state.counters.steps >= FAILS_AT and len(indices) > most:
                raise error
            return real(self, indices, batch)

        monkeypatch.setattr(TrainStep, "_discriminator_pass", limited)

    return install


def start(photos, out, *settings: str, said: list[str], steps: int = 5) -> RunFolder:
    config, dataset = tiny_config(photos, *settings, steps=steps)
    runs.start(config, dataset, out, runs.RunOptions(device=CPU), notify=said.append)
    return RunFolder(out)


@pytest.fixture
def by_hand(photos, tmp_path) -> RunFolder:
    """A run whose micro-batch was halved between two sessions."""
    run = support.start(photos, tmp_path / "hand", "training.micro_batch=4", steps=FAILS_AT)
    support.resume(run, "training.micro_batch=2", steps=5)
    return run


@pytest.mark.parametrize("error", ERRORS, ids=["gpu", "cpu"])
def test_an_automatic_micro_batch_is_halved_and_the_step_made_again(
    photos, tmp_path, limit_memory, by_hand, error
):
    limit_memory(2, error)
    run = start(photos, tmp_path / "run", said=[])
    assert run.read_config().training.micro_batch == 2
    found, header = newest_state(run)
    assert header["config"]["training"]["micro_batch"] == 2
    assert differing(found, newest_state(by_hand)[0]) == []


def test_a_resumed_run_keeps_what_was_found(photos, tmp_path, limit_memory, by_hand):
    limit_memory(2)
    run = start(photos, tmp_path / "run", said=[], steps=3)
    support.resume(run, steps=5)
    assert differing(newest_state(run)[0], newest_state(by_hand)[0]) == []


def test_a_micro_batch_that_was_set_ends_the_run_with_the_setting(
    photos, tmp_path, limit_memory, by_hand
):
    limit_memory(2)
    with pytest.raises(RunError) as caught:
        start(photos, tmp_path / "run", "training.micro_batch=4", said=[])
    run = RunFolder(tmp_path / "run")
    assert str(caught.value) == (
        "out of memory with micro-batches of 4 images; the state is saved. Go on with fewer images "
        f"at once: stylesmith train --resume {run.path} --set training.micro_batch=2"
    )
    support.resume(run, "training.micro_batch=2", steps=5)
    assert differing(newest_state(run)[0], newest_state(by_hand)[0]) == []


def test_one_image_that_is_too_large_ends_the_run(photos, tmp_path, limit_memory):
    limit_memory(0)
    with pytest.raises(RunError, match=r"batches of 1 images; the state is saved\. Go on wh"):
        start(photos, tmp_path / "run", said=[])
    assert newest_state(RunFolder(tmp_path / "run"))[1]["clocks"]["steps"] == FAILS_AT


def test_a_growing_run_halves_the_levels_that_are_too_large(photos, tmp_path, limit_memory):
    limit_memory(2)
    growing = (
        "generator.connection=grow",
        "discriminator.connection=grow",
        'training.growth={"start": 4, "train_kimg": 0.008, "fade_kimg": 0.004, "repeats": 1}',
    )
    run = start(photos, tmp_path / "run", *growing, said=[], steps=6)
    assert run.read_config().training.at_level("micro_batch", 1) == 2
    assert newest_state(run)[1]["clocks"]["steps"] == 6


def test_other_errors_are_not_taken_for_it(photos, tmp_path, limit_memory):
    limit_memory(2, RuntimeError("sizes do not match"))
    with pytest.raises(RuntimeError, match="sizes do not match"):
        start(photos, tmp_path / "run", said=[])
