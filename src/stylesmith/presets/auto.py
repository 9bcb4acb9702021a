"""Preset `auto`: settings from the data and the machine, after StyleGAN2-ADA's rules of thumb."""

import torch

from stylesmith.config import DataConfig, RunConfig
from stylesmith.presets.stylegan2 import config_e


def auto(data: DataConfig, device: torch.device) -> RunConfig:
    """Batch, widths, gamma and averaging that suit these images on this device.

    On a GPU the networks are those of config E (F from 512 pixels up) with two mapping layers. A
    CPU gets networks a quarter as wide, and no path length regularization, which costs much time
    and pays off only in long runs.
    """
    height, width = data.size
    area, side = height * width, max(height, width)
    on_cpu = device.type == "cpu"
    batch = 16 if on_cpu else max(8, min(4096 // side, 32))
    maps = {"channel_base": 32768 if side >= 512 else 16384, "max_channels": 512}
    if on_cpu:
        maps = {"channel_base": 4096, "max_channels": 128}
    return config_e(data).change(
        preset="auto",
        generator={**maps, "mapping": {"layers": 2, "z_dim": 512, "w_dim": 512}},
        discriminator=maps,
        training={
            "batch_size": batch,
            "generator_lr": 0.002 if side >= 1024 else 0.0025,
            "discriminator_lr": 0.002 if side >= 1024 else 0.0025,
            "r1_gamma": 0.0002 * area / batch,
            "path_weight": 0.0 if on_cpu else 2.0,
            "ema_kimg": batch * 10 / 32,
            "ema_rampup": 0.05,
        },
        output={"grid_kimg": 4.0, "snapshot_kimg": 40.0, "log_kimg": 0.5} if on_cpu else {},
    )
