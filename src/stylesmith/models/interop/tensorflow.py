"""Networks of the TensorFlow programs: ProGAN, StyleGAN (version 3) and StyleGAN2 (version 4).

A pickle holds `(G, D, Gs)`, each a `Network` with its settings (`static_kwargs`), its variables as
`(name, array)` and, for generators, two networks within it, `mapping` and `synthesis`. The source
text that comes along is never read. The architecture follows from the names and shapes of the
variables; settings decide only what leaves no trace there.

Dense weights are `(in, out)`, kernels `(k, k, in, out)`. Styles of StyleGAN2 are learned around 0.
StyleGAN and ProGAN repeat pixels and convolve in one step, from 128x128 on or always; that step
convolves with the stored kernel rotated by 180 degrees.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from stylesmith.config import (
    ConvolutionalConfig,
    GeneratorConfig,
    ModulatedConfig,
    ProgressiveConfig,
    TraditionalConfig,
)
from stylesmith.models.interop.allowed_globals import (
    TENSORFLOW_NETWORK_CLASSES,
    InertObject,
    NumpyArray,
)
from stylesmith.models.interop.external_network import ExternalNetwork, NetworkRole
from stylesmith.models.interop.name_map import (
    COPY,
    FLIPPED,
    KERNEL,
    PLUS_ONE,
    TRANSPOSED,
    NameMap,
    NameRule,
)
from stylesmith.models.interop.network_reader import NetworkReader

ROLES: tuple[NetworkRole, ...] = ("G", "D", "G_ema")
"""In the order of the file; TensorFlow calls the average Gs."""
COMPONENTS = ("mapping", "synthesis")
STYLEGAN = 3
"""Version of the files that StyleGAN writes."""
GROWTH_STATE = {r"(synthesis/)?lod": "state of progressive growing"}


def recognize(value: Any) -> dict[NetworkRole, ExternalNetwork] | None:
    """The networks, if these are the values of such a file; of a lone network too."""
    networks = value if isinstance(value, tuple) and len(value) == 3 else (value,)
    classes = TENSORFLOW_NETWORK_CLASSES
    if not all(isinstance(n, InertObject) and n.name in classes for n in networks):
        return None
    roles = ROLES
    if len(networks) == 1:
        discriminates = any("FromRGB" in name for name, _ in _variables(value))
        roles = ("D" if discriminates and not value.state.get("components") else "G_ema",)
    return {
        role: _network_from_object(network, role)
        for role, network in zip(roles, networks, strict=True)
    }


def generator_config(reader: NetworkReader) -> GeneratorConfig:
    """The architecture of a generator."""
    if reader.has_match(r"synthesis/.*/mod_weight"):
        prefix, fields = "synthesis/", _stylegan2_fields(reader)
    elif reader.has_match(r"(synthesis/)?ToRGB_lod\d+/weight"):
        prefix = "" if reader.network.flat else "synthesis/"
        fields = _stylegan_fields(reader, prefix)
    else:
        raise reader.error(
            f"{reader.network.class_name} is not a generator of ProGAN, StyleGAN or StyleGAN2 (it "
            "has no ToRGB)."
        )
    _generator_settings(reader)
    labels = reader.has_match("mapping/Label(Concat|Embed)/weight")
    if not labels and reader.integer("label_size", default=0):
        raise reader.error(
            "takes labels, but has no weights for them in its mapping, as ProGAN's; that has no "
            "counterpart here."
        )
    reader.ignore("dlatent_size", "label_fmaps", "mapping_fmaps")
    fields["levels"] = reader.levels(rf"{prefix}(\d+)x\1/Conv1/weight")
    fields["mapping"] = {
        "lr_multiplier": reader.number("mapping_lrmul", default=0.01),
        "w_avg_beta": reader.number("dlatent_avg_beta", "w_avg_beta", default=0.995),
    }
    config = reader.generator_config(generator_names, fields)
    reader.check_sizes(latent_size=config.mapping.z_dim, label_size=config.label_size)
    return config


def _stylegan2_fields(reader: NetworkReader) -> dict[str, Any]:
    reader.require("resample_kernel", [1, 3, 3, 1])
    noise = "synthesis/4x4/Conv/noise_strength" in reader.network.tensors
    return {"connection": _connection(reader, "synthesis/", "ToRGB"), "noise": noise}


def _stylegan_fields(reader: NetworkReader, prefix: str) -> dict[str, Any]:
    adaptive = reader.has_match(r"synthesis/.*/StyleMod/weight")
    reader.require("use_styles", adaptive)
    reader.require("use_instance_norm", adaptive, *((None,) if not adaptive else ()))
    reader.require("use_pixel_norm", not adaptive)
    reader.require("use_pixelnorm", not adaptive)
    reader.ignore("const_input_layer", "fused_scale", "pixelnorm_epsilon", "blur_filter")
    default = None if reader.network.flat else [1, 2, 1]
    blur = reader.network.settings.get("blur_filter", default) is not None
    if blur:
        reader.require("blur_filter", [1, 2, 1])
    return {
        "kind": "adain" if adaptive else "traditional",
        "connection": "grow",
        "constant_input": f"{prefix}4x4/Const/const" in reader.network.tensors,
        "blur": blur,
        "noise": f"{prefix}4x4/Conv/Noise/weight" in reader.network.tensors,
    }


def _connection(reader: NetworkReader, prefix: str, rgb: str) -> str:
    """How levels are joined; `rgb` is ToRGB or FromRGB."""
    if reader.has_match(rf"{prefix}{rgb}_lod\d+/weight"):
        return "grow"
    scope = rf"{prefix}(\d+)x\1"
    return reader.connection(f"{scope}/Skip/weight", f"{scope}/{rgb}/weight")


def discriminator_config(reader: NetworkReader) -> ConvolutionalConfig:
    """The architecture of a discriminator."""
    if reader.has_match("LabelEmbed/weight"):
        raise reader.error(
            "its label mapping is that of StyleGAN2-ADA in TensorFlow, which has no counterpart "
            "here; the generator can be imported."
        )
    version, revised = reader.network.version, reader.has_match("Output/weight")
    output = "Output/weight" if revised else "4x4/Dense1/weight"
    outputs = reader.shape_of(NameRule("epilogue.output.weight", output, TRANSPOSED), axes=2)[0]
    # One output per class; ProGAN's discriminator ignores labels.
    label_size = reader.integer("label_size", default=outputs if outputs > 1 else 0)
    if version < STYLEGAN and outputs == 1:
        label_size = 0
    fields = {
        "levels": reader.levels(r"(\d+)x\1/Conv0/weight"),
        "connection": _connection(reader, "", "FromRGB"),
        "resample": _discriminator_resample(reader, version, revised=revised),
        "stddev_group": reader.integer("mbstd_group_size", default=4),
        "label_size": label_size,
    }
    return reader.discriminator_config(discriminator_names, fields)


def _discriminator_resample(reader: NetworkReader, version: int, *, revised: bool) -> str:
    """The discriminator's filter: by its program, since it leaves no trace in the variables."""
    _common_settings(reader)
    reader.ignore("mbstd_num_features")
    if revised:
        reader.require("resample_kernel", [1, 3, 3, 1])
        return "[1,3,3,1]"
    default = [1, 2, 1] if version >= STYLEGAN else None
    reader.require("blur_filter", default, [1, 2, 1], None)
    return "[1,2,1]" if reader.network.settings.get("blur_filter", default) else "box"


def _generator_settings(reader: NetworkReader) -> None:
    """Settings of all generators that ours can't change, or needn't."""
    _common_settings(reader)
    reader.require("normalize_latents", True)
    reader.require("normalize_z", True)
    reader.require("mapping_nonlinearity", "lrelu")
    reader.ignore("truncation_psi", "truncation_cutoff", "style_mixing_prob", "use_noise")
    reader.ignore("truncation_psi_val", "truncation_cutoff_val", "conditioning")
    reader.ignore("randomize_noise", "dlatent_broadcast", "mapping_func", "synthesis_func")
    reader.ignore("dlatent_avg_beta", "w_avg_beta", "mapping_layers", "mapping_lrmul")
    reader.ignore("mapping_use_wscale", "return_dlatents", "components")


def _common_settings(reader: NetworkReader) -> None:
    reader.require("nonlinearity", "lrelu")
    reader.require("act", "lrelu")
    reader.require("use_wscale", True)
    reader.require("fmap_decay", 1.0, 1)
    reader.ignore("fmap_base", "fmap_max", "fmap_min", "resolution", "num_channels", "dtype")
    reader.ignore("structure", "is_template_graph", "force_clean_graph", "is_training")
    reader.ignore("is_validation", "fused_modconv", "func_name", "name", "fused_scale")
    reader.ignore_half_precision()
    reader.require("min_h", 4)  # of forks for other aspect ratios
    reader.require("min_w", 4)
    reader.ignore("res_log2")


def fused_scale_from(network: ExternalNetwork) -> int:
    """The lowest resolution whose up-convolution is one fused step, with flipped kernels."""
    choice = network.settings.get("fused_scale", True if network.flat else "auto")
    if choice == "auto":
        return 128
    return 8 if choice is True else 1 << 20


def _network_from_object(record: InertObject, role: NetworkRole) -> ExternalNetwork:
    """One network: variables and settings of its parts beside its own."""
    tensors: dict[str, np.ndarray] = {}
    settings: dict[str, Any] = {}
    components = record.state.get("components")
    parts = components if isinstance(components, dict) else {}
    found = {name: parts[name] for name in COMPONENTS if isinstance(parts.get(name), InertObject)}
    for name, part in {"": record, **found}.items():
        tensors |= {f"{name}/{n}".lstrip("/"): a.array() for n, a in _variables(part)}
        kwargs = part.state.get("static_kwargs")
        settings = {**settings, **(kwargs if isinstance(kwargs, dict) else {})}
    version = record.state.get("version")
    return ExternalNetwork(
        role,
        str(record.state.get("build_func_name"))[:80],
        tensors,
        settings,
        version=version if isinstance(version, int) else 0,
        flat=not found,
    )


def _variables(record: InertObject) -> Iterator[tuple[str, NumpyArray]]:
    content = record.state.get("variables")
    for pair in content if isinstance(content, list | tuple) else ():
        match pair:
            case [str() as name, NumpyArray() as array]:
                yield name, array


def generator_names(config: GeneratorConfig, network: ExternalNetwork | None = None) -> NameMap:
    """Names of a generator's variables, in the file at hand or in one to be written."""
    names = NameMap(ignored=dict(GROWTH_STATE), separator="/")
    network = network or ExternalNetwork("G", "", {}, flat=is_progan(config))
    names.add("mapping.label_weight", "mapping/LabelConcat/weight")
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
        prefix = "" if network.flat else "synthesis/"
        _add_unmodulated(names, config, prefix, fused_scale_from(network))
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
    growing = config.connection == "grow"
    for level in range(config.levels):
        ours, theirs = f"synthesis.blocks.{level}", _level_scope("synthesis/", level)
        rgb = f"synthesis/ToRGB_lod{config.levels - 1 - level}" if growing else f"{theirs}/ToRGB"
        _add_styled(names, f"{ours}.conv0", f"{theirs}/Conv0_up")
        _add_styled(names, f"{ours}.conv1", f"{theirs}/{'Conv1' if level else 'Conv'}")
        _add_styled(names, f"{ours}.to_rgb", rgb)
        names.add(f"{ours}.shortcut.weight", f"{theirs}/Skip/weight", KERNEL)
    _add_styled(names, "synthesis.to_rgb", rgb)


def _add_styled(names: NameMap, ours: str, theirs: str) -> None:
    names.add_weight_and_bias(ours, theirs, KERNEL)
    names.add(f"{ours}.affine.weight", f"{theirs}/mod_weight", TRANSPOSED)
    names.add(f"{ours}.affine.bias", f"{theirs}/mod_bias", PLUS_ONE)
    names.add(f"{ours}.noise_strength", f"{theirs}/noise_strength")


def _add_unmodulated(
    names: NameMap, config: ProgressiveConfig, prefix: str, flipped_from: int
) -> None:
    for level in range(config.levels):
        theirs, block = _level_scope(prefix, level), f"synthesis.blocks.{level}"
        source, tensor, layout = f"{theirs}/Dense", "weight", TRANSPOSED
        if level:
            flipped = 4 << level >= flipped_from
            source, layout = f"{theirs}/Conv0_up", KERNEL.then(FLIPPED) if flipped else KERNEL
        elif config.constant_input:
            source, tensor, layout = f"{theirs}/Const", "const", COPY
        names.add(f"{block}.layer0.source.{tensor}", f"{source}/{tensor}", layout)
        _add_epilogue(names, f"{block}.layer0", source)
        conv = f"{theirs}/Conv1" if level else f"{theirs}/Conv"
        names.add(f"{block}.layer1.source.weight", f"{conv}/weight", KERNEL)
        _add_epilogue(names, f"{block}.layer1", conv)
        lod = config.levels - 1 - level
        names.add_weight_and_bias(f"synthesis.to_rgb.{level}", f"{prefix}ToRGB_lod{lod}", KERNEL)


def _add_epilogue(names: NameMap, ours: str, theirs: str) -> None:
    """What follows a source of features; StyleGAN's style scales are learned around 0 by both."""
    names.add(f"{ours}.bias", f"{theirs}/bias")
    names.add(f"{ours}.noise_strength", f"{theirs}/Noise/weight")
    names.add_weight_and_bias(f"{ours}.affine", f"{theirs}/StyleMod", TRANSPOSED)


def discriminator_names(config: ConvolutionalConfig) -> NameMap:
    """Names of a discriminator's variables."""
    names = NameMap(ignored=dict(GROWTH_STATE), separator="/")
    top = config.levels - 1
    names.add_weight_and_bias("from_rgb", f"{_level_scope('', top)}/FromRGB", KERNEL)
    for i, level in enumerate(range(top, -1, -1)):
        ours, theirs = f"blocks.{i}", _level_scope("", level)
        rgb = f"FromRGB_lod{i}" if config.connection == "grow" else f"{theirs}/FromRGB"
        names.add_weight_and_bias(f"from_rgb.{i}", rgb, KERNEL)
        names.add_weight_and_bias(f"{ours}.conv0", f"{theirs}/Conv0", KERNEL)
        names.add_weight_and_bias(f"{ours}.conv1", f"{theirs}/Conv1_down", KERNEL)
        names.add(f"{ours}.shortcut.weight", f"{theirs}/Skip/weight", KERNEL)
    names.add_weight_and_bias("epilogue.conv", "4x4/Conv", KERNEL)
    names.add_weight_and_bias("epilogue.hidden", "4x4/Dense0", TRANSPOSED)
    output = "Output" if config.resample == "[1,3,3,1]" else "4x4/Dense1"
    names.add_weight_and_bias("epilogue.output", output, TRANSPOSED)
    return names


def _level_scope(prefix: str, level: int) -> str:
    return f"{prefix}{4 << level}x{4 << level}"
