"""Networks of the TensorFlow programs: ProGAN, StyleGAN (version 3) and StyleGAN2 (version 4).

A pickle holds `(G, D, Gs)`, each a `Network` with its settings (`static_kwargs`), its variables as
`(name, array)` and, for generators, two networks within it, `mapping` and `synthesis`. The source
text that comes along is never read. The architecture follows from the names and shapes of the
variables; settings decide only what leaves no trace there.
"""

from typing import Any

import numpy as np

from stylesmith.config import ConvolutionalConfig, GeneratorConfig
from stylesmith.errors import ModelError
from stylesmith.models.interop.allowed_globals import (
    TENSORFLOW_NETWORK_CLASSES,
    InertObject,
    NumpyArray,
)
from stylesmith.models.interop.external_network import ExternalNetwork, NetworkRole, StoredSettings
from stylesmith.models.interop.name_map import TensorShapes, channel_settings

ROLES: tuple[NetworkRole, ...] = ("G", "D", "G_ema")
"""In the order of the file; TensorFlow calls the average Gs."""
COMPONENTS = ("mapping", "synthesis")
MAX_VARIABLES = 2000
STYLEGAN2 = 4
"""Version of the files that StyleGAN2 writes."""
STYLEGAN = 3


def recognize(value: Any, source: str) -> dict[NetworkRole, ExternalNetwork] | None:
    """The networks, if these are the values of such a file; of a lone network too."""
    if isinstance(value, InertObject) and value.name in TENSORFLOW_NETWORK_CLASSES:
        role: NetworkRole = (
            "D" if not value.state.get("components") and _is_discriminator(value) else "G_ema"
        )
        return {role: _network_from_object(value, role, source)}
    is_triple = isinstance(value, tuple) and len(value) == 3
    if not is_triple or not all(
        isinstance(n, InertObject) and n.name in TENSORFLOW_NETWORK_CLASSES for n in value
    ):
        return None
    return {
        role: _network_from_object(n, role, source) for role, n in zip(ROLES, value, strict=True)
    }


def generator_config(network: ExternalNetwork, settings: StoredSettings) -> GeneratorConfig:
    """The architecture of a generator."""
    sizes = TensorShapes(network.tensors, settings.source)
    if sizes.has_match(r"synthesis/.*/mod_weight"):
        return _stylegan2_config(sizes, settings)
    if sizes.has_match(r"(synthesis/)?ToRGB_lod\d+/weight"):
        return _stylegan_config(sizes, settings, network)
    raise ModelError(
        f"{settings.source}: {network.label} is not a generator of ProGAN, StyleGAN or StyleGAN2 "
        "(it has no ToRGB)."
    )


def _stylegan2_config(sizes: TensorShapes, settings: StoredSettings) -> GeneratorConfig:
    levels = sizes.levels(sizes.numbers(r"synthesis/(\d+)x\1/Conv1/weight"))
    widths = [sizes.shape_of("synthesis/4x4/Conv/weight", axes=4)[3]]
    widths += [
        sizes.shape_of(f"synthesis/{r}x{r}/Conv1/weight", axes=4)[3]
        for r in _resolutions_above_4(levels)
    ]
    connection = _generator_connection(sizes)
    top = "ToRGB_lod0" if connection == "grow" else f"{4 << levels - 1}x{4 << levels - 1}/ToRGB"
    _generator_settings(settings, resample=[1, 3, 3, 1])
    if connection != "grow":
        found = {"resid": "resnet"}.get(connection, connection)
        settings.require("architecture", found)
    mapping = _mapping_config(sizes, settings, _affine_width(sizes))
    return GeneratorConfig.model_validate(
        {
            **channel_settings(widths, settings.source),
            "levels": levels,
            "connection": connection,
            "image_channels": sizes.shape_of(f"synthesis/{top}/weight", axes=4)[3],
            "noise": "synthesis/4x4/Conv/noise_strength" in sizes,
            **mapping,
        }
    )


def _stylegan_config(
    sizes: TensorShapes, settings: StoredSettings, network: ExternalNetwork
) -> GeneratorConfig:
    prefix = "" if network.flat else "synthesis/"
    levels = sizes.levels(sizes.numbers(rf"{prefix}(\d+)x\1/Conv1/weight"))
    widths = [sizes.shape_of(f"{prefix}4x4/Conv/weight", axes=4)[3]]
    widths += [
        sizes.shape_of(f"{prefix}{r}x{r}/Conv1/weight", axes=4)[3]
        for r in _resolutions_above_4(levels)
    ]
    adaptive = sizes.has_match(r"synthesis/.*/StyleMod/weight")
    _generator_settings(settings, resample=None)
    _activation_settings(settings, adaptive=adaptive)
    blur = settings.values.get("blur_filter", None if network.flat else [1, 2, 1]) is not None
    if blur:
        settings.require("blur_filter", [1, 2, 1])
    settings.ignore("blur_filter")
    constant = f"{prefix}4x4/Const/const" in sizes
    dense = f"{prefix}4x4/Dense/weight"
    if adaptive:
        width = sizes.shape_of("synthesis/4x4/Conv/StyleMod/weight", axes=2)[0]
    else:
        width = sizes.shape_of(dense, axes=2)[0]
    return GeneratorConfig.model_validate(
        {
            **channel_settings(widths, settings.source),
            "kind": "adain" if adaptive else "traditional",
            "connection": "grow",
            "levels": levels,
            "image_channels": sizes.shape_of(f"{prefix}ToRGB_lod0/weight", axes=4)[3],
            "constant_input": constant,
            "blur": blur,
            "noise": f"{prefix}4x4/Conv/Noise/weight" in sizes,
            **_mapping_config(sizes, settings, width),
        }
    )


def _mapping_config(sizes: TensorShapes, settings: StoredSettings, w_dim: int) -> dict[str, Any]:
    """Mapping network and label; `w_dim` is what synthesis wants."""
    layers = sizes.count(r"mapping/Dense(\d+)/weight")
    label, joined, mode = 0, 0, "concat"
    if "mapping/LabelConcat/weight" in sizes:
        label, joined = sizes.shape_of("mapping/LabelConcat/weight", axes=2)
    elif "mapping/LabelEmbed/weight" in sizes:
        (label, joined), mode = sizes.shape_of("mapping/LabelEmbed/weight", axes=2), "embed"
    elif settings.integer("label_size", default=0):
        raise ModelError(
            f"{settings.source}: takes labels, but has no weights for them in its mapping, as "
            "ProGAN's; that has no counterpart here."
        )
    entered = sizes.shape_of("mapping/Dense0/weight", axes=2)[0] if layers else w_dim
    settings.ignore("label_size", "latent_size", "dlatent_size", "label_fmaps", "mapping_fmaps")
    return {
        "label_size": label,
        "mapping": {
            "z_dim": entered - joined,
            "w_dim": w_dim if layers else entered - joined,
            "layers": layers,
            "lr_multiplier": settings.number("mapping_lrmul", default=0.01),
            "w_avg_beta": settings.number("dlatent_avg_beta", "w_avg_beta", default=0.995),
            "label_mode": mode,
        },
    }


def discriminator_config(network: ExternalNetwork, settings: StoredSettings) -> ConvolutionalConfig:
    """The architecture of a discriminator."""
    sizes = TensorShapes(network.tensors, settings.source)
    levels = sizes.levels(sizes.numbers(r"(\d+)x\1/Conv0/weight"))
    widths = [sizes.shape_of("4x4/Conv/weight", axes=4)[3]]
    widths += [
        sizes.shape_of(f"{r}x{r}/Conv0/weight", axes=4)[3] for r in _resolutions_above_4(levels)
    ]
    connection, revised = _discriminator_connection(sizes), "Output/weight" in sizes
    if connection != "grow":
        settings.require("architecture", {"resid": "resnet"}.get(connection, connection))
    first = (
        "FromRGB_lod0" if connection == "grow" else f"{4 << levels - 1}x{4 << levels - 1}/FromRGB"
    )
    if sizes.has_match("LabelEmbed/weight"):
        raise ModelError(
            f"{settings.source}: its label mapping is that of StyleGAN2-ADA in TensorFlow, which "
            "has no counterpart here; the generator can be imported."
        )
    outputs = sizes.shape_of("Output/weight" if revised else "4x4/Dense1/weight", axes=2)[1]
    return ConvolutionalConfig.model_validate(
        {
            **channel_settings(widths, settings.source),
            "levels": levels,
            "connection": connection,
            "resample": _discriminator_resample(settings, network, revised=revised),
            "image_channels": sizes.shape_of(f"{first}/weight", axes=4)[2],
            "stddev_group": settings.integer("mbstd_group_size", default=4),
            "stddev_features": sizes.shape_of("4x4/Conv/weight", axes=4)[2] - widths[0],
            "label_size": _label_size(settings, outputs, network),
        }
    )


def _discriminator_resample(
    settings: StoredSettings, network: ExternalNetwork, *, revised: bool
) -> str:
    """The discriminator's filter: by its program, since it leaves no trace in the variables."""
    _common_settings(settings)
    settings.ignore("mbstd_num_features")
    if revised:
        settings.require("resample_kernel", [1, 3, 3, 1])
        return "[1,3,3,1]"
    default = [1, 2, 1] if network.version >= STYLEGAN else None
    settings.require("blur_filter", default, [1, 2, 1], None)
    return "[1,2,1]" if settings.values.get("blur_filter", default) else "box"


def _label_size(settings: StoredSettings, outputs: int, network: ExternalNetwork) -> int:
    """One output per class; ProGAN's discriminator ignores labels."""
    found = settings.integer("label_size", default=outputs if outputs > 1 else 0)
    if network.version < STYLEGAN and outputs == 1:
        return 0
    return found


def _generator_settings(settings: StoredSettings, *, resample: list[int] | None) -> None:
    """Settings of all generators that ours can't change, or needn't."""
    _common_settings(settings)
    for name in ("normalize_latents", "normalize_z"):
        settings.require(name, True)
    settings.require("mapping_nonlinearity", "lrelu")
    if resample:
        settings.require("resample_kernel", resample)
    settings.ignore("truncation_psi", "truncation_cutoff", "style_mixing_prob", "use_noise")
    settings.ignore("truncation_psi_val", "truncation_cutoff_val", "conditioning")
    settings.ignore("randomize_noise", "dlatent_broadcast", "mapping_func", "synthesis_func")
    settings.ignore("dlatent_avg_beta", "w_avg_beta", "mapping_layers", "mapping_lrmul")
    settings.ignore("mapping_use_wscale", "return_dlatents", "components")


def _activation_settings(settings: StoredSettings, *, adaptive: bool) -> None:
    """Which normalization follows a layer (StyleGAN and ProGAN)."""
    settings.require("use_styles", adaptive)
    settings.require("use_instance_norm", adaptive, *((None,) if not adaptive else ()))
    settings.require("use_pixel_norm", not adaptive)
    settings.require("use_pixelnorm", not adaptive)
    settings.ignore("const_input_layer", "fused_scale", "pixelnorm_epsilon")


def _common_settings(settings: StoredSettings) -> None:
    for name in ("nonlinearity", "act"):
        settings.require(name, "lrelu")
    settings.require("use_wscale", True)
    settings.require("fmap_decay", 1.0, 1)
    settings.ignore("fmap_base", "fmap_max", "fmap_min", "resolution", "num_channels", "dtype")
    settings.ignore("structure", "is_template_graph", "force_clean_graph", "is_training")
    settings.ignore("is_validation", "fused_modconv", "func_name", "name", "fused_scale")
    for name in ("num_fp16_res", "conv_clamp"):
        if settings.values.get(name):
            settings.notes.append(f"{name} not taken over; half precision is chosen when drawing")
        settings.ignore(name)
    for name in ("min_h", "min_w"):  # of forks for other aspect ratios
        settings.require(name, 4)
    settings.ignore("res_log2")


def fused_scale_from(network: ExternalNetwork, config: GeneratorConfig) -> int:
    """The lowest resolution whose up-convolution is one fused step, with flipped kernels."""
    choice = network.settings.get("fused_scale", True if network.flat else "auto")
    if choice == "auto":
        return 128
    return 8 if choice is True else 1 << 20


def _generator_connection(sizes: TensorShapes) -> str:
    if sizes.has_match(r"synthesis/ToRGB_lod\d+/weight"):
        return "grow"
    if sizes.has_match(r"synthesis/\d+x\d+/Skip/weight"):
        return "resid"
    return "skip" if "synthesis/4x4/ToRGB/weight" in sizes else "orig"


def _discriminator_connection(sizes: TensorShapes) -> str:
    if sizes.has_match(r"FromRGB_lod\d+/weight"):
        return "grow"
    if sizes.has_match(r"\d+x\d+/Skip/weight"):
        return "resid"
    return "skip" if "4x4/FromRGB/weight" in sizes else "orig"


def _affine_width(sizes: TensorShapes) -> int:
    return sizes.shape_of("synthesis/4x4/Conv/mod_weight", axes=2)[0]


def _resolutions_above_4(levels: int) -> list[int]:
    return [4 << level for level in range(1, levels)]


def _is_discriminator(record: InertObject) -> bool:
    return any("FromRGB" in name for name, _ in _variables(record))


def _network_from_object(record: InertObject, role: NetworkRole, source: str) -> ExternalNetwork:
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
    if len(tensors) > MAX_VARIABLES:
        raise ModelError(f"{source}: refused: more than {MAX_VARIABLES} variables in {role}.")
    version = record.state.get("version")
    return ExternalNetwork(
        role,
        str(record.state.get("build_func_name"))[:80],
        tensors,
        settings,
        version=version if isinstance(version, int) else 0,
        flat=not found,
    )


def _variables(record: InertObject) -> list[tuple[str, NumpyArray]]:
    content = record.state.get("variables")
    pairs = content if isinstance(content, list | tuple) else []
    return [
        (pair[0], pair[1])
        for pair in pairs
        if isinstance(pair, tuple | list)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], NumpyArray)
    ]
