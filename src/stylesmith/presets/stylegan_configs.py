"""Rows and variants of StyleGAN's tables: each configuration is another one plus one change.

Tables by resolution and number of GPUs are those of the published code, which takes what it does
not name from ProGAN. An entry holds from its resolution up to the next one.

Source: StyleGAN, section 2, Tables 1, 2 and 4, and appendix C.
"""

from stylesmith.config import (
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    OutputConfig,
    RunConfig,
    TrainingConfig,
    base_grid,
)
from stylesmith.config.training import AmountByLevel
from stylesmith.presets.data_sets import PresetRow

BATCH_SIZES = {
    1: {4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4},
    2: {4: 256, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8},
    4: {4: 512, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16},
    8: {4: 512, 8: 256, 16: 128, 32: 64, 64: 32},
}
PROGAN_LEARNING_RATES = {
    1: {4: 0.001, 1024: 0.0015},
    2: {4: 0.001, 512: 0.0015, 1024: 0.002},
    4: {4: 0.001, 256: 0.0015, 512: 0.002, 1024: 0.003},
    8: {4: 0.001, 128: 0.0015, 256: 0.002, 512: 0.003},
}
LEARNING_RATES = PROGAN_LEARNING_RATES[8]
"""StyleGAN's own, whatever the number of GPUs."""
LOG_KIMG = {4: 160, 8: 140, 16: 120, 32: 100, 64: 80, 128: 60, 256: 40, 512: 30, 1024: 20}


def config_a(data: DataConfig) -> RunConfig:
    """Progressive GAN as published (StyleGAN, Table 1, row A)."""
    base, levels = base_grid(*data.size)
    shape = {"base": base, "levels": levels, "image_channels": data.channels}
    shape |= {"channel_base": 16384, "max_channels": 512, "label_size": data.label_size}
    generator = {"kind": "traditional", "connection": "grow", "constant_input": False}
    generator |= {"noise": False, "blur": False, "mapping": {"layers": 0}}
    discriminator = {"connection": "grow", "resample": "box"}
    training = {
        "kimg": 12000,
        "growth": {"start": 4, "train_kimg": 600, "fade_kimg": 600, "repeats": 4},
        "batch_size": BATCH_SIZES,
        "order": "discriminator_first",
        **equal_learning_rates(PROGAN_LEARNING_RATES),
        "loss": "wgan_gp",
        "wgan_penalty": 10,
        "wgan_drift": 0.001,
        "r1_gamma": 0,
        "r1_interval": 1,
        "path_weight": 0,
        "style_mixing": 0,
        "ema_kimg": 10,
    }
    return RunConfig(
        generator=GeneratorConfig.model_validate(shape | generator),
        discriminator=DiscriminatorConfig.model_validate(shape | discriminator),
        training=TrainingConfig.model_validate(training),
        data=data,
        output=output_intervals(LOG_KIMG, grids=1, snapshots=10),
    )


def config_b(data: DataConfig) -> RunConfig:
    """+ Tuning: bilinear resampling, the logistic loss with R1, twice as long (Table 1, row B).

    Growing starts at 8x8, and the learning rates no longer depend on the number of GPUs
    (appendix C).
    """
    return config_a(data).change(
        generator={"blur": True},
        discriminator={"resample": "[1,2,1]"},
        training={
            "kimg": 25000.0,
            "growth": {"start": 8},
            **equal_learning_rates(LEARNING_RATES),
            "loss": "logistic",
            "r1_gamma": 10.0,
        },
    )


def config_c(data: DataConfig) -> RunConfig:
    """+ Mapping network and styles (Table 1, row C)."""
    return config_b(data).change(generator={"kind": "adain", "mapping": {"layers": 8}})


def config_d(data: DataConfig) -> RunConfig:
    """- Traditional input: synthesis starts from a learned constant (Table 1, row D)."""
    return config_c(data).change(generator={"constant_input": True})


def config_e(data: DataConfig) -> RunConfig:
    """+ Noise inputs (Table 1, row E)."""
    return config_d(data).change(generator={"noise": True})


def config_f(data: DataConfig) -> RunConfig:
    """+ Mixing regularization of 90% of the steps (Table 1, row F)."""
    return config_e(data).change(training={"style_mixing": 0.9})


def with_mixing(data: DataConfig, percent: int) -> RunConfig:
    """Config F with another percentage of mixing regularization (Table 2): 0 is E, 90 is F."""
    return config_f(data).change(training={"style_mixing": percent / 100})


def with_traditional_mapping(data: DataConfig, layers: int) -> RunConfig:
    """Config B, a traditional generator, behind a mapping network (Table 4); 0 layers is B."""
    return config_b(data).change(generator={"mapping": {"layers": layers}})


def with_style_mapping(data: DataConfig, layers: int) -> RunConfig:
    """Config F with another depth of the mapping network (Table 4); 8 layers is F."""
    return config_f(data).change(generator={"mapping": {"layers": layers}})


def equal_learning_rates(learning_rate: AmountByLevel) -> dict[str, AmountByLevel]:
    """Training settings that give both networks the same learning rate."""
    return {"generator_lr": learning_rate, "discriminator_lr": learning_rate}


def output_intervals(log_kimg: dict[int, int], *, grids: int, snapshots: int) -> OutputConfig:
    """Log lines by resolution, grids and snapshots every so many of them."""
    return OutputConfig.model_validate(
        {
            "log_kimg": log_kimg,
            "grid_kimg": {key: value * grids for key, value in log_kimg.items()},
            "snapshot_kimg": {key: value * snapshots for key, value in log_kimg.items()},
        }
    )


ROWS: tuple[PresetRow, ...] = (
    ("stylegan-a", "Table 1", "Progressive GAN", config_a),
    ("stylegan-b", "Table 1", "+ tuning, bilinear up and down", config_b),
    ("stylegan-c", "Table 1", "+ mapping network and styles", config_c),
    ("stylegan-d", "Table 1", "- traditional input", config_d),
    ("stylegan-e", "Table 1", "+ noise inputs", config_e),
    ("stylegan-f", "Table 1", "+ mixing regularization", config_f),
    ("stylegan-f-mix0", "Table 2", "F, mixing in 0% of steps, as E", with_mixing, 0),
    ("stylegan-f-mix50", "Table 2", "F, mixing in 50% of steps", with_mixing, 50),
    ("stylegan-f-mix90", "Table 2", "F, mixing in 90% of steps, as F", with_mixing, 90),
    ("stylegan-f-mix100", "Table 2", "F, mixing in 100% of steps", with_mixing, 100),
    (
        "stylegan-b-map0",
        "Table 4",
        "traditional, 0 mapping layers, as B",
        with_traditional_mapping,
        0,
    ),
    ("stylegan-b-map8", "Table 4", "traditional, 8 mapping layers", with_traditional_mapping, 8),
    ("stylegan-f-map0", "Table 4", "style-based, 0 mapping layers", with_style_mapping, 0),
    ("stylegan-f-map1", "Table 4", "style-based, 1 mapping layers", with_style_mapping, 1),
    ("stylegan-f-map2", "Table 4", "style-based, 2 mapping layers", with_style_mapping, 2),
    ("stylegan-f-map8", "Table 4", "style-based, 8 mapping layers, as F", with_style_mapping, 8),
)
"""Presets of this paper for any images."""
