"""Networks of StyleGAN2-ADA in PyTorch, and those of StyleGAN3's repository with cfg=stylegan2.

A pickle holds `{"G", "D", "G_ema", ...}`, each an object whose class comes as source text, which is
never looked at: `_init_kwargs` and the tensors say all.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from stylesmith.config import DiscriminatorConfig, GeneratorConfig
from stylesmith.errors import ModelError
from stylesmith.models.interop.layout import (
    TensorShapes,
    channel_settings,
)
from stylesmith.models.interop.report import ExternalNetwork, NetworkRole
from stylesmith.models.interop.settings import StoredSettings
from stylesmith.models.interop.standins import CorruptFileError, InertObject, TensorView

ROLES: tuple[NetworkRole, ...] = ("G_ema", "G", "D")
ROLE_CLASSES = {"G_ema": "Generator", "G": "Generator", "D": "Discriminator"}
MAX_MODULE_DEPTH = 12
MAX_TENSORS = 5000
ARCHITECTURES = {"orig": "orig", "skip": "skip", "resnet": "resid"}
FILTER_NAME = "resample_filter"
MAX_STDDEV_GROUP = 1 << 20
"""A group of the minibatch standard deviation that no batch exceeds."""


def recognize(value: Any, source: str) -> dict[NetworkRole, ExternalNetwork] | None:
    """The networks, if these are the values of such a file."""
    if not isinstance(value, dict) or not any(role in value for role in ROLES):
        return None
    plain = value.get("init_kwargs")
    found: dict[NetworkRole, ExternalNetwork] = {}
    for role in ROLES:
        network = value.get(role)
        if isinstance(network, InertObject):
            found[role] = _network_from_object(network, role, source)
        elif isinstance(network, dict):
            tensors = {k: v.array() for k, v in network.items() if isinstance(v, TensorView)}
            kwargs = plain.get(role) if isinstance(plain, dict) else None
            settings = _flat_settings(kwargs if isinstance(kwargs, dict) else {})
            found[role] = ExternalNetwork(role, ROLE_CLASSES[role], tensors, settings)
    return found or None


def generator_config(network: ExternalNetwork, settings: StoredSettings) -> GeneratorConfig:
    """The architecture of a generator, from its tensors, and settings that leave no trace there."""
    source = settings.source
    _check_class(network, source)
    sizes = TensorShapes(network.tensors, source)
    if "synthesis.b4.const" not in sizes:
        raise ModelError(
            f"{source}: {network.label} is not a StyleGAN2 generator (it has no "
            "synthesis.b4.const); alias-free StyleGAN3 networks have no counterpart here."
        )
    levels = sizes.levels(sizes.numbers(r"synthesis\.b(\d+)\.conv1\.weight"))
    widths = [
        sizes.shape_of(f"synthesis.b{4 << level}.conv1.weight", axes=4)[0]
        for level in range(levels)
    ]
    _common_settings(settings)
    settings.require("use_noise", "synthesis.b4.conv1.noise_strength" in sizes)
    settings.ignore("z_dim", "c_dim", "w_dim", "layer_features", "embed_features", "num_ws")
    settings.ignore("num_layers", "fused_modconv_default", "truncation_psi")
    label = (
        sizes.shape_of("mapping.embed.weight", axes=2)[1] if "mapping.embed.weight" in sizes else 0
    )
    w_dim = sizes.shape_of("synthesis.b4.conv1.affine.weight", axes=2)[1]
    layers = sizes.count(r"mapping\.fc(\d+)\.weight")
    z_dim = (sizes.shape_of("mapping.fc0.weight", axes=2)[1] if layers else w_dim) - (
        w_dim if label else 0
    )
    return GeneratorConfig.model_validate(
        {
            **channel_settings(widths, source),
            "levels": levels,
            "connection": _connection(sizes, settings),
            "image_channels": sizes.shape_of(
                f"synthesis.b{4 << (levels - 1)}.torgb.weight", axes=4
            )[0],
            "noise": "synthesis.b4.conv1.noise_strength" in sizes,
            "label_size": label,
            "mapping": {
                "z_dim": z_dim,
                "w_dim": w_dim,
                "layers": layers,
                "lr_multiplier": settings.number("lr_multiplier", default=0.01),
                "w_avg_beta": settings.number("w_avg_beta", default=0.995),
                "label_mode": "embed" if label else "concat",
            },
        }
    )


def discriminator_config(network: ExternalNetwork, settings: StoredSettings) -> DiscriminatorConfig:
    """The architecture of a discriminator."""
    source = settings.source
    _check_class(network, source)
    sizes = TensorShapes(network.tensors, source)
    levels = sizes.levels(sizes.numbers(r"b(\d+)\.conv0\.weight"))
    widths = [sizes.shape_of("b4.conv.weight", axes=4)[0]]
    widths += [
        sizes.shape_of(f"b{4 << level}.conv0.weight", axes=4)[0] for level in range(1, levels)
    ]
    _common_settings(settings)
    settings.ignore("c_dim", "num_layers", "w_avg_beta", "cmap_dim")
    settings.ignore("block_kwargs.freeze_layers")  # decides what learns, no more
    label = (
        sizes.shape_of("mapping.embed.weight", axes=2)[1] if "mapping.embed.weight" in sizes else 0
    )
    return DiscriminatorConfig.model_validate(
        {
            **channel_settings(widths, source),
            "levels": levels,
            "connection": _connection(sizes, settings),
            "image_channels": sizes.shape_of(f"b{4 << (levels - 1)}.fromrgb.weight", axes=4)[1],
            "stddev_group": _stddev_group(settings),
            "stddev_features": sizes.shape_of("b4.conv.weight", axes=4)[1] - widths[0],
            "label_size": label,
            "label_mode": "projection" if label else "select",
            "label_layers": sizes.count(r"mapping\.fc(\d+)\.weight") if label else 8,
            "label_lr_multiplier": settings.number("lr_multiplier", default=0.01),
        }
    )


def _common_settings(settings: StoredSettings) -> None:
    """Settings of both networks that ours can't change, or needn't."""
    for name in ("activation", "block_kwargs.activation", "epilogue_kwargs.activation"):
        settings.require(name, "lrelu")
    for name in (FILTER_NAME, f"block_kwargs.{FILTER_NAME}"):
        settings.require(name, [1, 3, 3, 1])
    settings.ignore("img_resolution", "img_channels", "channel_base", "channel_max")
    settings.ignore("fp16_channels_last", "block_kwargs.fp16_channels_last", "use_fp16")
    for name in ("num_fp16_res", "conv_clamp"):
        if settings.values.get(name):
            settings.notes.append(f"{name} not taken over; half precision is chosen when drawing")
        settings.ignore(name)


def _connection(sizes: TensorShapes, settings: StoredSettings) -> str:
    """How levels are joined, as the tensors say; the setting must agree where there is one."""
    if sizes.has_match(r"(synthesis\.)?b\d+\.skip\.weight"):
        found = "resnet"
    elif len(sizes.numbers(r"(?:synthesis\.)?b(\d+)\.(?:torgb|fromrgb)\.weight")) > 1:
        found = "skip"
    else:
        found = "orig"
    settings.require("architecture", found)
    return ARCHITECTURES[found]


def _stddev_group(settings: StoredSettings) -> int:
    name = "epilogue_kwargs.mbstd_group_size"
    settings.ignore(name, "epilogue_kwargs.mbstd_num_channels")
    if name in settings.values and settings.values[name] is None:
        return MAX_STDDEV_GROUP
    return settings.integer(name, default=4)


def _check_class(network: ExternalNetwork, source: str) -> None:
    if network.label != ROLE_CLASSES[network.role]:
        raise ModelError(
            f"{source}: {network.role} is of class {network.label!a}, wanted "
            f"{ROLE_CLASSES[network.role]}: a derivative that stylesmith doesn't know."
        )


def _network_from_object(record: InertObject, role: NetworkRole, source: str) -> ExternalNetwork:
    tensors: dict[str, np.ndarray] = {}
    for name, tensor in _named_tensors(record, "", set()):
        tensors[name] = tensor.array()
        if len(tensors) > MAX_TENSORS:
            raise ModelError(f"{source}: refused: more than {MAX_TENSORS} tensors in {role}.")
    kwargs = record.state.get("_init_kwargs")
    settings = _flat_settings(kwargs if isinstance(kwargs, dict) else {})
    if record.state.get("_init_args"):
        settings["_init_args"] = "given"  # no published network has any: unknown, so refused
    return ExternalNetwork(role, record.name, tensors, settings)


def _named_tensors(
    record: InertObject, prefix: str, seen: set[int]
) -> Iterator[tuple[str, TensorView]]:
    """Tensors of a module and of all modules within; frozen layers keep theirs in buffers."""
    if prefix.count(".") > MAX_MODULE_DEPTH:
        raise CorruptFileError("modules within modules without end")
    for store in ("_parameters", "_buffers"):
        for name, tensor in _named_parts(record, store, seen):
            if isinstance(tensor, TensorView):
                yield prefix + name, tensor
    for name, module in _named_parts(record, "_modules", seen):
        if isinstance(module, InertObject):
            yield from _named_tensors(module, f"{prefix}{name}.", seen)


def _named_parts(record: InertObject, store: str, seen: set[int]) -> list[tuple[str, Any]]:
    """Named parts of a module. None of them stands at two places, or a file could be endless."""
    content = record.state.get(store)
    if not isinstance(content, dict):
        return []
    if id(content) in seen:
        raise CorruptFileError("a module at two places")
    seen.add(id(content))
    return [(name, value) for name, value in content.items() if isinstance(name, str)]


def _flat_settings(kwargs: Mapping[Any, Any]) -> dict[str, Any]:
    """Settings of mapping and synthesis beside those of the whole; of blocks, with a prefix."""
    flat: dict[str, Any] = {}
    for name, value in kwargs.items():
        if name in ("mapping_kwargs", "synthesis_kwargs") and isinstance(value, dict):
            flat |= {str(key): v for key, v in value.items()}
        elif name in ("block_kwargs", "epilogue_kwargs") and isinstance(value, dict):
            flat |= {f"{name}.{key}": v for key, v in value.items()}
        elif name != "class_name":
            flat[str(name)] = value
    return flat
