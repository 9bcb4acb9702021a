"""A run that stops and goes on equals a run that never stopped, bit for bit."""

import pytest

from stylesmith import runs
from stylesmith.config import apply_overrides
from stylesmith.errors import DataError, ModelError, UsageError
from stylesmith.models import RunFolder
from stylesmith.training.log import read_log
from stylesmith.training.train_state import TrainState, restore_newest
from tests import support
from tests.support import CPU, differing, newest_state, resume, start, stylesmith

STEPS = 13
PLAIN: dict = {}
EVERYTHING = {
    "conditional": True,
    "mirror": True,
    "settings": [
        "training.precision=bf16",
        "training.style_mixing=0.9",
        "training.path_interval=3",
        "training.micro_batch=2",
        "training.order=discriminator_first",
        "training.ema_rampup=0.5",
    ],
}


def begin(photos, out, options: dict, *, steps: int) -> RunFolder:
    options = dict(options)
    return start(photos, out, *options.pop("settings", []), steps=steps, **options)


def assert_same_end(first: RunFolder, second: RunFolder) -> None:
    (tensors, header), (others, other_header) = newest_state(first), newest_state(second)
    assert header["clocks"]["steps"] == STEPS
    assert header == other_header
    assert differing(tensors, others) == []


@pytest.mark.parametrize(
    "options",
    [pytest.param(PLAIN, marks=pytest.mark.slow), EVERYTHING],
    ids=["plain", "everything"],
)
def test_a_fresh_process_goes_on_to_the_bit(photos, tmp_path, one_thread, options):
    whole = begin(photos, tmp_path / "whole", options, steps=STEPS)
    parted = begin(photos, tmp_path / "parted", options, steps=5)
    assert differing(newest_state(whole)[0], newest_state(parted)[0]) != []
    result = stylesmith("train", "--resume", parted.path, "--kimg", support.kimg(STEPS))
    assert result.status == 0, result.err
    assert "exact" not in result.out  # nothing stood in the way of exactness
    assert_same_end(whole, parted)


def test_any_number_of_stops_makes_no_difference(photos, tmp_path):
    whole = begin(photos, tmp_path / "whole", PLAIN, steps=STEPS)
    parted = begin(photos, tmp_path / "parted", PLAIN, steps=1)
    for steps in (2, 5, 6, 11, STEPS):
        resume(parted, steps=steps)
    assert_same_end(whole, parted)


def test_another_seed_makes_a_difference(photos, tmp_path):
    """Otherwise the tests above would pass for runs that learn nothing from their draws."""
    states = []
    for seed in (0, 1):
        config, dataset = support.tiny_config(photos, f"training.seed={seed}")
        train_step = support.make_train_step(config, dataset, state=TrainState.create(config, CPU))
        train_step.step()
        states.append(train_step.state.tensors())
    assert "path_mean" in differing(*states)


def test_layouts_survive_a_restore(photos, finished_run):
    """Weights and Adam's moments stay channels last, on which speed and bits depend."""
    config = finished_run.read_config()
    state, fresh = (TrainState.create(config, CPU) for _ in range(2))
    restore_newest(finished_run, config, state, notify=lambda text: None)
    strides = {name: tensor.stride() for name, tensor in state.tensors().items()}
    assert strides == {name: tensor.stride() for name, tensor in fresh.tensors().items()}
    kernels = ["synthesis.blocks.1.conv0.weight", "synthesis.blocks.1.conv1.weight"]
    for name in kernels:
        for key in (f"generator.{name}", f"ema.{name}", f"generator_optimizer.{name}.exp_avg_sq"):
            assert strides[key][1] == 1
            assert state.tensors()[key].any()


def test_the_log_goes_on_where_the_checkpoint_was(photos, tmp_path):
    run = start(photos, tmp_path / "run", steps=8)
    resume(run, steps=12)
    records = read_log(run.log)
    assert [r["resumed"] for r in records if r["event"] == "start"] == [False, True]
    seen = [r["images_seen"] for r in records if r["event"] == "progress"]
    assert seen == sorted(set(seen))
    assert seen[-1] == 48


def test_settings_of_learning_may_change_and_are_kept(photos, tmp_path):
    run = start(photos, tmp_path / "run", steps=2)
    resume(run, "training.generator_lr=0.001", steps=4)
    assert run.read_config().training.generator_lr == 0.001


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        ("generator.max_channels=4", "generator"),
        ("discriminator.stddev_features=0", "discriminator"),
        ("data.mirror=true", "data"),
    ],
)
def test_networks_and_data_may_not_change(photos, finished_run, setting, part):
    config = apply_overrides(finished_run.read_config(), [setting])
    with pytest.raises(ModelError, match=f"resumed with the {part} it was started with"):
        runs.check_resumable(finished_run, config)


def test_a_checkpoint_of_other_networks_is_refused(photos, finished_run):
    config = finished_run.read_config().change(generator={"max_channels": 4})
    state = TrainState.create(config, CPU)
    with pytest.raises(ModelError, match="another generator"):
        restore_newest(finished_run, config, state, notify=lambda text: None)


def test_changed_data_is_refused(tmp_path):
    photos = support.make_photos(tmp_path / "photos")
    run = start(photos, tmp_path / "run", steps=2)
    before = newest_state(run)
    support.make_photos(photos, count=17)
    with pytest.raises(DataError, match="has changed since the run started"):
        resume(run, steps=4)
    assert newest_state(run)[1] == before[1]


@pytest.mark.parametrize("damage", ["log", "micro_batch"])
def test_what_is_refused_leaves_the_run_as_it_was(photos, tmp_path, damage):
    run = start(photos, tmp_path / "run", steps=2)
    if damage == "log":
        run.log.write_bytes(b"[" * 100_000 + b"\n" + run.log.read_bytes())
        settings, error = ["training.generator_lr=0.001"], ModelError
    else:
        settings, error = ["training.micro_batch=3"], UsageError
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(error):
        resume(run, *settings, steps=4)
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def test_other_arithmetic_is_said(photos, finished_run):
    config = finished_run.read_config().change(training={"precision": "bf16"})
    said: list[str] = []
    restore_newest(finished_run, config, TrainState.create(config, CPU), notify=said.append)
    (line,) = said
    assert "precision was float32 and is bfloat16" in line
    assert "not exact to the bit" in line
