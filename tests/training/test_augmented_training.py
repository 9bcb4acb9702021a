"""Training with augmentation: which passes it changes, exact resume, and how its strength moves."""

import pytest
import torch
from torch.testing import assert_close

from stylesmith.config import apply_overrides
from stylesmith.errors import ConfigError
from stylesmith.training.log import read_log
from tests import support
from tests.support import differing, make_train_step, newest_state, resume, start, tiny_config

ADA = ['training.augment={"kind": "ada", "groups": "bgc"}']
FIXED = [*ADA, "training.strength.signal=fixed", "training.strength.initial=0.7"]
FAST = [*ADA, "training.strength.kimg=0.1", "training.strength.target=-0.9"]
BY_HELD_OUT = [*FAST, "training.strength.signal=r_v", "data.hold_out=6"]
NO_STDDEV = ["discriminator.stddev_group=1", "training.path_weight=0"]
DIFF = ['training.augment={"kind": "diffaugment"}', *FIXED[1:]]


def stepped(photos, *settings, steps=2):
    config, dataset = tiny_config(photos, *settings, steps=8)
    step = make_train_step(config, dataset)
    return step, [step.step() for _ in range(steps)]


def weights(step):
    return {name: tensor.clone() for name, tensor in step.state.tensors().items()}


def test_nothing_changes_at_strength_0(photos):
    plain, still, strong = (weights(stepped(photos, *more)[0]) for more in ([], ADA, FIXED))
    for name, tensor in plain.items():  # up to rounding: the images lie in memory differently
        assert_close(still[name], tensor, atol=1e-5, rtol=1e-4, msg=name)
    weight = "discriminator.epilogue.hidden.weight"
    assert (strong[weight] - plain[weight]).abs().max() > 1e-3


@pytest.mark.parametrize("settings", [FIXED, DIFF], ids=["ada", "diffaugment"])
def test_every_pass_of_the_discriminator_sees_augmented_images(photos, settings, monkeypatch):
    step, _ = stepped(photos, *settings, steps=0)
    seen, real = [], step.augmenter.augmentation.apply

    def apply(images, draws, strength):
        seen.append((images.shape, float(strength), images.requires_grad))
        return real(images, draws, strength)

    monkeypatch.setattr(type(step.augmenter.augmentation), "apply", lambda _, *rest: apply(*rest))
    step.step()
    generator, fakes, reals, r1 = seen
    assert {shape for shape, *_ in seen} == {(4, 3, 8, 8)}
    assert [found[1] for found in seen] == pytest.approx([0.7] * 4)
    assert [found[2] for found in (generator, fakes, reals, r1)] == [True, False, False, True]


def test_images_get_their_own_numbers_in_each_pass_and_step(photos):
    step, _ = stepped(photos, *FIXED, steps=0)
    images = [torch.randn(4, 3, 8, 8)]
    keys = [("reals", 0), ("fakes", 0), ("r1", 0), ("generator", 0), ("reals", 1)]
    found = [
        step.augmenter.images(purpose, number, range(4))(images)[0] for purpose, number in keys
    ]
    assert all((a != b).any() for i, a in enumerate(found) for b in found[:i])
    alone = step.augmenter.images("reals", 0, range(2, 3))([images[0][2:3]])[0]
    assert_close(alone[0], found[0][2], atol=1e-5, rtol=0)


def test_micro_batches_do_not_change_a_step(photos):
    parts = weights(stepped(photos, *FIXED, "training.micro_batch=2", *NO_STDDEV)[0])
    whole = weights(stepped(photos, *FIXED, *NO_STDDEV)[0])
    for name, tensor in whole.items():
        assert_close(tensor, parts[name], atol=2e-4, rtol=1e-3, msg=name)


def test_strength_follows_the_signs_of_training_images(photos):
    up, _ = stepped(photos, *FAST, steps=8)  # r_t is above -0.9: two windows of 16 images
    assert float(up.state.quantities["augment_p"]) == pytest.approx(2 * 16 / 100)
    down, _ = stepped(photos, *FAST[:2], "training.strength.target=1", steps=8)
    assert float(down.state.quantities["augment_p"]) == 0
    fixed, _ = stepped(photos, *FIXED, steps=8)
    assert float(fixed.state.quantities["augment_p"]) == pytest.approx(0.7)


@pytest.mark.parametrize("settings", [FAST, BY_HELD_OUT, FIXED, DIFF], ids=str)
def test_a_run_goes_on_to_the_bit_from_within_a_window(photos, tmp_path, settings):
    whole = start(photos, tmp_path / "whole", *settings, steps=11)
    parts = start(photos, tmp_path / "parts", *settings, steps=6)
    resume(parts, steps=11)
    assert differing(newest_state(whole)[0], newest_state(parts)[0]) == []
    progress = [record for record in read_log(whole.log) if record["event"] == "progress"]
    assert all("augment_p" in record for record in progress)


def test_a_dropped_step_leaves_strength_and_window(photos):
    step, _ = stepped(photos, *FAST, steps=3)
    before = {name: step.state.quantities[name].clone() for name in ("augment_p", "augment_window")}
    assert before["augment_window"][2] > 0
    with torch.no_grad():
        next(step.state.discriminator.parameters()).fill_(float("inf"))
    assert step.step() is None  # the fourth, which would end the window
    for name, value in before.items():
        assert torch.equal(step.state.quantities[name], value)


def test_runs_without_augmentation_do_not_log_its_strength(photos, tmp_path):
    run = start(photos, tmp_path / "run", steps=4)
    assert not any("augment_p" in record for record in read_log(run.log))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([*FAST, "training.strength.signal=r_v"], "wanted held-out images"),
        ([*FAST, "training.loss=wgan_gp"], "no meaningful sign"),
        (['training.augment={"kind": "ada", "groups": "bgz"}'], "unknown group 'bgz'"),
        ([*FIXED, "training.strength.initial=1.5"], "less than or equal to 1"),
    ],
)
def test_what_cannot_be_augmented_is_one_line(photos, settings, message):
    config, _ = tiny_config(photos)
    with pytest.raises(ConfigError, match=message) as error:
        apply_overrides(config, settings)
    assert "\n" not in str(error.value)


def test_a_fixed_strength_holds_from_a_resume_on(photos, tmp_path):
    run = start(photos, tmp_path / "run", *FAST, steps=4)
    resume(run, *FIXED, steps=8)
    progress = [record for record in read_log(run.log) if record["event"] == "progress"]
    assert progress[0]["augment_p"] < 0.5 and progress[-1]["augment_p"] == pytest.approx(0.7)


def test_held_out_images_set_the_strength_of_wgan_gp_too(photos):
    settings = ["training.loss=wgan_gp", "training.r1_gamma=0", "training.strength.guard=0"]
    step, _ = stepped(photos, *BY_HELD_OUT, *settings, steps=0)
    step.held_out = step.loader
    assert all(step.step() for _ in range(4))
    assert float(step.state.quantities["augment_p"]) == pytest.approx(16 / 100)


def test_checkpoints_of_before_begin_without_augmentation(photos, tmp_path):
    run = start(photos, tmp_path / "run", steps=4)
    said = resume(run, *ADA, steps=8)
    assert said == []
    assert support.newest_state(run)[1]["clocks"]["steps"] == 8
