"""Time of an average training step, lazy regularization included; shipped against plain.

The four passes are those of `stylesmith.training.loss_passes`; each includes its backward pass and
Adam. What differs between the forms is only how networks compute.
"""

import copy
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

import measure
from plain import PlainDiscriminator, PlainGenerator
from stylesmith.config import TrainingConfig
from stylesmith.devices import FP32
from stylesmith.latents import RandomKeys
from stylesmith.networks import (
    Generator,
    ResidualDiscriminator,
    build_discriminator,
    build_generator,
)
from stylesmith.training import loss_passes
from stylesmith.training.loss_passes import LatentBatch, Networks, Stats, make_latent_batch
from stylesmith.training.train_state import lazy_adam
from stylesmith.training.train_step import update_ema

Pass = Callable[[], tuple[Tensor, Stats]]


def step_parts(networks: Networks, setting: measure.Setting) -> dict[str, measure.Work]:
    """The passes of a step by name, each ready to be run again and again on the same input."""
    config, training = setting.case.config, setting.case.config.training
    draw = make_draw(setting, setting.case.batch)
    short = make_draw(setting, max(1, setting.case.batch // training.path_batch_shrink))
    shape = (config.generator.image_channels, *config.generator.size())
    reals = torch.randn(setting.case.batch, *shape, device=setting.device)
    directions = torch.randn(len(short.z), *shape, device=setting.device)
    target = torch.zeros((), device=setting.device)
    generator, discriminator = networks.generator, networks.discriminator
    average = copy.deepcopy(generator).requires_grad_(False)
    optimizer_g = lazy_adam(generator, training, lr=1e-5, interval=training.path_interval)
    optimizer_d = lazy_adam(discriminator, training, lr=1e-5, interval=training.r1_interval)
    move_g = mover(generator, discriminator, optimizer_g)
    move_d = mover(discriminator, generator, optimizer_d)
    keep = keeper(networks, optimizer_g, optimizer_d)
    return {
        "generator": lambda: move_g(lambda: loss_passes.generator_pass(networks, draw)),
        "path": lambda: move_g(
            lambda: loss_passes.path_pass(networks, short, directions, target, training)
        ),
        "discriminator": lambda: move_d(
            lambda: loss_passes.discriminator_pass(networks, reals, None, draw)
        ),
        "r1": lambda: move_d(lambda: loss_passes.r1_pass(networks, reals, None, training)),
        "average": lambda: update_ema(average, generator, 0.999),
        "undo": keep,
    }


def weights(training: TrainingConfig) -> dict[str, float]:
    """How often each part runs in an average step."""
    return {
        "generator": 1.0,
        "path": 1 / training.path_interval,
        "discriminator": 1.0,
        "r1": 1 / training.r1_interval,
        "average": 1.0,
        "undo": 1.0,
    }


def keeper(networks: Networks, *optimizers: torch.optim.Adam) -> measure.Work:
    """What the trainer copies before a step, to undo it if need be; the plain form has no such."""
    if isinstance(networks.generator, PlainGenerator):
        return lambda: None
    live = [
        tensor.detach()
        for optimizer in optimizers
        for parameter, moments in optimizer.state.items()
        for tensor in (parameter, *moments.values())
    ]
    kept = [torch.empty_like(tensor) for tensor in live]

    def keep() -> None:
        for copy_, tensor in zip(kept, live, strict=True):
            copy_.copy_(tensor)

    return keep


def mover(
    network: nn.Module, other: nn.Module, optimizer: torch.optim.Adam
) -> Callable[[Pass], None]:
    """A function that runs a pass and moves one network by its gradient."""

    def move(make_loss: Pass) -> None:
        network.requires_grad_(True)
        other.requires_grad_(False)
        optimizer.zero_grad()
        loss, _ = make_loss()
        loss.backward()
        optimizer.step()

    return move


def make_draw(setting: measure.Setting, batch: int) -> LatentBatch:
    """Latents and noise of one batch, styles mixed as in most steps."""
    return make_latent_batch(
        setting.case.config.generator,
        RandomKeys(0),
        "benchmark",
        0,
        range(batch),
        level=setting.case.config.generator.levels - 1,
        mixing_probability=1.0,
        label=None,
        device=setting.device,
    )


def build_forms(setting: measure.Setting) -> dict[str, Networks]:
    """The shipped networks in the machine's precision, and a plain copy of them in fp32."""
    generator = build_generator(setting.case.config.generator).to(setting.device)
    discriminator = build_discriminator(setting.case.config.discriminator).to(setting.device)
    forms = {"shipped": Networks(generator, discriminator, setting.precision)}
    if setting.case.compare:
        plain_generator = cast(Generator, PlainGenerator(generator))
        assert isinstance(discriminator, ResidualDiscriminator)
        plain_discriminator = cast(ResidualDiscriminator, PlainDiscriminator(discriminator))
        forms["plain"] = Networks(plain_generator, plain_discriminator, FP32)
    return forms


def run(setting: measure.Setting) -> dict[str, object]:
    """Measure one case."""
    forms = {form: step_parts(networks, setting) for form, networks in build_forms(setting).items()}
    flops = measure.count_flops(forms["shipped"])
    rounds = measure.alternate(forms, setting)
    return measure.report(setting, rounds, weights(setting.case.config.training), flops)


if __name__ == "__main__":
    measure.main(run, "Time an average training step, shipped against plain.")
