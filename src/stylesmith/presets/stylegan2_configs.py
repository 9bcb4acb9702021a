"""Rows and variants of StyleGAN2's tables: each configuration is another one plus one change."""

from itertools import product

from stylesmith.config import DataConfig, LevelConnection, OutputConfig, RunConfig
from stylesmith.presets import stylegan_configs
from stylesmith.presets.data_sets import PresetRow

CONNECTIONS: tuple[LevelConnection, ...] = ("orig", "skip", "resid")

BATCH_SIZES = {8: 256, 16: 128, 32: 64, 64: 32}
"""Batch sizes of the growing rows A to D, by resolution."""
LOG_KIMG = {8: 28, 16: 24, 32: 20, 64: 16, 128: 12, 256: 8, 512: 6, 1024: 4}
"""Thousands of images between log lines of the growing rows, by resolution."""


def config_a(data: DataConfig) -> RunConfig:
    """StyleGAN, trained in StyleGAN2's loop (StyleGAN2, Table 1, row A).

    Networks, losses, learning rates and growth are those of StyleGAN's row F; the generator moves
    first.
    """
    return stylegan_configs.config_f(data).change(
        training={"order": "generator_first", "batch_size": BATCH_SIZES},
        output=stylegan_configs.output_intervals(LOG_KIMG, grids=10, snapshots=10),
    )


def config_b(data: DataConfig) -> RunConfig:
    """+ Weight demodulation; both networks resample with [1,3,3,1] (Table 1, row B)."""
    return config_a(data).change(
        generator={"kind": "modulated"},
        discriminator={"resample": "[1,3,3,1]"},
    )


def config_c(data: DataConfig) -> RunConfig:
    """+ Lazy regularization: R1 in every 16th step (section 3.1; Table 1, row C)."""
    return config_b(data).change(training={"r1_interval": 16})


def config_d(data: DataConfig) -> RunConfig:
    """+ Path length regularization in every 4th step (section 3.2; Table 1, row D)."""
    return config_c(data).change(training={"path_weight": 2.0, "path_interval": 4})


def config_e(data: DataConfig) -> RunConfig:
    """No growing: skip generator, residual discriminator (section 4.1; Table 1, row E).

    Batch size and learning rates no longer follow the resolution; gamma is 100 (appendix B).
    """
    return config_d(data).change(
        generator={"connection": "skip"},
        discriminator={"connection": "resid"},
        training={
            "growth": None,
            "batch_size": 32,
            **stylegan_configs.equal_learning_rates(0.002),
            "r1_gamma": 100.0,
        },
        output=OutputConfig(log_kimg=4.0, grid_kimg=40.0, snapshot_kimg=200.0),
    )


def config_f(data: DataConfig) -> RunConfig:
    """+ Large networks: twice the feature maps from 64x64 on; gamma 10 (Table 1, row F)."""
    return config_e(data).change(
        generator={"channel_base": 32768},
        discriminator={"channel_base": 32768},
        training={"r1_gamma": 10.0},
    )


def config_a_large(data: DataConfig) -> RunConfig:
    """Config A with config F's large networks (Table 1, last row)."""
    large = {"channel_base": 32768}
    return config_a(data).change(generator=large, discriminator=large)


def with_connections(
    data: DataConfig, generator: LevelConnection, discriminator: LevelConnection
) -> RunConfig:
    """Config E with other connections between levels (StyleGAN2, Table 2)."""
    return config_e(data).change(
        generator={"connection": generator},
        discriminator={"connection": discriminator},
    )


def with_multiscale(data: DataConfig) -> RunConfig:
    """Config E with an image at every level of both networks (StyleGAN2, Figure 7a)."""
    return with_connections(data, "multiscale", "multiscale")


def with_spectral_norm(data: DataConfig, generator: bool, discriminator: bool) -> RunConfig:
    """Config F + spectral normalization in either network (StyleGAN2, appendix E, Table 4)."""
    return config_f(data).change(
        generator={"spectral_norm": generator},
        discriminator={"spectral_norm": discriminator},
    )


def without_demodulation(data: DataConfig) -> RunConfig:
    """Config F without weight demodulation (StyleGAN2, appendix E, Table 4)."""
    return config_f(data).change(generator={"demodulate": False})


def without_path_length(data: DataConfig) -> RunConfig:
    """Config F without path length regularization (StyleGAN2, appendix E, Table 4)."""
    return config_f(data).change(training={"path_weight": 0.0})


ROWS: tuple[PresetRow, ...] = (
    ("stylegan2-a", "Table 1", "StyleGAN", config_a),
    ("stylegan2-b", "Table 1", "+ weight demodulation", config_b),
    ("stylegan2-c", "Table 1", "+ lazy regularization", config_c),
    ("stylegan2-d", "Table 1", "+ path length regularization", config_d),
    ("stylegan2-e", "Table 1", "no growing, skip G, resid D", config_e),
    ("stylegan2-f", "Table 1", "+ large networks", config_f),
    ("stylegan2-a-large", "Table 1", "A + large networks", config_a_large),
    *(
        (f"stylegan2-e-g{g}-d{d}", "Table 2", f"E, {g} G, {d} D", with_connections, g, d)
        for g, d in product(CONNECTIONS, repeat=2)
    ),
    ("stylegan2-e-multiscale", "Figure 7a", "E, an image at every level", with_multiscale),
    ("stylegan2-f-sn-g", "Table 4", "F + spectral norm in G", with_spectral_norm, True, False),
    ("stylegan2-f-sn-d", "Table 4", "F + spectral norm in D", with_spectral_norm, False, True),
    (
        "stylegan2-f-sn-gd",
        "Table 4",
        "F + spectral norm in G and D",
        with_spectral_norm,
        True,
        True,
    ),
    ("stylegan2-f-no-demod", "Table 4", "F without demodulation", without_demodulation),
    ("stylegan2-f-no-path", "Table 4", "F without path length regularization", without_path_length),
)
"""Presets of this paper for any images."""
