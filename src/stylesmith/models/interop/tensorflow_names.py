"""Names of the variables of TensorFlow networks, and how they are laid out.

Dense weights are `(in, out)`, kernels `(k, k, in, out)`. Styles of StyleGAN2 are learned around 0.
StyleGAN and ProGAN repeat pixels and convolve in one step, from 128x128 on or always; that step
convolves with the stored kernel turned by half a circle.
"""

from stylesmith.config import (
    AdaINConfig,
    ConvolutionalConfig,
    GeneratorConfig,
    ModulatedConfig,
    ProgressiveConfig,
    TraditionalConfig,
)
from stylesmith.models.interop import tensorflow
from stylesmith.models.interop.external_network import ExternalNetwork
from stylesmith.models.interop.name_map import FLIPPED, KERNEL, PLUS_ONE, TRANSPOSED, NameMap

GROWTH_STATE = {r"(synthesis/)?lod": "state of progressive growing"}


def generator_names(config: GeneratorConfig, network: ExternalNetwork | None = None) -> NameMap:
    """Names of a generator's variables, in the file at hand or in one to be written."""
    names = NameMap(ignored=dict(GROWTH_STATE), separator="/")
    network = network or ExternalNetwork("G", "", {}, flat=is_progan(config))
    if config.label_size and config.mapping.label_mode == "concat":
        names.add("mapping.label_weight", "mapping/LabelConcat/weight")
    elif config.label_size:
        names.add_weight_and_bias("mapping.embed", "mapping/LabelEmbed", TRANSPOSED)
    for i in range(config.mapping.layers):
        names.add_weight_and_bias(f"mapping.layers.{i}", f"mapping/Dense{i}", TRANSPOSED)
    if network.flat:
        names.ours_only.append("mapping.w_avg")  # normalized z has mean 0, as a new network's w_avg
    else:
        names.add("mapping.w_avg", "dlatent_avg")
    if isinstance(config, ModulatedConfig):
        _add_modulated(names, config)
    elif isinstance(config, ProgressiveConfig):
        flipped_from = tensorflow.fused_scale_from(network, config)
        prefix = "" if network.flat else "synthesis/"
        _add_unmodulated(names, config, prefix, flipped_from)
    for i in range(len(config.noise_shapes)):
        names.add(f"synthesis.noise_{i}", f"synthesis/noise{i}")
    if not config.noise:
        names.ignored[r"synthesis/noise\d+"] = "noise that no layer adds"
    return names


def is_progan(config: GeneratorConfig) -> bool:
    """Whether a generator is ProGAN's, which has no parts."""
    return isinstance(config, TraditionalConfig) and not (
        config.blur or config.noise or config.mapping.layers or config.label_size
    )


def _add_modulated(names: NameMap, config: ModulatedConfig) -> None:
    names.add("synthesis.const", "synthesis/4x4/Const/const")
    top = config.levels - 1
    for level in range(config.levels):
        ours, theirs = f"synthesis.blocks.{level}", _level_scope("synthesis/", level)
        if level:
            _add_styled(names, f"{ours}.conv0", f"{theirs}/Conv0_up", noise=config.noise)
        last = "Conv1" if level else "Conv"
        _add_styled(names, f"{ours}.conv1", f"{theirs}/{last}", noise=config.noise)
        if config.connection == "skip":
            _add_styled(names, f"{ours}.to_rgb", f"{theirs}/ToRGB")
        elif config.connection == "grow":
            _add_styled(names, f"{ours}.to_rgb", f"synthesis/ToRGB_lod{top - level}")
        if config.connection == "resid" and level:
            names.add(f"{ours}.shortcut.weight", f"{theirs}/Skip/weight", KERNEL)
    if config.connection in ("orig", "resid"):
        _add_styled(names, "synthesis.to_rgb", f"{_level_scope('synthesis/', top)}/ToRGB")


def _add_styled(names: NameMap, ours: str, theirs: str, *, noise: bool = False) -> None:
    names.add_weight_and_bias(ours, theirs, KERNEL)
    names.add(f"{ours}.affine.weight", f"{theirs}/mod_weight", TRANSPOSED)
    names.add(f"{ours}.affine.bias", f"{theirs}/mod_bias", PLUS_ONE)
    if noise:
        names.add(f"{ours}.noise_strength", f"{theirs}/noise_strength")


def _add_unmodulated(
    names: NameMap, config: ProgressiveConfig, prefix: str, flipped_from: int
) -> None:
    for level in range(config.levels):
        theirs, block = _level_scope(prefix, level), f"synthesis.blocks.{level}"
        if level:
            form = KERNEL.then(FLIPPED) if 4 << level >= flipped_from else KERNEL
            names.add(f"{block}.layer0.source.weight", f"{theirs}/Conv0_up/weight", form)
            _add_epilogue(names, config, f"{block}.layer0", f"{theirs}/Conv0_up")
        elif config.constant_input:
            names.add(f"{block}.layer0.source.const", f"{theirs}/Const/const")
            _add_epilogue(names, config, f"{block}.layer0", f"{theirs}/Const")
        else:
            names.add(f"{block}.layer0.source.weight", f"{theirs}/Dense/weight", TRANSPOSED)
            _add_epilogue(names, config, f"{block}.layer0", f"{theirs}/Dense")
        conv = f"{theirs}/Conv1" if level else f"{theirs}/Conv"
        names.add(f"{block}.layer1.source.weight", f"{conv}/weight", KERNEL)
        _add_epilogue(names, config, f"{block}.layer1", conv)
        lod = config.levels - 1 - level
        names.add_weight_and_bias(f"synthesis.to_rgb.{level}", f"{prefix}ToRGB_lod{lod}", KERNEL)


def _add_epilogue(names: NameMap, config: ProgressiveConfig, ours: str, theirs: str) -> None:
    """What follows a source of features; StyleGAN's style scales are learned around 0 by both."""
    names.add(f"{ours}.bias", f"{theirs}/bias")
    if config.noise:
        names.add(f"{ours}.noise_strength", f"{theirs}/Noise/weight")
    if isinstance(config, AdaINConfig):
        names.add_weight_and_bias(f"{ours}.affine", f"{theirs}/StyleMod", TRANSPOSED)


def discriminator_names(
    config: ConvolutionalConfig, network: ExternalNetwork | None = None
) -> NameMap:
    """Names of a discriminator's variables."""
    names = NameMap(ignored=dict(GROWTH_STATE), separator="/")
    top = config.levels - 1
    for i, level in enumerate(range(top, -1, -1)):
        theirs = _level_scope("", level)
        if config.connection == "grow":
            names.add_weight_and_bias(f"from_rgb.{i}", f"FromRGB_lod{i}", KERNEL)
        elif config.connection == "skip":
            names.add_weight_and_bias(f"from_rgb.{i}", f"{theirs}/FromRGB", KERNEL)
        elif level == top:
            names.add_weight_and_bias("from_rgb", f"{theirs}/FromRGB", KERNEL)
        if level:
            names.add_weight_and_bias(f"blocks.{i}.conv0", f"{theirs}/Conv0", KERNEL)
            names.add_weight_and_bias(f"blocks.{i}.conv1", f"{theirs}/Conv1_down", KERNEL)
        if level and config.connection == "resid":
            names.add(f"blocks.{i}.shortcut.weight", f"{theirs}/Skip/weight", KERNEL)
    names.add_weight_and_bias("epilogue.conv", "4x4/Conv", KERNEL)
    names.add_weight_and_bias("epilogue.hidden", "4x4/Dense0", TRANSPOSED)
    output = "Output" if config.resample == "[1,3,3,1]" else "4x4/Dense1"
    names.add_weight_and_bias("epilogue.output", output, TRANSPOSED)
    return names


def _level_scope(prefix: str, level: int) -> str:
    return f"{prefix}{4 << level}x{4 << level}"
