"""The four passes of a training step: the only room where generator, discriminator and losses meet.

Each function computes the loss of one micro-batch and what the log wants to know of it; the
trainer accumulates gradients, averages them over processes and moves the weights.

Source: StyleGAN2, section 3 and appendix B.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.config import TrainingConfig
from stylesmith.devices import Precision
from stylesmith.networks import Discriminator, Generator
from stylesmith.training import losses
from stylesmith.training.draws import Draw

Stats = dict[str, Tensor]
"""Detached means over the micro-batch by name, for the log and for running means."""


@dataclass(frozen=True)
class Players:
    """The two networks, and the number format in which they play."""

    generator: Generator
    discriminator: Discriminator
    precision: Precision


def generator_pass(players: Players, draw: Draw) -> tuple[Tensor, Stats]:
    """Loss of the generator; stats hold the mean w of the micro-batch, `(D,)`."""
    w, ws = styles(players.generator, draw)
    images = players.generator.synthesis(ws, draw.noise, precision=players.precision)
    scores = players.discriminator(images, draw.label, precision=players.precision)
    loss = losses.generator_logistic(scores).mean()
    return loss, {"loss_g": loss.detach(), "w": w.detach().mean(dim=0)}


def path_pass(
    players: Players, draw: Draw, directions: Tensor, target: Tensor, config: TrainingConfig
) -> tuple[Tensor, Stats]:
    """Path length loss; stats hold the mean length.

    `directions` are standard normal numbers shaped like the images, `target` is the running mean.
    """
    _, ws = styles(players.generator, draw)
    images = players.generator.synthesis(ws, draw.noise, precision=players.precision)
    lengths = losses.path_lengths(images, ws, directions)
    penalty = losses.path_penalty(lengths, target).mean()
    loss = penalty * (config.path_weight * config.path_interval)
    return loss, {"path_penalty": penalty.detach(), "path_length": lengths.detach().mean()}


def discriminator_pass(
    players: Players, reals: Tensor, labels: Tensor | None, draw: Draw
) -> tuple[Tensor, Stats]:
    """Loss of the discriminator on real images `(N, C, H, W)` and as many generated ones."""
    with torch.no_grad():
        _, ws = styles(players.generator, draw)
        fakes = players.generator.synthesis(ws, draw.noise, precision=players.precision)
    fake_scores = players.discriminator(fakes, draw.label, precision=players.precision)
    real_scores = players.discriminator(reals, labels, precision=players.precision)
    loss = losses.discriminator_logistic(real_scores, fake_scores).mean()
    real, fake = real_scores.detach(), fake_scores.detach()
    return loss, {
        "loss_d": loss.detach(),
        "score_real": real.mean(),
        "score_fake": fake.mean(),
        "sign_real": (real > 0).float().mean(),
        "sign_fake": (fake < 0).float().mean(),
    }


def r1_pass(
    players: Players, reals: Tensor, labels: Tensor | None, config: TrainingConfig
) -> tuple[Tensor, Stats]:
    """Gradient penalty of the discriminator on real images."""
    reals = reals.detach().requires_grad_()
    scores = players.discriminator(reals, labels, precision=players.precision)
    penalty = losses.r1_penalty(scores, reals).mean()
    return penalty * (config.r1_gamma / 2 * config.r1_interval), {"r1": penalty.detach()}


def styles(generator: Generator, draw: Draw) -> tuple[Tensor, Tensor]:
    """The w of each image `(N, D)`, and the styles after mixing `(N, num_ws, D)`."""
    if draw.cutoff is None:
        w = generator.mapping(draw.z, draw.label)
        return w, generator.broadcast(w)
    labels = None if draw.label is None else torch.cat([draw.label, draw.label])
    w, other = generator.mapping(torch.cat([draw.z, draw.mixing_z]), labels).chunk(2)
    first, second = generator.broadcast(w), generator.broadcast(other)
    return w, torch.cat([first[:, : draw.cutoff], second[:, draw.cutoff :]], dim=1)
