"""Configurations of StyleGAN2-ADA (Karras et al. 2020, appendix D): config F with other settings.

Convolutions are in the precision of the device; the published ones are in fp16 in the four highest
resolutions. Labels, where there are any, are embedded and projected, as there.
"""

from dataclasses import dataclass

from stylesmith.config import DataConfig, RunConfig
from stylesmith.presets.data_sets import PresetRow
from stylesmith.presets.stylegan2_configs import config_f
from stylesmith.presets.stylegan_configs import equal_learning_rates


@dataclass(frozen=True)
class AdaSettings:
    """Settings in which the published configurations differ."""

    batch_size: int
    micro_batch: int
    """Images at once on each GPU; statistics over the batch are taken within them."""
    stddev_group: int
    channel_base: int
    learning_rate: float
    r1_gamma: float
    ema_kimg: float
    mapping_layers: int = 8
    ema_rampup: float | None = None
    kimg: float = 25000


PAPER_256 = AdaSettings(64, 8, 8, 16384, 0.0025, 1, 20)
PAPER_512 = AdaSettings(64, 8, 8, 32768, 0.0025, 0.5, 20)
PAPER_1024 = AdaSettings(32, 4, 4, 32768, 0.002, 2, 10)
CIFAR = AdaSettings(
    64, 32, 32, 32768, 0.0025, 0.01, 500, mapping_layers=2, ema_rampup=0.05, kimg=100_000
)


def ada_config(data: DataConfig, settings: AdaSettings) -> RunConfig:
    """Config F with ADA of the groups `bgc`, by r_t with the target 0.6."""
    maps = {"channel_base": settings.channel_base}
    labels = bool(data.label_size)
    mapping = {"layers": settings.mapping_layers} | ({"label_mode": "embed"} if labels else {})
    critic = {"stddev_group": settings.stddev_group} | (
        {"label_mode": "projection"} if labels else {}
    )
    return config_f(data).change(
        generator={**maps, "mapping": mapping},
        discriminator={**maps, **critic},
        training={
            "kimg": settings.kimg,
            "batch_size": settings.batch_size,
            "micro_batch": settings.micro_batch,
            **equal_learning_rates(settings.learning_rate),
            "r1_gamma": settings.r1_gamma,
            "ema_kimg": settings.ema_kimg,
            "ema_rampup": settings.ema_rampup,
            "augment": {"kind": "ada", "groups": "bgc"},
            "strength": {"signal": "r_t", "target": 0.6, "interval": 4, "kimg": 500.0},
        },
    )


def ada_cifar(data: DataConfig) -> RunConfig:
    """The configuration `cifar`: no path length, style mixing or residual discriminator."""
    return ada_config(data, CIFAR).change(
        discriminator={"connection": "orig"},
        training={"path_weight": 0.0, "style_mixing": 0.0},
    )


def ada_auto(data: DataConfig) -> RunConfig:
    """The configuration `auto` on one GPU: settings by the size of the images."""
    height, width = data.size
    size = max(height, width)
    batch = max(min(4096 // size, 32), 1)
    settings = AdaSettings(
        batch_size=batch,
        micro_batch=batch,
        stddev_group=min(batch, 4),
        channel_base=32768 if size >= 512 else 16384,
        learning_rate=0.002 if size >= 1024 else 0.0025,
        r1_gamma=0.0002 * height * width / batch,
        ema_kimg=batch * 10 / 32,
        mapping_layers=2,
        ema_rampup=0.05,
    )
    return ada_config(data, settings)


ROWS: tuple[PresetRow, ...] = (
    ("stylegan2-ada-auto", "Configurations", "settings by the size of the images", ada_auto),
    ("stylegan2-ada-paper512", "Configurations", "AFHQ at 512x512", ada_config, PAPER_512),
    ("stylegan2-ada-paper1024", "Configurations", "MetFaces at 1024x1024", ada_config, PAPER_1024),
    ("stylegan2-ada-paper256", "Configurations", "FFHQ at 256x256", ada_config, PAPER_256),
    ("stylegan2-ada-cifar", "Configurations", "CIFAR-10 at 32x32", ada_cifar),
)
"""Presets of this paper for any images."""
