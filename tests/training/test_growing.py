"""Training level by level: what moves when, exact resume on the way, and models of any level."""

import json

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch.testing import assert_close

import stylesmith
from stylesmith import runs
from stylesmith.config import RunConfig
from stylesmith.data.dataset import Dataset, open_dataset
from stylesmith.errors import ModelError
from stylesmith.models import RunFolder
from stylesmith.networks import Growth, build_discriminator, match_growth
from stylesmith.presets.own_presets import tiny
from stylesmith.tensor_file import read_tensor_file, write_tensor_file
from stylesmith.training import loss_passes, losses
from stylesmith.training.log import read_log
from stylesmith.training.train_state import TrainState, restore_newest, save_checkpoint
from stylesmith.training.train_step import TrainStep
from stylesmith.training.trainer import RunLimits
from tests.support import CPU, copies, differing, make_photos, make_train_step

PHASE = 4
"""Steps of training at a level, and of fading."""
LAST = 5 * PHASE + 1
KINDS = {
    "traditional": {"kind": "traditional", "constant_input": False},
    "adain": {"kind": "adain"},
    "modulated": {},
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("grow") / "photos", size=16)


def growing(photos, kind="modulated", **training) -> tuple[RunConfig, Dataset]:
    """Three levels from 4x4, with a schedule read at every other step."""
    dataset = open_dataset(photos)
    data = runs.make_data_config(
        dataset, conditional=False, mirror=False, skip_bad=False, resize=False
    )
    kimg = PHASE * 4 / 1000
    growth = {"start": 4, "train_kimg": kimg, "fade_kimg": kimg, "repeats": 2}
    config = tiny(data).change(
        generator={"connection": "grow", **KINDS[kind]},
        discriminator={"connection": "grow"},
        training={"growth": growth, "style_mixing": 1.0, **training},
    )
    return config, dataset


def walk(train_step: TrainStep, steps: int) -> None:
    while train_step.state.counters.steps < steps:
        assert train_step.step() is not None


def adam_steps(train_step: TrainStep) -> set[int]:
    optimizer = train_step.state.discriminator_optimizer
    return {int(moments["step"]) for moments in optimizer.state.values()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["logistic", "wgan_gp"])
def test_every_phase_is_passed_with_finite_numbers(photos, kind, loss):
    train_step = make_train_step(*growing(photos, kind, loss=loss))
    seen = []
    for _ in range(LAST):
        stats = train_step.step()
        assert stats is not None and all(value.isfinite() for value in stats.values())
        seen.append((train_step.phase.growth.level, train_step.phase.growth.fade))
    at = {step: phase for step, phase in enumerate(seen)}
    assert at[0] == at[4] == at[5] == (0, 1.0)  # at its very end a phase still holds
    assert at[6] == at[7] == (1, 0.5)
    assert at[8] == at[13] == (1, 1.0)
    assert at[14] == at[15] == (2, 0.5)
    assert at[16] == at[20] == (2, 1.0)


@pytest.mark.parametrize("stop", [1, 5, 6, 7, 8, 9, 14, 15, 17])
@pytest.mark.parametrize("kind", ["adain", "modulated"])
def test_resume_is_exact_within_fades_and_across_levels(photos, tmp_path, kind, stop):
    config, dataset = growing(photos, kind)
    whole = make_train_step(config, dataset)
    walk(whole, LAST)
    broken = make_train_step(config, dataset)
    walk(broken, stop)
    run = RunFolder(tmp_path)
    save_checkpoint(run, config, broken.state)
    state = TrainState.create(config.change(training={"seed": 99}), CPU)
    restore_newest(run, config, state, notify=pytest.fail)
    resumed = make_train_step(config, dataset, state=state)
    walk(resumed, LAST)
    assert differing(whole.state.tensors(), resumed.state.tensors()) == []
    assert whole.state.counters == resumed.state.counters


def test_levels_that_are_not_in_use_stay_and_their_average_with_them(photos):
    train_step = make_train_step(*growing(photos))
    state, start = train_step.state, copies(train_step.state.tensors())

    def moved(prefix: str) -> bool:
        names = [name for name in start if name.startswith(prefix) and "noise_" not in name]
        assert names
        now = state.tensors()
        return any(not torch.equal(start[name], now[name]) for name in names)

    walk(train_step, 6)
    assert moved("generator.synthesis.blocks.0") and moved("discriminator.from_rgb.2")
    for level, entered in ((1, 8), (2, 16)):
        for network in ("generator", "ema"):
            assert not moved(f"{network}.synthesis.blocks.{level}")
        assert not moved(f"discriminator.from_rgb.{2 - level}")
        walk(train_step, entered)
        for network in ("generator", "ema"):
            assert moved(f"{network}.synthesis.blocks.{level}")
        assert moved(f"discriminator.from_rgb.{2 - level}")


def test_adam_starts_anew_when_a_level_enters_and_when_its_fade_ends(photos):
    config, dataset = growing(photos, r1_interval=1)
    train_step, counts = make_train_step(config, dataset), []
    for _ in range(LAST):
        train_step.step()
        counts.append(adam_steps(train_step))
    resets = [step for step in range(1, LAST) if counts[step] == {1}]
    assert resets == [6, 8, 14, 16]


def test_a_penalty_of_every_step_shares_the_step_of_the_loss(photos):
    config, dataset = growing(photos, r1_interval=1, path_interval=1)
    train_step = make_train_step(config, dataset)
    assert train_step.state.discriminator_optimizer.param_groups[0]["lr"] == 0.002
    stats = train_step.step()
    assert {"r1", "path_penalty", "loss_d", "loss_g"} <= stats.keys()
    assert adam_steps(train_step) == {1}
    lazy = make_train_step(*growing(photos, r1_interval=2, path_interval=2))
    lazy.step()
    assert adam_steps(lazy) == {2}


def test_batches_and_rates_follow_the_level(photos):
    config, dataset = growing(
        photos,
        batch_size={4: 8, 8: 4},
        generator_lr={4: 0.001, 8: 0.004},
        r1_interval=16,
        path_weight=0,
    )
    train_step = make_train_step(config, dataset)
    asked, real = [], train_step.loader.load_batch
    train_step.loader.load_batch = lambda positions, upcoming: (
        asked.append(len(positions)) or real(positions, upcoming)
    )
    rates = []
    for _ in range(8):
        train_step.step()
        rates.append(train_step.state.generator_optimizer.param_groups[0]["lr"])
    assert asked == [8, 8, 8, 8, 4, 4, 4, 4]
    assert rates == [0.001] * 4 + [0.004] * 4
    assert train_step.state.counters.images_seen == sum(asked)


def test_styles_are_mixed_among_the_layers_in_use(photos):
    train_step = make_train_step(*growing(photos))
    cutoffs = {0: set(), 1: set(), 2: set()}
    for level in cutoffs:
        train_step._apply_phase(train_step.schedule.phases[level])
        for step in range(60):
            train_step.state.counters.steps = step
            latents = train_step._latent_batch("generator", range(1))
            cutoffs[level].add(latents.cutoff)
            assert len(latents.noise) == 2 * level + 1
    assert cutoffs == {0: {1}, 1: {1, 2, 3}, 2: {1, 2, 3, 4, 5}}


@pytest.mark.parametrize("growth", [Growth(0), Growth(1), Growth(1, 0.25), Growth(2, 0.75)])
def test_penalties_are_those_of_the_full_size_images(photos, growth):
    """At low levels ProGAN's critic averages full-size images with repeated pixels back."""
    config, _ = growing(photos)
    critic = build_discriminator(config.discriminator)
    reals = torch.randn(3, 3, 16, 16)
    below = 2 - growth.level
    native = match_growth(reals, 2, growth).requires_grad_()
    small = losses.squared_gradients(critic(native, growth=growth), [native])
    large = F.interpolate(native.detach(), scale_factor=2**below).requires_grad_()
    averaged = F.avg_pool2d(large, 2**below)
    full = losses.squared_gradients(critic(averaged, growth=growth), [large])
    assert_close(small * 0.25**below, full, rtol=1e-4, atol=1e-9)


def test_path_lengths_count_layers_that_are_not_in_use_as_zero(photos):
    train_step = make_train_step(*growing(photos))
    train_step._apply_phase(train_step.schedule.phases[1])
    latents = train_step._latent_batch("path", range(2))
    _, ws = loss_passes.map_and_mix(train_step.networks.generator, latents)
    image = train_step.networks.generate(ws, latents)[-1]
    directions = torch.randn_like(image)
    lengths = losses.path_lengths(image, ws, directions)
    (gradient,) = torch.autograd.grad((image * directions).sum() / 8, ws)
    used, unused = gradient[:, :4], gradient[:, 4:]
    assert ws.shape[1] == 6 and not unused.any() and used.any()
    assert_close(lengths, (used.square().sum(dim=(1, 2)) / 6).sqrt())


def test_a_run_draws_and_logs_its_level_on_the_way_and_is_used_at_it(photos, tmp_path):
    config, dataset = growing(photos)
    config = config.change(
        training={"kimg": 5 * PHASE * 4 / 1000},
        output={"log_kimg": 0.004, "grid_kimg": 0.016, "checkpoint_minutes": 1e-9},
    )
    out = tmp_path / "run"
    runs.start(config, dataset, out, runs.RunOptions(device=CPU, limits=RunLimits()), notify=str)
    run = RunFolder(out)
    progress = [r for r in read_log(run.log) if r["event"] == "progress"]
    assert {(r["resolution"], r["fade"]) for r in progress} == {
        *((4, 1.0), (8, 0.5), (8, 1.0), (16, 0.5), (16, 1.0)),
    }
    sizes = set()
    for path in (out / "samples").glob("*.png"):
        with Image.open(path) as grid:
            sizes.add(grid.size)
    assert len(sizes) == 1
    assert stylesmith.load(out).sample([0]).shape[-2:] == (16, 16)


@pytest.mark.parametrize(("steps", "side"), [(2, 4), (7, 8), (9, 8)])
def test_a_network_trained_to_a_level_is_saved_and_used_at_it(photos, tmp_path, steps, side):
    config, dataset = growing(photos)
    train_step = make_train_step(config, dataset)
    walk(train_step, steps)
    run = RunFolder(tmp_path)
    save_checkpoint(run, config, train_step.state)
    loaded = stylesmith.load(run.checkpoints()[0])
    assert loaded.image_size == (side, side)
    image = loaded.sample([3])
    assert torch.equal(image, train_step.state.ema.sample([3]))
    assert torch.equal(image, loaded.sample([3], growth=train_step.phase.growth))
    assert loaded.sample([3], growth=Growth(2)).shape[-1] == 16


@pytest.mark.parametrize("growth", [{"level": 7, "fade": 1.0}, {"level": 1}, {"stage": 1}])
def test_a_header_with_an_impossible_level_is_damaged(photos, tmp_path, growth):
    config, dataset = growing(photos)
    train_step = make_train_step(config, dataset)
    run = RunFolder(tmp_path)
    save_checkpoint(run, config, train_step.state)
    (path,) = run.checkpoints()
    tensors, header = read_tensor_file(path)
    kind = header.pop("kind")
    header.pop("version")
    header = json.loads(json.dumps(header)) | {"growth": growth}
    write_tensor_file(path, tensors, header, kind=kind)
    if growth == {"level": 1}:  # a fade that is not said is over
        assert stylesmith.load(path).image_size == (8, 8)
        return
    with pytest.raises(ModelError, match="its growth"):
        stylesmith.load(path)
