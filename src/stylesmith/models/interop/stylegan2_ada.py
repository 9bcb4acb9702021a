"""Networks of StyleGAN2-ADA in PyTorch, and of StyleGAN3's repository with cfg=stylegan2.

A pickle holds `{"G", "D", "G_ema", ...}`, each an object whose class comes as source text, which is
never read: `_init_kwargs` and the tensors are enough. Up-convolutions there are true convolutions,
so their kernels are ours flipped.
"""

from collections.abc import Iterator
from typing import Any

from stylesmith.config import ConvolutionalConfig, GeneratorConfig
from stylesmith.models.interop.allowed_globals import (
    InertObject,
    TensorView,
    ensure,
    tensor_arrays,
)
from stylesmith.models.interop.external_network import ExternalNetwork, NetworkRole
from stylesmith.models.interop.name_map import (
    COPY,
    FLIPPED,
    GRID,
    UNBATCHED,
    NameMap,
    NameRule,
    TensorLayout,
    fir_kernel,
)
from stylesmith.models.interop.network_reader import ARCHITECTURES, NetworkReader

ROLES: tuple[NetworkRole, ...] = ("G_ema", "G", "D")
TUPLE_ROLES: tuple[NetworkRole, ...] = ("G", "D", "G_ema")
"""Roles in a tuple of three networks, in the order of the older pickles."""
GENERATOR_TENSORS = {"synthesis.b4.const"}
"""Names that show a dictionary to be a generator's `state_dict`."""
ROLE_CLASSES = {"G_ema": "Generator", "G": "Generator", "D": "Discriminator"}
MAX_MODULE_DEPTH = 12
FILTER_NAME = "resample_filter"
MAX_STDDEV_GROUP = 1 << 20
"""A group of the minibatch standard deviation that no batch exceeds."""


def recognize(value: Any) -> dict[NetworkRole, ExternalNetwork] | None:
    """The networks, if these are the values of such a file; of a lone network too."""
    value = _by_role(value)
    if not isinstance(value, dict) or not any(role in value for role in ROLES):
        return None
    plain = value.get("init_kwargs")
    found: dict[NetworkRole, ExternalNetwork] = {}
    for role in ROLES:
        network = value.get(role)
        if isinstance(network, InertObject):
            found[role] = _network_from_object(network, role)
        elif isinstance(network, dict):
            settings = _flat_settings(plain.get(role) if isinstance(plain, dict) else None)
            tensors = tensor_arrays(network)
            found[role] = ExternalNetwork(role, ROLE_CLASSES[role], tensors, settings)
    return found or None


def _by_role(value: Any) -> Any:
    """The networks of a file by role, also of one that names no roles.

    Those are a whole network, as PTI saves its tuned generator; its `state_dict`; and a tuple of
    the three networks in the order (G, D, G_ema).
    """
    if isinstance(value, InertObject) and value.name in ROLE_CLASSES.values():
        return {"D" if value.name == ROLE_CLASSES["D"] else "G_ema": value}
    if isinstance(value, dict) and tensor_arrays(value).keys() & GENERATOR_TENSORS:
        return {"G_ema": value}
    classes = [ROLE_CLASSES[role] for role in TUPLE_ROLES]
    if isinstance(value, tuple | list) and [getattr(v, "name", None) for v in value] == classes:
        return dict(zip(TUPLE_ROLES, value, strict=True))
    return value


def generator_config(reader: NetworkReader) -> GeneratorConfig:
    """The architecture of a generator, from its tensors, and settings that leave no trace there."""
    _check_network(reader)
    tensors = reader.network.tensors
    if "synthesis.b4.const" not in tensors:
        raise reader.error(
            f"{reader.network.class_name} is not a StyleGAN2 generator (it has no "
            "synthesis.b4.const); alias-free StyleGAN3 networks have no counterpart here."
        )
    noise = "synthesis.b4.conv1.noise_strength" in tensors
    reader.require("use_noise", noise)
    reader.ignore("layer_features", "embed_features", "num_ws")
    reader.ignore("num_layers", "fused_modconv_default", "truncation_psi")
    fields = {
        "levels": reader.levels(r"synthesis\.b(\d+)\.conv1\.weight"),
        "connection": _connection(reader),
        "noise": noise,
        "mapping": {
            "lr_multiplier": reader.number("lr_multiplier", default=0.01),
            "w_avg_beta": reader.number("w_avg_beta", default=0.995),
        },
    }
    config = reader.generator_config(generator_names, fields)
    mapping = config.mapping
    reader.check_sizes(z_dim=mapping.z_dim, w_dim=mapping.w_dim, c_dim=config.label_size)
    return config


def discriminator_config(reader: NetworkReader) -> ConvolutionalConfig:
    """The architecture of a discriminator."""
    _check_network(reader)
    reader.ignore("num_layers", "w_avg_beta", "cmap_dim")
    reader.ignore("block_kwargs.freeze_layers")  # decides what learns, no more
    fields: dict[str, Any] = {
        "levels": reader.levels(r"b(\d+)\.conv0\.weight"),
        "connection": _connection(reader),
        "stddev_group": _stddev_group(reader),
        "label_lr_multiplier": reader.number("lr_multiplier", default=0.01),
    }
    embed = NameRule("epilogue.label_mapping.embed.weight", "mapping.embed.weight")
    if embed.theirs in reader.network.tensors:
        fields["label_size"] = reader.shape_of(embed, axes=2)[1]
        fields["label_mode"] = "projection"
        fields["label_layers"] = len(reader.numbers(r"mapping\.fc(\d+)\.weight"))
    reader.check_sizes(c_dim=fields.get("label_size", 0))
    return reader.discriminator_config(discriminator_names, fields)


def _check_network(reader: NetworkReader) -> None:
    """Check what both kinds of networks share: their class, and settings that ours can't change."""
    network = reader.network
    if network.class_name != ROLE_CLASSES[network.role]:
        raise reader.error(
            f"{network.role} is of class {network.class_name!a}, wanted "
            f"{ROLE_CLASSES[network.role]}: a derivative that stylesmith doesn't know."
        )
    for name in ("activation", "block_kwargs.activation", "epilogue_kwargs.activation"):
        reader.require(name, "lrelu")
    for name in (FILTER_NAME, f"block_kwargs.{FILTER_NAME}"):
        reader.require(name, [1, 3, 3, 1])
    reader.ignore("img_resolution", "img_channels", "channel_base", "channel_max")
    reader.ignore("fp16_channels_last", "block_kwargs.fp16_channels_last", "use_fp16")
    reader.ignore_half_precision()


def _connection(reader: NetworkReader) -> str:
    """How levels are joined."""
    block = r"(?:synthesis\.)?b(\d+)"
    return reader.connection(rf"{block}\.skip\.weight", rf"{block}\.(?:torgb|fromrgb)\.weight")


def _stddev_group(reader: NetworkReader) -> int:
    name = "epilogue_kwargs.mbstd_group_size"
    reader.ignore(name, "epilogue_kwargs.mbstd_num_channels")
    if reader.network.settings.get(name, 0) is None:
        return MAX_STDDEV_GROUP
    return reader.integer(name, default=4)


def _network_from_object(record: InertObject, role: NetworkRole) -> ExternalNetwork:
    tensors = {name: tensor.array() for name, tensor in _named_tensors(record, "", set())}
    settings = _flat_settings(record.state.get("_init_kwargs"))
    if record.state.get("_init_args"):
        settings["_init_args"] = "given"  # no published network has any: unknown, so refused
    return ExternalNetwork(role, record.name, tensors, settings)


def _named_tensors(
    record: InertObject, prefix: str, seen: set[int]
) -> Iterator[tuple[str, TensorView]]:
    """Tensors of a module and of all modules within; frozen layers keep theirs in buffers."""
    ensure(prefix.count(".") <= MAX_MODULE_DEPTH, "modules within modules without end")
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
    ensure(id(content) not in seen, "a module at two places")
    seen.add(id(content))
    return [(name, value) for name, value in content.items() if isinstance(name, str)]


def _flat_settings(kwargs: Any) -> dict[str, Any]:
    """Settings of mapping and synthesis beside those of the whole; of blocks, with a prefix."""
    flat: dict[str, Any] = {}
    for name, value in kwargs.items() if isinstance(kwargs, dict) else ():
        if name in ("mapping_kwargs", "synthesis_kwargs") and isinstance(value, dict):
            flat |= {str(key): v for key, v in value.items()}
        elif name in ("block_kwargs", "epilogue_kwargs") and isinstance(value, dict):
            flat |= {f"{name}.{key}": v for key, v in value.items()}
        elif name != "class_name":
            flat[str(name)] = value
    return flat


def generator_names(config: GeneratorConfig, network: ExternalNetwork | None = None) -> NameMap:
    """Names of a generator's tensors."""
    names = NameMap(ignored={rf"(.*\.)?{FILTER_NAME}": "constant filter"})
    names.add_weight_and_bias("mapping.embed", "mapping.embed")
    for i in range(config.mapping.layers):
        names.add_weight_and_bias(f"mapping.layers.{i}", f"mapping.fc{i}")
    names.add("mapping.w_avg", "mapping.w_avg")
    names.add("synthesis.const", "synthesis.b4.const", UNBATCHED)
    for level in range(config.levels):
        ours, theirs = f"synthesis.blocks.{level}", f"synthesis.b{4 << level}"
        _add_filter(names, theirs)
        for i in range(0 if level else 1, 2):
            conv = f"{theirs}.conv{i}"
            _add_styled(names, f"{ours}.conv{i}", conv, COPY if i else FLIPPED)
            _add_filter(names, conv)
            names.add(f"{ours}.conv{i}.noise_strength", f"{conv}.noise_strength")
            names.add(f"synthesis.noise_{2 * level - 1 + i}", f"{conv}.noise_const", GRID)
        _add_styled(names, f"{ours}.to_rgb", f"{theirs}.torgb")
        _add_shortcut(names, config.connection, ours, theirs, level)
    _add_styled(names, "synthesis.to_rgb", f"{theirs}.torgb")
    return names


def _add_styled(names: NameMap, ours: str, theirs: str, layout: TensorLayout = COPY) -> None:
    names.add_weight_and_bias(ours, theirs, layout)
    names.add_weight_and_bias(f"{ours}.affine", f"{theirs}.affine")


def _add_shortcut(names: NameMap, connection: str, ours: str, theirs: str, level: int) -> None:
    if connection == "resid" and level:
        names.add(f"{ours}.shortcut.weight", f"{theirs}.skip.weight")
        _add_filter(names, f"{theirs}.skip")


def _add_filter(names: NameMap, theirs: str) -> None:
    names.filters[f"{theirs}.{FILTER_NAME}"] = fir_kernel()


def discriminator_names(config: ConvolutionalConfig) -> NameMap:
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
            _add_filter(names, theirs)
        _add_shortcut(names, config.connection, f"blocks.{i}", theirs, level)
    _add_conv(names, "epilogue.conv", "b4.conv")
    names.add_weight_and_bias("epilogue.hidden", "b4.fc")
    names.add_weight_and_bias("epilogue.output", "b4.out")
    names.add_weight_and_bias("epilogue.label_mapping.embed", "mapping.embed")
    for i in range(config.label_layers):
        names.add_weight_and_bias(f"epilogue.label_mapping.layers.{i}", f"mapping.fc{i}")
    names.ours_only.append("epilogue.label_mapping.w_avg")
    return names


def _add_conv(names: NameMap, ours: str, theirs: str) -> None:
    names.add_weight_and_bias(ours, theirs)
    _add_filter(names, theirs)


def network_kwargs(config: GeneratorConfig | ConvolutionalConfig) -> dict[str, Any]:
    """The arguments with which such a network is made there."""
    image = {"img_resolution": config.size()[0], "img_channels": config.image_channels}
    pyramid = {
        "channel_base": config.channel_base,
        "channel_max": config.max_channels,
        "architecture": ARCHITECTURES[config.connection],
        "num_fp16_res": 0,
    }
    if isinstance(config, ConvolutionalConfig):
        return {
            "c_dim": config.label_size,
            **image,
            **pyramid,
            "mapping_kwargs": {
                "num_layers": config.label_layers,
                "lr_multiplier": config.label_lr_multiplier,
            },
            "epilogue_kwargs": {
                "mbstd_group_size": config.stddev_group,
                "mbstd_num_channels": config.stddev_features,
            },
        }
    return {
        "z_dim": config.mapping.z_dim,
        "c_dim": config.label_size,
        "w_dim": config.mapping.w_dim,
        **image,
        "mapping_kwargs": {
            "num_layers": config.mapping.layers,
            "lr_multiplier": config.mapping.lr_multiplier,
            "w_avg_beta": config.mapping.w_avg_beta,
        },
        "synthesis_kwargs": {**pyramid, "use_noise": config.noise},
    }
