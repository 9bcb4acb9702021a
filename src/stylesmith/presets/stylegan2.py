"""StyleGAN2's Table 1 from the last row up: each preset is another one plus one change."""

from stylesmith.config import (
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    RunConfig,
    TrainingConfig,
    base_grid,
)


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
