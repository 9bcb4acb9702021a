"""A quantity that training carries is declared in one place, and nothing else needs to know it."""

import math
from pathlib import Path

import pytest
import torch

from stylesmith.config import RunConfig
from stylesmith.models import RunFolder
from stylesmith.tensor_file import read_tensor_file
from stylesmith.training import loss_passes, train_state
from stylesmith.training.log import read_log
from stylesmith.training.train_state import (
    TrainingQuantity,
    TrainState,
    restore_newest,
    save_checkpoint,
)
from tests.support import CPU, copies, differing, make_train_step, newest_state, start, tiny_config
from tests.training.test_processes import run_two
from tests.training.test_train_step import spoiled

STEPS = 5
NAMES = {"score_mean", "sign_window", "probability"}


def count_sign(state: TrainState, sign: torch.Tensor) -> None:
    """Add the mean sign of a step to the open window: their sum, and their number."""
    state.quantities["sign_window"].add_(torch.stack([sign, torch.ones_like(sign)]))


def adapt_probability(state: TrainState, sign: torch.Tensor) -> None:
    """Every second step, move the probability by the window's mean, and open a new window."""
    if state.counters.steps % 2:
        window, probability = state.quantities["sign_window"], state.quantities["probability"]
        probability.add_(0.125 * torch.sign(window[0] / window[1] - 0.6)).clamp_(0, 1)
        window.zero_()


DECLARED = (
    TrainingQuantity(
        "score_mean",
        stat="score_real",
        update=lambda state, score: state.quantities["score_mean"].lerp_(score, 0.5),
    ),
    TrainingQuantity(
        "sign_window",
        stat="sign_real",
        update=count_sign,
        initial=(0.0, 0.0),
        logged=False,
        log_stat=True,
    ),
    TrainingQuantity(
        "probability", stat="sign_real", update=adapt_probability, initial=0.5, log_stat=True
    ),
)


def declare() -> None:
    """Add the quantities of these tests to those of training."""
    known = train_state.training_quantities
    train_state.training_quantities = lambda config: (*known(config), *DECLARED)


@pytest.fixture
def declared(monkeypatch) -> None:
    """Declared for one test."""
    monkeypatch.setattr(train_state, "training_quantities", train_state.training_quantities)
    declare()


@pytest.mark.usefixtures("declared")
def test_a_quantity_follows_the_mean_of_its_stat_over_micro_batches(photos, monkeypatch):
    train_step = make_train_step(*tiny_config(photos, "training.micro_batch=2"))
    found, real = [], loss_passes.discriminator_pass

    def remember(*arguments, **augment):
        loss, stats = real(*arguments, **augment)
        found.append(stats)
        return loss, stats

    monkeypatch.setattr(loss_passes, "discriminator_pass", remember)
    logged = train_step.step()
    score, sign = (
        torch.stack([stats[name] for stats in found]).mean() for name in ("score_real", "sign_real")
    )
    quantities = train_step.state.quantities
    torch.testing.assert_close(quantities["score_mean"], score / 2)
    torch.testing.assert_close(quantities["sign_window"], torch.stack([sign, torch.tensor(1.0)]))
    assert "score_real" not in logged  # the quantity takes its place
    assert logged["sign_real"] == sign
    train_step.step()
    assert quantities["sign_window"].tolist() == [0, 0]
    assert quantities["probability"] in (0.375, 0.625)


@pytest.mark.usefixtures("declared")
def test_it_is_saved_and_restored(photos, tmp_path):
    config, dataset = tiny_config(photos)
    train_step, run = make_train_step(config, dataset), RunFolder(tmp_path)
    for _ in range(3):
        train_step.step()
    save_checkpoint(run, config, train_step.state)
    assert read_tensor_file(run.checkpoints()[0])[0].keys() >= NAMES
    state = TrainState.create(config, CPU)
    restore_newest(run, config, state, notify=pytest.fail)
    assert differing(state.tensors(), train_step.state.tensors()) == []
    assert state.quantities["sign_window"][1] == 1


def test_a_checkpoint_that_does_not_know_it_leaves_its_initial_value(photos, tmp_path, monkeypatch):
    config, dataset = tiny_config(photos)
    run = RunFolder(tmp_path)
    save_checkpoint(run, config, TrainState.create(config, CPU))
    monkeypatch.setattr(train_state, "training_quantities", train_state.training_quantities)
    declare()
    train_step = make_train_step(config, dataset)
    for _ in range(3):
        train_step.step()
    restore_newest(run, config, train_step.state, notify=pytest.fail)
    values = {name: train_step.state.quantities[name].tolist() for name in NAMES}
    assert values == {"score_mean": 0, "sign_window": [0, 0], "probability": 0.5}


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize("order", ["generator_first", "discriminator_first"])
def test_it_is_set_back_with_a_dropped_step(photos, monkeypatch, order):
    train_step = make_train_step(*tiny_config(photos, f"training.order={order}"))
    train_step.step()
    before = copies(train_step.state.tensors())
    assert all(math.isfinite(value) and value for value in before["sign_window"])
    with monkeypatch.context() as patch:
        spoil = spoiled(loss_passes.generator_pass, train_step, "loss")
        patch.setattr(loss_passes, "generator_pass", spoil)
        assert train_step.step() is None
    assert differing(train_step.state.tensors(), before) == []


@pytest.mark.usefixtures("declared")
def test_it_is_logged(photos, tmp_path):
    run = start(photos, tmp_path / "run", "output.log_kimg=0.012", steps=3)
    (record,) = [r for r in read_log(run.log) if r["event"] == "progress"]
    tensors, _ = newest_state(run)
    assert record["score_mean"] == float(tensors["score_mean"])
    assert record["probability"] == float(tensors["probability"])
    assert "sign_window" not in record and "score_real" not in record
    assert 0 <= record["sign_real"] <= 1


TRAIN = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.training.test_quantities import declare
from stylesmith.cli import main
declare()
main()
"""


@pytest.mark.slow
@pytest.mark.usefixtures("declared")
def test_two_processes_carry_the_same_value_as_one(photos, tmp_path, monkeypatch):
    words = ("train", photos, "--preset", "tiny", "--out", tmp_path / "two", "--device", "cpu")
    settings = ("--set", "training.micro_batch=2", "--set", f"training.kimg={4 * STEPS / 1000}")
    ended = run_two(TRAIN, *words, *settings)
    assert [status for status, _, _ in ended] == [0, 0], ended
    firsts, real = torch.zeros(()), loss_passes.discriminator_pass
    counter = iter(range(2 * STEPS))

    def remember(*arguments, **augment):
        loss, stats = real(*arguments, **augment)
        if next(counter) % 2 == 0:  # the half of the batch that the first process has
            firsts.lerp_(stats["score_real"], 0.5)
        return loss, stats

    monkeypatch.setattr(loss_passes, "discriminator_pass", remember)
    one = start(photos, tmp_path / "one", "training.micro_batch=2", steps=STEPS)
    (found, _), (expected, _) = newest_state(RunFolder(tmp_path / "two")), newest_state(one)
    for name in NAMES:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-3, atol=1e-5, msg=name)
    assert abs(found["score_mean"] - firsts) > 1e-2 * abs(firsts)


def test_quantities_do_not_depend_on_what_is_switched_on():
    """A run that is resumed with other settings still finds all of them in its checkpoint."""
    plain, changed = RunConfig(), RunConfig().change(training={"path_weight": 0.0})
    first, second = (train_state.training_quantities(config) for config in (plain, changed))
    assert [quantity.name for quantity in first] == [quantity.name for quantity in second]
