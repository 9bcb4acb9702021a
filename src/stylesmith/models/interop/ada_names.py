"""Names of the tensors of StyleGAN2-ADA's PyTorch networks, and the arguments that make them.

Up-convolutions there are true convolutions, so their kernels are ours flipped.
"""

from typing import Any

from stylesmith.config import DiscriminatorConfig, GeneratorConfig
from stylesmith.models.interop.ada import ARCHITECTURES, FILTER_NAME
from stylesmith.models.interop.layout import COPY, FLIPPED, GRID, UNBATCHED, NameMap, fir_kernel
from stylesmith.models.interop.report import ExternalNetwork


def generator_names(config: GeneratorConfig, network: ExternalNetwork | None = None) -> NameMap:
    """Names of a generator's tensors."""
    names = NameMap(ignored={rf"(.*\.)?{FILTER_NAME}": "constant filter"})
    if config.label_size:
        names.add_weight_and_bias("mapping.embed", "mapping.embed")
    for i in range(config.mapping.layers):
        names.add_weight_and_bias(f"mapping.layers.{i}", f"mapping.fc{i}")
    names.add("mapping.w_avg", "mapping.w_avg")
    names.add("synthesis.const", "synthesis.b4.const", UNBATCHED)
    for level in range(config.levels):
        _add_block(names, config, level)
    if config.connection != "skip":
        top = f"synthesis.b{4 << (config.levels - 1)}"
        _add_styled(names, "synthesis.to_rgb", f"{top}.torgb")
    return names


def _add_block(names: NameMap, config: GeneratorConfig, level: int) -> None:
    ours, theirs = f"synthesis.blocks.{level}", f"synthesis.b{4 << level}"
    names.filters[f"{theirs}.{FILTER_NAME}"] = fir_kernel()
    for i in range(0 if level else 1, 2):
        conv = f"{theirs}.conv{i}"
        _add_styled(names, f"{ours}.conv{i}", conv, up=i == 0)
        names.filters[f"{conv}.{FILTER_NAME}"] = fir_kernel()
        if config.noise:
            names.add(f"{ours}.conv{i}.noise_strength", f"{conv}.noise_strength")
            names.add(f"synthesis.noise_{2 * level - 1 + i}", f"{conv}.noise_const", GRID)
    if config.connection == "skip":
        _add_styled(names, f"{ours}.to_rgb", f"{theirs}.torgb")
    if config.connection == "resid" and level:
        names.add(f"{ours}.shortcut.weight", f"{theirs}.skip.weight")
        names.filters[f"{theirs}.skip.{FILTER_NAME}"] = fir_kernel()


def _add_styled(names: NameMap, ours: str, theirs: str, *, up: bool = False) -> None:
    names.add_weight_and_bias(ours, theirs, FLIPPED if up else COPY)
    names.add_weight_and_bias(f"{ours}.affine", f"{theirs}.affine")


def discriminator_names(
    config: DiscriminatorConfig, network: ExternalNetwork | None = None
) -> NameMap:
    """Names of a discriminator's tensors."""
    names = NameMap(ignored={rf"(.*\.)?{FILTER_NAME}": "constant filter"})
    top = config.levels - 1
    for i, level in enumerate(range(top, -1, -1)):
        theirs = f"b{4 << level}"
        if config.connection == "skip" or level == top:
            ours = f"from_rgb.{i}" if config.connection == "skip" else "from_rgb"
            _add_conv(names, ours, f"{theirs}.fromrgb")
        if level:
            _add_conv(names, f"blocks.{i}.conv0", f"{theirs}.conv0")
            _add_conv(names, f"blocks.{i}.conv1", f"{theirs}.conv1")
            names.filters[f"{theirs}.{FILTER_NAME}"] = fir_kernel()
        if level and config.connection == "resid":
            names.add(f"blocks.{i}.shortcut.weight", f"{theirs}.skip.weight")
            names.filters[f"{theirs}.skip.{FILTER_NAME}"] = fir_kernel()
    _add_conv(names, "epilogue.conv", "b4.conv")
    names.add_weight_and_bias("epilogue.hidden", "b4.fc")
    names.add_weight_and_bias("epilogue.output", "b4.out")
    if config.label_size:
        names.add_weight_and_bias("epilogue.label_mapping.embed", "mapping.embed")
        for i in range(config.label_layers):
            names.add_weight_and_bias(f"epilogue.label_mapping.layers.{i}", f"mapping.fc{i}")
        names.ours_only.append("epilogue.label_mapping.w_avg")
    return names


def _add_conv(names: NameMap, ours: str, theirs: str) -> None:
    names.add_weight_and_bias(ours, theirs)
    names.filters[f"{theirs}.{FILTER_NAME}"] = fir_kernel()


def generator_kwargs(config: GeneratorConfig) -> dict[str, Any]:
    """The arguments with which such a generator is made there."""
    mapping = config.mapping
    return {
        "z_dim": mapping.z_dim,
        "c_dim": config.label_size,
        "w_dim": mapping.w_dim,
        "img_resolution": config.size()[0],
        "img_channels": config.image_channels,
        "mapping_kwargs": {
            "num_layers": mapping.layers,
            "lr_multiplier": mapping.lr_multiplier,
            "w_avg_beta": mapping.w_avg_beta,
        },
        "synthesis_kwargs": {
            **_pyramid_kwargs(config.channel_base, config.max_channels, config.connection),
            "use_noise": config.noise,
        },
    }


def discriminator_kwargs(config: DiscriminatorConfig) -> dict[str, Any]:
    """The arguments with which such a discriminator is made there."""
    return {
        "c_dim": config.label_size,
        "img_resolution": config.size()[0],
        "img_channels": config.image_channels,
        **_pyramid_kwargs(config.channel_base, config.max_channels, config.connection),
        "mapping_kwargs": {
            "num_layers": config.label_layers,
            "lr_multiplier": config.label_lr_multiplier,
        },
        "epilogue_kwargs": {
            "mbstd_group_size": config.stddev_group,
            "mbstd_num_channels": config.stddev_features,
        },
    }


def _pyramid_kwargs(channel_base: int, channel_max: int, connection: str) -> dict[str, Any]:
    architecture = next(theirs for theirs, ours in ARCHITECTURES.items() if ours == connection)
    return {
        "channel_base": channel_base,
        "channel_max": channel_max,
        "architecture": architecture,
        "num_fp16_res": 0,
    }
