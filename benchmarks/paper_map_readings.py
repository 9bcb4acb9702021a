"""Numbers that the code does not spell out, read off networks that it builds."""

import math
import re
from functools import cache

import torch
from torch import Tensor

from paper_map_records import preset_config
from stylesmith.config import DataConfig, DiscriminatorConfig, GeneratorConfig, at_level
from stylesmith.inversion.noise_regularizer import renormalized
from stylesmith.metrics.classifiers import classifier_config
from stylesmith.networks import Generator, build_discriminator, build_generator
from stylesmith.networks.build import parameter_count
from stylesmith.networks.layers import EqualizedLinear, StyledConv2d
from stylesmith.networks.stylegan import AdaINLayer
from stylesmith.ops import instance_norm
from stylesmith.presets import find_preset
from stylesmith.sampling.layers import layers_text, named_layers
from stylesmith.training import losses
from stylesmith.training.state import TrainState, lazy_adam

LEFT_OUT = re.compile("BatchNorm|SpectralNorm|Attention|Dropout")


@cache
def parameters(preset: str, network: str) -> int:
    """Of the `generator` or `discriminator` of a preset."""
    config = preset_config(preset)
    with torch.device("meta"):
        if network == "generator":
            return parameter_count(build_generator(config.generator))
        return parameter_count(build_discriminator(config.discriminator))


def widths(preset: str, network: str) -> list[int]:
    """Feature maps of each level, from the base up."""
    config: GeneratorConfig | DiscriminatorConfig = getattr(preset_config(preset), network)
    return [config.channels(level) for level in range(config.levels)]


def noise_inputs(preset: str) -> int:
    """Noise maps of a preset's generator."""
    return len(preset_config(preset).generator.noise_shapes)


def styled_layers(preset: str) -> int:
    """Convolutions with demodulation, and the last toRGB: the affine maps that the paper counts."""
    with torch.device("meta"):
        modules = list(build_generator(preset_config(preset).generator).modules())
    return sum(isinstance(module, StyledConv2d) for module in modules) + 1


def run_time_gain() -> float:
    """What a layer of 64 inputs multiplies its weights by: He's constant without its gain."""
    return EqualizedLinear(64, 1).weight_gain


def left_out(preset: str) -> list[str]:
    """Layers of both networks of a kind that the paper does without."""
    config = preset_config(preset)
    with torch.device("meta"):
        networks = build_generator(config.generator), build_discriminator(config.discriminator)
    kinds = {type(module).__name__ for network in networks for module in network.modules()}
    return sorted(filter(LEFT_OUT.search, kinds))


def grown_kimg(preset: str) -> float:
    """Thousands of images after which all levels are in use."""
    config = preset_config(preset)
    assert config.training.growth
    return config.training.growth.grown_kimg(config.generator.levels)


def layer_range(name: str) -> str:
    """The layers of that name at 1024x1024, as people write them."""
    layers = named_layers(preset_config("stylegan-f").generator)[name]
    return layers_text(layers)


def first_values(kind: str, names: str) -> list[float]:
    """What fresh parameters with such names (a regular expression) hold, each value once."""
    return sorted(set(_fresh(kind, names).tolist()))


def first_deviation(kind: str, names: str) -> float:
    """Standard deviation of fresh parameters with such names, to one decimal."""
    return round(_fresh(kind, names).std().item(), 1)


def zero_style_normalizes() -> bool:
    """Whether AdaIN by a fresh affine map of w = 0 has scale 1 and shift 0."""
    layer, x = AdaINLayer(torch.nn.Identity(), 2, 4, noise=False), torch.randn(1, 2, 4, 4)
    return torch.equal(layer.normalize(x, torch.zeros(1, 4)), instance_norm(x))


def numbers_in_noise_scale() -> int:
    """Of one layer of StyleGAN2's generator."""
    scales = [p for n, p in _tiny("modulated").named_parameters() if n.endswith("noise_strength")]
    return max(scale.numel() for scale in scales)


def first_path_mean() -> float:
    """The running mean of path lengths before the first step."""
    config = find_preset("tiny").build(DataConfig(size=(16, 16)), torch.device("cpu"))
    return float(TrainState.create(config, torch.device("cpu")).path_mean)


def renormalized_moments() -> tuple[float, float]:
    """Mean and variance of a noise map after a step of projection."""
    noise = renormalized(3 + 2 * torch.randn(1, 1, 16, 16))
    return round(abs(noise.mean().item()), 5), round(noise.var(correction=0).item(), 5)


def adam(preset: str, name: str) -> dict[str, object]:
    """What the optimizer of a network is built with: `lr`, `betas`, `eps`."""
    config, network = preset_config(preset), torch.nn.Linear(1, 1)
    training = config.training
    interval = training.path_interval if name == "generator" else training.r1_interval
    rate = at_level(getattr(training, f"{name}_lr"), config.generator.levels - 1, 8)
    return dict(lazy_adam(network, training, lr=rate, interval=interval).param_groups[0])


def classifier_stddev() -> int:
    """Feature maps of minibatch standard deviation in an attribute classifier."""
    return classifier_config((256, 256), 3).stddev_features


def wgan_target() -> float:
    """The gradient norm that WGAN-GP wants: the root of its penalty where scores never change."""
    images = torch.zeros(1, 1, 2, 2, requires_grad=True)
    scores = (images * 0).sum(dim=(1, 2, 3))
    return losses.wgan_penalty(scores, [images]).sqrt().item()


def path_weight(resolution: int) -> float:
    """Our weight of path length regularization, by the paper's Eq. 5.

    The paper sums squared gradients over 2 log2(r) - 2 layers; ours averages over them and scales
    directions by 1 / r. That takes its weight times r^2 times the layers.
    """
    weight = math.log(2) / (resolution**2 * (math.log(resolution) - math.log(2)))
    return round(weight * resolution**2 * (2 * math.log2(resolution) - 2), 9)


def _fresh(kind: str, names: str) -> Tensor:
    found = [
        parameter.detach().flatten()
        for name, parameter in _tiny(kind).named_parameters()
        if re.search(names, name)
    ]
    return torch.cat(found)


@cache
def _tiny(kind: str) -> Generator:
    config = {"kind": kind, "levels": 3, "channel_base": 512, "max_channels": 32}
    config |= {"connection": "skip" if kind == "modulated" else "grow"}
    config |= {"mapping": {"layers": 1, "z_dim": 32, "w_dim": 32}}
    return build_generator(GeneratorConfig.model_validate(config))
