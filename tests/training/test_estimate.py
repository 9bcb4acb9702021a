import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from stylesmith import runs
from stylesmith.devices import FP32, Precision
from stylesmith.networks import build_discriminator, build_generator, parameter_count
from stylesmith.training import estimate, loss_passes
from stylesmith.training.estimate import choose_micro_batch, count_pass, estimate_phase
from stylesmith.training.schedule import Phase, Schedule
from tests.support import CPU, make_train_step, tiny_config


def phase_of(config) -> Phase:
    return Schedule(config, processes=1).at(0)


@pytest.mark.parametrize("precision", [FP32, Precision(torch.bfloat16)], ids=["fp32", "bf16"])
def test_operations_are_those_that_torch_counts(photos, precision):
    train_step = make_train_step(*tiny_config(photos))
    train_step.state.discriminator.requires_grad_(False)
    latents = train_step._latent_batch("generator", range(4))
    networks = loss_passes.Networks(
        train_step.state.generator, train_step.state.discriminator, precision
    )
    _, found = count_pass(lambda: loss_passes.generator_pass(networks, latents))
    with FlopCounterMode(display=False) as counter:
        loss_passes.generator_pass(networks, latents)[0].backward()
    assert found == counter.get_total_flops() > 0


def test_memory_is_what_a_pass_keeps(photos):
    train_step = make_train_step(*tiny_config(photos))
    kept = []
    for n in (1, 2, 4):
        latents = train_step._latent_batch("generator", range(n))
        kept.append(
            count_pass(
                lambda latents=latents: loss_passes.generator_pass(train_step.networks, latents)
            )[0]
        )
    assert kept[0] > 4 * 3 * 8 * 8
    per_image = (kept[2] - kept[1]) / 2
    assert kept[1] - kept[0] == pytest.approx(per_image, rel=0.02)  # weights are kept once


def test_memory_grows_with_the_micro_batch_and_the_networks(photos):
    config, _ = tiny_config(photos)
    small = estimate_phase(config, FP32, phase_of(config))
    assert (
        small.memory_bytes(8) - small.memory_bytes(4)
        == small.memory_bytes(12) - small.memory_bytes(8)
        > 0
    )
    widths = {"channel_base": 128, "max_channels": 16}
    wide = estimate_phase(
        config.change(generator=widths, discriminator=widths), FP32, phase_of(config)
    )
    assert 1.5 < wide.bytes_per_image / small.bytes_per_image < 2.5
    assert 2 < wide.flops_per_image / small.flops_per_image < 5
    weights = parameter_count(build_generator(config.generator))
    weights += parameter_count(build_discriminator(config.discriminator))
    assert small.fixed_bytes == 32 * weights


def test_lazy_passes_count_by_their_share(photos):
    config, _ = tiny_config(photos)

    def flops(**training) -> float:
        return estimate_phase(
            config.change(training=training), FP32, phase_of(config)
        ).flops_per_image

    bare = flops(r1_gamma=0.0, path_weight=0.0)
    often, rarely = (flops(r1_interval=n, path_weight=0.0) - bare for n in (1, 4))
    assert often > 0
    assert rarely == pytest.approx(often / 4)


@pytest.mark.parametrize(("free", "expected"), [(10**12, 16), (None, 16), (1, 1)])
def test_the_micro_batch_fits_into_free_memory(photos, monkeypatch, free, expected):
    monkeypatch.setattr(estimate, "free_memory", lambda device: free)
    config, _ = tiny_config(photos, "training.batch_size=16")
    assert choose_micro_batch(config, CPU).training.micro_batch == expected


@pytest.mark.parametrize(
    ("micro_batch", "said"), [(1, "it is off there"), (2, "it is taken over 2 images"), (4, None)]
)
def test_micro_batches_below_the_group_of_deviations_are_said(photos, micro_batch, said):
    config, _ = tiny_config(photos, f"training.micro_batch={micro_batch}")
    _, text = runs.plan(config, runs.RunOptions(device=CPU), dataset_images=None)
    assert ("smaller than the groups of 4 images" in text) == (said is not None)
    assert (said or "") in text


def test_half_the_memory_halves_the_micro_batch(photos, monkeypatch):
    config, _ = tiny_config(photos, "training.batch_size=16")
    needed = estimate_phase(config, FP32, phase_of(config)).memory_bytes(8)
    monkeypatch.setattr(estimate, "free_memory", lambda device: needed / 0.8 + 1)
    assert choose_micro_batch(config, CPU).training.micro_batch == 8


def test_a_micro_batch_that_is_set_stays(photos, monkeypatch):
    monkeypatch.setattr(estimate, "free_memory", lambda device: 1)
    config, _ = tiny_config(photos, "training.micro_batch=2")
    assert choose_micro_batch(config, CPU) == config
