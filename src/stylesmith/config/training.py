"""How the networks learn."""

from typing import Literal

from pydantic import Field

from stylesmith.config.base import Config
from stylesmith.devices import PrecisionName


class TrainingConfig(Config):
    """Losses, optimizers and schedule. Defaults are StyleGAN2's config F."""

    kimg: float = Field(default=25000, gt=0)
    """Length of the run, in thousands of real images shown to the discriminator."""
    batch_size: int = Field(default=32, ge=1)
    """Images per step over all processes."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Images at once on one device; null takes as many as fit. Gradients are accumulated."""
    reference_devices: int = Field(default=8, ge=1)
    """Number of GPUs whose column of the papers' batch tables is followed."""
    seed: int = Field(default=0, ge=0)
    """Start of every random number."""
    precision: PrecisionName = "auto"
    """Number format of the convolutions; auto is bf16 where the device has it."""

    order: Literal["generator_first", "discriminator_first"] = "generator_first"
    """Which network moves first in a step: the discriminator in StyleGAN, else the generator."""
    generator_lr: float = Field(default=0.002, gt=0)
    """Learning rate of the generator, before the correction for lazy regularization."""
    discriminator_lr: float = Field(default=0.002, gt=0)
    """Learning rate of the discriminator, before the correction for lazy regularization."""
    beta1: float = Field(default=0.0, ge=0, lt=1)
    """Adam's decay of the first moment."""
    beta2: float = Field(default=0.99, ge=0, lt=1)
    """Adam's decay of the second moment."""

    r1_gamma: float = Field(default=10.0, ge=0)
    """Weight of the R1 gradient penalty on real images; 0 leaves it out."""
    r1_interval: int = Field(default=16, ge=1)
    """Steps between R1 passes (lazy regularization)."""
    path_weight: float = Field(default=2.0, ge=0)
    """Weight of path length regularization; 0 leaves it out."""
    path_interval: int = Field(default=4, ge=1)
    """Steps between path length passes; 4 in the published code, 8 in the paper."""
    path_decay: float = Field(default=0.01, gt=0, le=1)
    """How far the target length moves towards each new mean length."""
    path_batch_shrink: int = Field(default=2, ge=1)
    """The path length pass draws the micro-batch divided by this."""
    style_mixing: float = Field(default=0.9, ge=0, le=1)
    """Probability that a step draws styles from two latents."""

    ema_kimg: float = Field(default=10.0, gt=0)
    """Half-life of the averaged generator, in thousands of images."""
    ema_rampup: float | None = Field(default=None, gt=0)
    """Early on, the half-life is at most this fraction of the images seen; null leaves it out."""
