"""The twelve main rows of both papers learn at 32x32, through every level, with one resume."""

import pytest
import torch

from stylesmith import runs
from stylesmith.config import RunConfig
from stylesmith.data.avatars import make_avatars
from stylesmith.data.dataset import Dataset, open_dataset
from stylesmith.models import RunFolder
from stylesmith.presets import find_preset
from stylesmith.training.recorder import Preview
from stylesmith.training.train_state import TrainState, restore_newest, save_checkpoint
from tests.support import CPU, make_train_step

ROWS = [f"{paper}-{row}" for paper in ("stylegan", "stylegan2") for row in "abcdef"]
BATCH = 8
PHASE = 40
"""Steps of training at a level, and of fading."""


@pytest.fixture(scope="module")
def avatars(tmp_path_factory) -> Dataset:
    path = tmp_path_factory.mktemp("avatars") / "avatars.zip"
    make_avatars(path, count=300, size=32)
    return open_dataset(path)


def small(name: str, dataset: Dataset) -> RunConfig:
    """A row with at most 64 channels, small steps' worth of levels, and rates to match."""
    data = runs.make_data_config(
        dataset, conditional=False, mirror=False, skip_bad=False, resize=False
    )
    config = find_preset(name).build(data, CPU)
    kimg = PHASE * BATCH / 1000
    growth = config.training.growth and {"train_kimg": kimg, "fade_kimg": kimg}
    return config.change(
        generator={"max_channels": 64},
        discriminator={"max_channels": 64},
        training={
            "growth": growth,
            "batch_size": BATCH,
            "r1_gamma": 0.1 if config.training.r1_gamma else 0.0,
            "ema_kimg": 0.3,
        },
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_row_learns_through_every_level(name, avatars, tmp_path):
    config = small(name, avatars)
    growth, levels = config.training.growth, config.generator.levels
    grown = round(growth.grown_kimg(levels) * 1000 / BATCH) if growth else 0
    steps, half, run = grown + 3 * PHASE, (grown + PHASE) // 2, RunFolder(tmp_path)
    train_step, seen = make_train_step(config, avatars), set()
    for step in range(steps):
        if step == half:
            save_checkpoint(run, config, train_step.state)
            state = TrainState.create(config, CPU)
            restore_newest(run, config, state, notify=pytest.fail)
            train_step = make_train_step(config, avatars, state=state)
        stats = train_step.step()
        assert stats is not None, f"step {step} was not finite"
        assert all(value.isfinite() for value in stats.values())
        seen.add((train_step.phase.growth.level, train_step.phase.growth.fade < 1))
    first = growth.start_level if growth else levels - 1
    fading = {(level, True) for level in range(first + 1, levels)}
    assert seen == {(level, False) for level in range(first, levels)} | fading
    preview = Preview.from_dataset(config, avatars)
    samples = preview.samples(train_step.state.ema)
    assert torch.isfinite(samples).all()
    scores, fresh = preview.compare_with_reals(samples), TrainState.create(config, CPU).ema
    untrained = preview.compare_with_reals(preview.samples(fresh))
    assert scores["color_distance"] < untrained["color_distance"]
    assert scores["diversity"] > 0.1
