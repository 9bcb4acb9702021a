"""StyleGAN2's tables: each preset is another one plus one change."""

from typing import Literal, get_args

from stylesmith.config import (
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    RunConfig,
    TrainingConfig,
    base_grid,
)

Connection = Literal["orig", "skip", "resid"]
CONNECTIONS: tuple[Connection, ...] = get_args(Connection)


def config_e(data: DataConfig) -> RunConfig:
    """Skip generator, residual discriminator, no growing (StyleGAN2, Table 1, row E)."""
    base, levels = base_grid(*data.size)
    shape = {"base": base, "levels": levels, "image_channels": data.channels}
    shape |= {"channel_base": 16384, "max_channels": 512, "label_size": data.label_size}
    return RunConfig(
        preset="stylegan2-e",
        generator=GeneratorConfig.model_validate(shape),
        discriminator=DiscriminatorConfig.model_validate(shape),
        training=TrainingConfig(r1_gamma=100.0),
        data=data,
    )


def config_f(data: DataConfig) -> RunConfig:
    """+ Large networks: twice the feature maps from 64x64 on; gamma 10 (Table 1, row F)."""
    return config_e(data).change(
        preset="stylegan2-f",
        generator={"channel_base": 32768},
        discriminator={"channel_base": 32768},
        training={"r1_gamma": 10.0},
    )


def connections(
    data: DataConfig,
    generator: Connection,
    discriminator: Connection,
) -> RunConfig:
    """Config E with other connections between levels (StyleGAN2, Table 2)."""
    return config_e(data).change(
        preset=f"stylegan2-e-g{generator}-d{discriminator}",
        generator={"connection": generator},
        discriminator={"connection": discriminator},
    )


def spectral(data: DataConfig, generator: bool, discriminator: bool) -> RunConfig:
    """Config F + spectral normalization in either network (StyleGAN2, appendix E, Table 4)."""
    return config_f(data).change(
        preset=f"stylegan2-f-sn-{'g' * generator}{'d' * discriminator}",
        generator={"spectral_norm": generator},
        discriminator={"spectral_norm": discriminator},
    )


def without_demodulation(data: DataConfig) -> RunConfig:
    """Config F without weight demodulation (StyleGAN2, appendix E, Table 4)."""
    return config_f(data).change(preset="stylegan2-f-no-demod", generator={"demodulate": False})


def without_path_length(data: DataConfig) -> RunConfig:
    """Config F without path length regularization (StyleGAN2, appendix E, Table 4)."""
    return config_f(data).change(preset="stylegan2-f-no-path", training={"path_weight": 0.0})
