"""Presets that are no row of a paper: `auto`, `small-avatars` (demo) and `tiny` (tests).

`auto` follows the rules of thumb of StyleGAN2-ADA.
"""

import torch

from stylesmith.config import DataConfig, RunConfig
from stylesmith.presets.stylegan2_configs import config_e
from stylesmith.presets.stylegan_configs import equal_learning_rates

MAX_AUTO_BATCH = 64
"""Largest batch of `auto` that several GPUs reach, unless their least shares add up to more."""
MIN_AUTO_SHARE = 4
"""Images of a process: one group of the minibatch standard deviation."""


def auto(data: DataConfig, device: torch.device, processes: int = 1) -> RunConfig:
    """Batch, widths, gamma and averaging that suit these images on this device.

    On a GPU the networks are those of config E (F from 512 pixels up) with two mapping layers. Each
    process has images for one group of the minibatch standard deviation or more.

    Args:
        data: Size, channels and labels of the images.
        device: The device that trains; a CPU gets narrow networks.
        processes: Number of processes that share a batch.
    """
    height, width = data.size
    area, size = height * width, max(height, width)
    config = config_e(data)
    share = 16 // processes
    if device.type != "cpu":
        share = min(4096 // size, 32, MAX_AUTO_BATCH // processes)
    at_least = MIN_AUTO_SHARE if processes > 1 else 8
    batch = processes * max(share, at_least)
    maps = {"channel_base": 32768 if size >= 512 else 16384}
    config = config.change(
        generator={**maps, "mapping": {"layers": 2}},
        discriminator=maps,
        training={
            "batch_size": batch,
            **equal_learning_rates(0.002 if size >= 1024 else 0.0025),
            "r1_gamma": 0.0002 * area / batch,
            "ema_kimg": batch * 10 / 32,
            "ema_rampup": 0.05,
        },
    )
    return _for_cpu(config, size) if device.type == "cpu" else config


def auto_held_out_images(images: int) -> int:
    """Number of images that `auto` keeps from training, of so many: none of fewer than 300."""
    return min(500, max(images // 20, 50)) if images >= 300 else 0


def auto_augmentation(images: int) -> str:
    """The augmentation of `auto` for so many images, mirrored ones included.

    Below 30,000 images it helps; from 100,000 on it does slight harm (StyleGAN3's documentation).
    """
    return "ada" if images < 30_000 else "none"


def _for_cpu(config: RunConfig, size: int) -> RunConfig:
    """What shows most within minutes to hours: narrow networks, high learning rates, no extras.

    Path length regularization, style mixing and noise inputs pay off in runs of days; tried on
    CIFAR-10 for six minutes, leaving them out and a learning rate of 0.008 gave shapes where the
    settings of a GPU gave color only.
    """
    maps = {"channel_base": min(32 * size, 4096), "max_channels": 128}
    return config.change(
        generator={**maps, "noise": False},
        discriminator=maps,
        training={
            **equal_learning_rates(0.008),
            "path_weight": 0.0,
            "style_mixing": 0.0,
        },
        output={"grid_kimg": 4.0, "snapshot_kimg": 40.0, "log_kimg": 0.5},
    )


def small_avatars(data: DataConfig) -> RunConfig:
    """Faces from 32x32 avatars within minutes on two CPU cores; used by `make demo`.

    After 25 thousand avatars a learning rate of 0.008 gave faces with eyes, mouth and hair where
    0.003 gave heads; noise inputs only grained the flat art. After five minutes a penalty of 1 gave
    a sixth of the distance (fd_random_5k) that 0.1 gave, whose discriminator was nearly always
    right.
    """
    maps = {"channel_base": 1024, "max_channels": 64}
    return config_e(data).change(
        generator={**maps, "noise": False, "mapping": {"layers": 2, "z_dim": 128, "w_dim": 128}},
        discriminator=maps,
        training={
            "kimg": 200.0,
            "batch_size": 16,
            **equal_learning_rates(0.008),
            "r1_gamma": 1.0,
            "path_weight": 0.0,
            "style_mixing": 0.0,
            "ema_kimg": 2.0,
            "ema_rampup": 0.05,
        },
        output={"grid_kimg": 4.0, "snapshot_kimg": 20.0, "log_kimg": 0.5},
    )


def tiny(data: DataConfig) -> RunConfig:
    """The smallest networks that run every code path; for tests and for trying commands."""
    maps = {"channel_base": 64, "max_channels": 8}
    return config_e(data).change(
        preset="tiny",
        generator={**maps, "mapping": {"layers": 2, "z_dim": 16, "w_dim": 16}},
        discriminator=maps,
        training={
            "kimg": 1.0,
            "batch_size": 4,
            "r1_gamma": 1.0,
            "r1_interval": 4,
            "path_interval": 2,
            "ema_kimg": 0.1,
            "precision": "fp32",
        },
        output={"grid_images": 4, "log_kimg": 0.016, "grid_kimg": 0.064, "snapshot_kimg": 0.064},
    )
