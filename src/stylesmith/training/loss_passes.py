"""Losses of one micro-batch: generator, path length, discriminator (logistic or WGAN-GP) and R1.

Also the random input of a generator pass (latents, style mixing, noise, labels), keyed by (seed,
purpose, step, index in the global batch), so that processes, micro-batches and resume do not change
it. The caller accumulates gradients.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.augment.controller import window_sums
from stylesmith.config import GeneratorConfig
from stylesmith.config.training import LossName, TrainingConfig
from stylesmith.devices import Precision
from stylesmith.latents import RandomKeys, split_noise_maps
from stylesmith.networks import Discriminator, Generator, Growth
from stylesmith.networks.latent_functions import mix_styles
from stylesmith.training import losses
from stylesmith.training.augmenter import AugmentImages, unchanged


@dataclass(frozen=True)
class LatentBatch:
    """The random input of one generator pass over N images."""

    z: Tensor
    """`(N, z_dim)`"""
    mixing_z: Tensor
    """`(N, z_dim)`, the second source of style mixing."""
    cutoff: int | None
    """Layers from here on take the second source; None leaves mixing out."""
    noise: list[Tensor]
    """One map `(N, 1, H, W)` per noise input of the levels in use."""
    label: Tensor | None
    """`(N, label_size)`"""


def make_latent_batch(
    config: GeneratorConfig,
    keys: RandomKeys,
    purpose: str,
    step: int,
    indices: Sequence[int],
    *,
    level: int,
    mixing_probability: float,
    label: Tensor | None,
    device: torch.device,
) -> LatentBatch:
    """Random input of the images with these indices in the global batch of a step.

    `level` is the highest in use. With `mixing_probability` the whole step mixes styles, with one
    cutoff for all images and processes among the layers in use (StyleGAN, section 3.1).
    """
    z_dim, shapes = config.mapping.z_dim, config.noise_shapes_up_to(level)
    layers = config.num_ws_up_to(level)
    size = 2 * z_dim + sum(height * width for height, width in shapes)
    flat = torch.stack([keys.normal(size, purpose, step, i, device=device) for i in indices])
    cutoff = None
    if layers > 1 and keys.uniform(f"{purpose} mixing", step) < mixing_probability:
        cutoff = 1 + keys.number(f"{purpose} cutoff", step) % (layers - 1)
    return LatentBatch(
        z=flat[:, :z_dim],
        mixing_z=flat[:, z_dim : 2 * z_dim],
        cutoff=cutoff,
        noise=split_noise_maps(flat[:, 2 * z_dim :], shapes),
        label=None if label is None else label.to(device),
    )


Stats = dict[str, Tensor]
"""Detached means over the micro-batch by name, for the log and for quantities that follow them."""

DiscriminatorInput = list[Tensor]
"""The images `(N, C, H, W)` alone, or their pyramid of all levels, the smallest first."""


@dataclass(frozen=True)
class Networks:
    """The two networks, the precision they compute in, and which of their levels are in use."""

    generator: Generator
    discriminator: Discriminator
    precision: Precision
    growth: Growth | None = None
    """None uses all levels."""
    penalty_scale: float = 1.0
    """Factor of squared gradients by images (see `Phase.penalty_scale`)."""

    def generate(self, ws: Tensor, latents: LatentBatch) -> DiscriminatorInput:
        """Generated images."""
        return self.generator.synthesis.forward_pyramid(
            ws, latents.noise, growth=self.growth, precision=self.precision
        )

    def prepare_reals(self, reals: Tensor) -> DiscriminatorInput:
        """Real images `(N, C, H, W)` of full size, as the discriminator takes them."""
        return self.discriminator.prepare_reals(reals, self.growth)

    def score(self, inputs: DiscriminatorInput, label: Tensor | None) -> Tensor:
        """Scores `(N,)`."""
        return self.discriminator.score(inputs, label, growth=self.growth, precision=self.precision)


def generator_pass(
    networks: Networks,
    latents: LatentBatch,
    *,
    loss: LossName = "logistic",
    augment: AugmentImages = unchanged,
) -> tuple[Tensor, Stats]:
    """Loss of the generator; stats hold the mean w of the micro-batch, `(D,)`."""
    w, ws = map_and_mix(networks.generator, latents)
    scores = networks.score(augment(networks.generate(ws, latents)), latents.label)
    value = losses.GENERATOR_LOSSES[loss](scores).mean()
    return value, {"loss_g": value.detach(), "w": w.detach().mean(dim=0)}


def path_pass(
    networks: Networks,
    latents: LatentBatch,
    directions: Tensor,
    mean_length: Tensor,
    config: TrainingConfig,
) -> tuple[Tensor, Stats]:
    """Path length loss; stats hold the mean length.

    `directions` are standard normal numbers shaped like the images, `mean_length` is the running
    mean of path lengths. Layers that are not in use count as 0 in the mean over layers.
    """
    _, ws = map_and_mix(networks.generator, latents)
    images = networks.generate(ws, latents)[-1]
    lengths = losses.path_lengths(images, ws, directions)
    penalty = losses.path_penalty(lengths, mean_length).mean()
    loss = penalty * (config.path_weight * config.path_interval)
    return loss, {"path_penalty": penalty.detach(), "path_length": lengths.detach().mean()}


def discriminator_pass(
    networks: Networks,
    reals: Tensor,
    labels: Tensor | None,
    latents: LatentBatch,
    *,
    augment_reals: AugmentImages = unchanged,
    augment_fakes: AugmentImages = unchanged,
) -> tuple[Tensor, Stats]:
    """Logistic loss of the discriminator on real images `(N, C, H, W)` and as many generated."""
    fakes = augment_fakes(_generate_fakes(networks, latents))
    fake_scores = networks.score(fakes, latents.label)
    real_scores = networks.score(augment_reals(networks.prepare_reals(reals)), labels)
    loss = losses.discriminator_logistic(real_scores, fake_scores).mean()
    real, fake = real_scores.detach(), fake_scores.detach()
    return loss, {
        "loss_d": loss.detach(),
        "score_real": real.mean(),
        "score_fake": fake.mean(),
        "sign_real": (real > 0).float().mean(),
        "sign_fake": (fake < 0).float().mean(),
        "score_sums": window_sums(real, fake) / len(real),
    }


def held_out_pass(
    networks: Networks, reals: Tensor, labels: Tensor | None, augment: AugmentImages
) -> Stats:
    """Scores of real images `(N, C, H, W)` that are kept from training; nothing learns.

    Args:
        networks: The networks, of which only the discriminator is used.
        reals: Held-out images, `(N, C, H, W)`.
        labels: Their labels, `(N, label_size)`, or None.
        augment: The augmentation of these images.
    """
    scores = networks.score(augment(networks.prepare_reals(reals)), labels)
    return {
        "score_held_out": scores.mean(),
        "sign_held_out": (scores > 0).float().mean(),
        "score_sums": window_sums(scores.new_zeros(0), held_out=scores) / len(scores),
    }


def wgan_pass(
    networks: Networks,
    reals: Tensor,
    labels: Tensor | None,
    latents: LatentBatch,
    t: Tensor,
    config: TrainingConfig,
    *,
    augment_reals: AugmentImages = unchanged,
    augment_fakes: AugmentImages = unchanged,
) -> tuple[Tensor, Stats]:
    """WGAN-GP's loss of the discriminator, penalty included (ProGAN, appendix A.1).

    `t` `(N,)`, uniform in 0..1, places each penalized image between a real one (0) and a generated
    one (1); it keeps the label of the real one. Signs of scores mean nothing here and are not in
    the stats.
    """
    fakes = augment_fakes(_generate_fakes(networks, latents))
    real_views = augment_reals(networks.prepare_reals(reals))
    fake_scores = networks.score(fakes, latents.label)
    real_scores = networks.score(real_views, labels)
    loss = losses.discriminator_wasserstein(real_scores, fake_scores, config.wgan_drift).mean()
    between = [
        torch.lerp(real, fake, t[:, None, None, None]).requires_grad_()
        for real, fake in zip(real_views, fakes, strict=True)
    ]
    scores = networks.score(between, labels)
    penalty = losses.wgan_penalty(scores, between, scale=networks.penalty_scale).mean()
    return loss + config.wgan_penalty * penalty, {
        "loss_d": loss.detach(),
        "score_real": real_scores.detach().mean(),
        "score_fake": fake_scores.detach().mean(),
        "wgan_penalty": penalty.detach(),
        "score_sums": window_sums(real_scores, fake_scores) / len(reals),
    }


def r1_pass(
    networks: Networks,
    reals: Tensor,
    labels: Tensor | None,
    config: TrainingConfig,
    *,
    augment: AugmentImages = unchanged,
) -> tuple[Tensor, Stats]:
    """Gradient penalty of the discriminator on real images, by the images before augmentation."""
    views = [view.detach().requires_grad_() for view in networks.prepare_reals(reals)]
    scores = networks.score(augment(views), labels)
    penalty = losses.r1_penalty(scores, views).mean() * networks.penalty_scale
    return penalty * (config.r1_gamma / 2 * config.r1_interval), {
        "r1": penalty.detach(),
        "score_sums": window_sums(scores) / len(scores),
    }


def map_and_mix(generator: Generator, latents: LatentBatch) -> tuple[Tensor, Tensor]:
    """The w of each image `(N, D)`, and the styles after mixing `(N, num_ws, D)`."""
    if latents.cutoff is None:
        w = generator.mapping(latents.z, latents.label)
        return w, generator.broadcast(w)
    labels = None if latents.label is None else torch.cat([latents.label, latents.label])
    w, other = generator.mapping(torch.cat([latents.z, latents.mixing_z]), labels).chunk(2)
    ws, second = generator.broadcast(w), generator.broadcast(other)
    taken = torch.arange(ws.shape[1], device=ws.device) >= latents.cutoff
    return w, mix_styles(ws, second, taken)


@torch.no_grad()
def _generate_fakes(networks: Networks, latents: LatentBatch) -> DiscriminatorInput:
    _, ws = map_and_mix(networks.generator, latents)
    return networks.generate(ws, latents)
