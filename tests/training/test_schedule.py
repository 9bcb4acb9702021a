"""The plan of a growing run, against the published tables, and what it refuses."""

import pytest

from stylesmith.config import DataConfig, RunConfig
from stylesmith.config.training import at_level
from stylesmith.errors import ConfigError, UsageError
from stylesmith.networks import Growth
from stylesmith.presets.own_presets import tiny
from stylesmith.training.schedule import Schedule, growth_at

EIGHT_GPUS = {4: 512, 8: 256, 16: 128, 32: 64, 64: 32}
ONE_GPU = {4: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4}
RATES = {4: 0.001, 128: 0.0015, 256: 0.002, 512: 0.003}
TICKS = {4: 160, 8: 140, 16: 120, 32: 100, 64: 80, 128: 60, 256: 40, 512: 30, 1024: 20}


def growing(size: int = 1024, *, kimg: float = 25000, **training) -> RunConfig:
    """StyleGAN's schedule, on networks too small to matter here."""
    return tiny(DataConfig(size=(size, size))).change(
        generator={"connection": "grow"},
        discriminator={"connection": "grow"},
        training={
            "kimg": kimg,
            "growth": {},
            "batch_size": {8: EIGHT_GPUS, 1: ONE_GPU},
            "generator_lr": RATES,
            "discriminator_lr": RATES,
            **training,
        },
        output={"log_kimg": TICKS},
    )


@pytest.mark.parametrize(
    ("kimg", "lod", "resolution", "batch", "one_gpu", "rate", "tick", "last_cutoff"),
    [
        (0, 7, 8, 256, 128, 0.001, 140, 3),
        (300, 7, 8, 256, 128, 0.001, 140, 3),
        (600, 7, 8, 256, 128, 0.001, 140, 3),
        (600.001, 7 - 1 / 600000, 16, 128, 128, 0.001, 120, 5),
        (900, 6.5, 16, 128, 128, 0.001, 120, 5),
        (1200, 6, 16, 128, 128, 0.001, 120, 5),
        (1800, 6, 16, 128, 128, 0.001, 120, 5),
        (4800, 3, 128, 32, 16, 0.0015, 60, 11),
        (8400, 0, 1024, 32, 4, 0.003, 20, 17),
        (9000, 0, 1024, 32, 4, 0.003, 20, 17),
    ],
)
def test_the_plan_is_the_published_one(
    kimg, lod, resolution, batch, one_gpu, rate, tick, last_cutoff
):
    config = growing()
    phase = Schedule(config, processes=1).at(round(kimg * 1000))
    level = phase.growth.level
    assert 8 - level + (1 - phase.growth.fade) == pytest.approx(lod, abs=1e-9)
    assert 4 << level == resolution
    assert phase.batch_size == batch
    assert (phase.generator_lr, phase.discriminator_lr) == (rate, rate)
    assert at_level(config.output.log_kimg, level, 8) == tick
    assert 2 * (level + 1) - 1 == last_cutoff
    alone = config.change(training={"reference_devices": 1})
    assert Schedule(alone, processes=1).at(round(kimg * 1000)).batch_size == one_gpu


def test_progan_starts_at_4_and_is_grown_at_9600():
    config = growing().change(training={"growth": {"start": 4}})
    assert growth_at(config.training, 9, 0) == Growth(0)
    assert growth_at(config.training, 9, 9_600_000) == Growth(8)
    assert growth_at(config.training, 9, 9_599_000).fade < 1
    assert config.training.growth.grown_kimg(9) == 9600


def test_the_processes_share_the_same_batches():
    config = growing().change(training={"micro_batch": 4})
    for processes in (1, 2, 8):
        schedule = Schedule(config, processes=processes)
        layout = schedule.at(0).layout
        assert (layout.batch_size, layout.micro_batch) == (256, 4)
        assert layout.accumulation == 64 // processes


def test_a_micro_batch_is_at_most_a_process_share():
    schedule = Schedule(growing().change(training={"micro_batch": 32}), processes=8)
    assert [phase.layout.micro_batch for phase in schedule.phases.values()] == [
        *(32, 16, 8),
        *[4] * 5,
    ]


def test_a_batch_that_the_processes_cannot_share_is_refused_before_the_start():
    with pytest.raises(UsageError, match="a batch of 256 cannot be shared by 3 processes"):
        Schedule(growing(), processes=3)


@pytest.mark.parametrize("kimg", [8400, 25000])
def test_images_by_level_are_those_of_the_plan(kimg):
    schedule = Schedule(growing(kimg=kimg), processes=1)
    found = schedule.images_by_level()
    assert sum(found.values()) == kimg * 1000
    counted = dict.fromkeys(found, 0)
    for images in range(0, kimg * 1000, 5000):
        counted[schedule.at(images + 2500).growth.level] += 5000
    assert counted == found


def test_without_growth_all_levels_are_in_use_all_the_time():
    schedule = Schedule(tiny(DataConfig(size=(32, 32))), processes=1)
    assert schedule.at(0) == schedule.at(10**9) == schedule.phases[3]
    assert schedule.images_by_level() == {3: 1000}
    assert schedule.repeats == 1 and schedule.at(0).penalty_scale == 1


def test_penalties_shrink_by_four_for_each_level_below_the_top():
    schedule = Schedule(growing(), processes=1)
    scales = [phase.penalty_scale for phase in schedule.phases.values()]
    assert scales == [4.0**-k for k in range(7, -1, -1)]


def test_scaling_keeps_the_proportions_of_every_phase_and_interval():
    whole, small = growing(), growing().scale_schedule(100)
    assert small.training.kimg == 100
    assert small.training.growth.train_kimg == small.training.growth.fade_kimg == 2.4
    assert small.output.log_kimg[8] == pytest.approx(140 / 250)
    assert small.output.snapshot_kimg == whole.output.snapshot_kimg / 250
    for kimg in (0, 300, 900, 2400.5, 8300, 20000):
        there = growth_at(whole.training, 9, round(kimg * 1000))
        here = growth_at(small.training, 9, round(kimg * 4))
        assert here.level == there.level and here.fade == pytest.approx(there.fade, abs=1e-9)


def test_fades_never_leave_0_to_1_whatever_the_phases():
    for kimg in (0.1, 0.3, 0.7, 1.1):
        config = growing(32, kimg=25000).change(
            training={"growth": {"train_kimg": kimg, "fade_kimg": kimg / 3}}
        )
        for images in range(4000):
            growth = growth_at(config.training, 4, images)
            assert 0 < growth.fade <= 1 and 1 <= growth.level <= 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"kimg": 100}}, "growing from 8 to 1024x1024 takes 8400 thousand images"),
        ({"training": {"growth": {"start": 2048}}}, "images of 1024x1024 have the levels 4, 8, 16"),
        ({"training": {"growth": {"start": 12}}}, "wanted the resolution of a level"),
        (
            {"generator": {"connection": "skip"}},
            "the generator's connection is skip, which doesn't",
        ),
        ({"discriminator": {"connection": "resid"}}, "the discriminator's connection is resid"),
        ({"training": {"reference_devices": 3}}, "batch_size has columns for 1, 8 GPUs"),
        ({"training": {"batch_size": {}}}, "training.batch_size: input should be a valid integer"),
        (
            {"training": {"batch_size": {8: {}}}},
            "training.batch_size: input should be a valid integer",
        ),
        ({"training": {"batch_size": {8: 0}}}, "training.batch_size: input should be greater"),
    ],
)
def test_schedules_that_do_not_fit_are_refused_in_one_line(changes, message):
    with pytest.raises(ConfigError) as caught:
        growing().change(**changes)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_tables_are_replaced_not_merged():
    config = growing().change(training={"batch_size": {4: 16}})
    assert config.training.batch_size == {4: 16}
    assert config.change(training={"batch_size": 8}).training.batch_size == 8


def test_a_schedule_survives_json():
    config = growing()
    assert RunConfig.from_json(config.model_dump_json(), source="x") == config
