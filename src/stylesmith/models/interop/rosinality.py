"""Checkpoints in the layout of rosinality/stylegan2-pytorch: converted ones and training ones.

`{"g_ema", "latent_avg"}` from a conversion; `{"g", "d", "g_ema", "args", ...}` from training, which
keeps no mean of w and, in the published ones, no noise maps. Generators use skip connections,
discriminators residual ones, without labels. Up-convolutions there are true
convolutions, so their kernels are ours flipped.
"""

from typing import Any

from stylesmith.config import ConvolutionalConfig, GeneratorConfig
from stylesmith.models.interop.allowed_globals import PARALLEL_PREFIX, tensor_arrays
from stylesmith.models.interop.external_network import ExternalNetwork, NetworkRole
from stylesmith.models.interop.name_map import (
    BATCHED,
    FLIPPED,
    PER_CHANNEL,
    NameMap,
    fir_kernel,
)
from stylesmith.models.interop.network_reader import NetworkReader

ROLES: dict[str, NetworkRole] = {"g_ema": "G_ema", "g": "G", "d": "D"}
W_AVG_KEY = "latent_avg"
W_AVG = "mapping.w_avg"
FILTER_PATTERNS = {r".*\.kernel": "constant filter"}


def recognize(value: Any) -> dict[NetworkRole, ExternalNetwork] | None:
    """The networks, if these are the values of such a file; also of a bare generator."""
    if not isinstance(value, dict):
        return None
    bare = any(name in value for name in ("input.input", f"{PARALLEL_PREFIX}input.input"))
    content = {"g_ema": value} if bare else value
    found: dict[NetworkRole, ExternalNetwork] = {}
    for key, role in ROLES.items():
        state = content.get(key)
        if isinstance(state, dict):
            if role != "D" and W_AVG_KEY in content:
                state = {**state, W_AVG_KEY: content[W_AVG_KEY]}
            found[role] = ExternalNetwork(role, key, tensor_arrays(state))
    return found or None


def generator_config(reader: NetworkReader) -> GeneratorConfig:
    """The architecture of a generator; every size is read off its tensors."""
    levels = len(reader.numbers(r"to_rgbs\.(\d+)\.conv\.weight")) + 1
    config = reader.generator_config(generator_names, {"levels": levels})
    z_dim, w_dim = config.mapping.z_dim, config.mapping.w_dim
    if z_dim != w_dim:  # which have one setting there, style_dim
        raise reader.error(
            f"its mapping takes {z_dim} values and gives {w_dim}, which are equal in this layout: "
            "an embedding of labels is missing, as in a converted conditional network. Import the "
            "file that it was converted from."
        )
    return config


def generator_names(config: GeneratorConfig, network: ExternalNetwork | None = None) -> NameMap:
    """Names of a generator's tensors."""
    names = NameMap(ignored=dict(FILTER_PATTERNS))
    for i in range(config.mapping.layers):
        names.add_weight_and_bias(f"mapping.layers.{i}", f"style.{i + 1}")
    names.add(W_AVG, W_AVG_KEY)
    names.derivable += (W_AVG,)  # training checkpoints have none
    names.add("synthesis.const", "input.input")
    _add_styled(names, "synthesis.blocks.0.conv1", "conv1")
    _add_styled(names, "synthesis.blocks.0.to_rgb", "to_rgb1")
    for j in range(config.levels - 1):
        ours = f"synthesis.blocks.{j + 1}"
        _add_styled(names, f"{ours}.conv0", f"convs.{2 * j}", up=True)
        _add_styled(names, f"{ours}.conv1", f"convs.{2 * j + 1}")
        _add_styled(names, f"{ours}.to_rgb", f"to_rgbs.{j}")
        names.filters[f"convs.{2 * j}.conv.blur.kernel"] = fir_kernel(4.0)
        names.filters[f"to_rgbs.{j}.upsample.kernel"] = fir_kernel(4.0)
    for i in range(len(config.noise_shapes)):
        names.add(f"synthesis.noise_{i}", f"noises.noise_{i}")
    return names


def _add_styled(names: NameMap, ours: str, theirs: str, *, up: bool = False) -> None:
    names.add(f"{ours}.weight", f"{theirs}.conv.weight", BATCHED.then(FLIPPED) if up else BATCHED)
    names.add_weight_and_bias(f"{ours}.affine", f"{theirs}.conv.modulation")
    if ours.endswith("to_rgb"):
        names.add(f"{ours}.bias", f"{theirs}.bias", PER_CHANNEL)
    else:
        names.add(f"{ours}.noise_strength", f"{theirs}.noise.weight", BATCHED)
        names.add(f"{ours}.bias", f"{theirs}.activate.bias")


def discriminator_config(reader: NetworkReader) -> ConvolutionalConfig:
    """The architecture of a discriminator."""
    levels = len(reader.numbers(r"convs\.(\d+)\.conv1\.0\.weight")) + 1
    return reader.discriminator_config(discriminator_names, {"levels": levels})


def discriminator_names(config: ConvolutionalConfig) -> NameMap:
    """Names of a discriminator's tensors."""
    names = NameMap(ignored=dict(FILTER_PATTERNS))
    _add_conv(names, "from_rgb", "convs.0", first=0)
    for i in range(config.levels - 1):
        ours, theirs = f"blocks.{i}", f"convs.{i + 1}"
        _add_conv(names, f"{ours}.conv0", f"{theirs}.conv1", first=0)
        _add_conv(names, f"{ours}.conv1", f"{theirs}.conv2", first=1)
        names.add(f"{ours}.shortcut.weight", f"{theirs}.skip.1.weight")
        names.filters[f"{theirs}.conv2.0.kernel"] = fir_kernel()
        names.filters[f"{theirs}.skip.0.kernel"] = fir_kernel()
    _add_conv(names, "epilogue.conv", "final_conv", first=0)
    names.add_weight_and_bias("epilogue.hidden", "final_linear.0")
    names.add_weight_and_bias("epilogue.output", "final_linear.1")
    return names


def _add_conv(names: NameMap, ours: str, theirs: str, *, first: int) -> None:
    """A convolution is a sequence there: a filter where it goes down, kernels, then the bias."""
    names.add(f"{ours}.weight", f"{theirs}.{first}.weight")
    names.add(f"{ours}.bias", f"{theirs}.{first + 1}.bias")
