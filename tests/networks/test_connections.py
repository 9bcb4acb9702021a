"""How levels of StyleGAN2's generators reach the image (StyleGAN2, Figure 7)."""

import math
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from stylesmith.config import GeneratorConfig, MappingConfig
from stylesmith.devices import choose_precision
from stylesmith.errors import UsageError
from stylesmith.networks import MappingNetwork, parameter_count
from stylesmith.networks.growth import Growth
from stylesmith.networks.layers import StyledConv2d
from stylesmith.networks.stylegan2 import (
    GrowingSynthesis,
    ModulatedSynthesis,
    MultiscaleSynthesis,
    OrigSynthesis,
    ResidualStyleBlock,
    ResidualSynthesis,
    SkipSynthesis,
)
from stylesmith.networks.synthesis import SynthesisInputs
from stylesmith.ops import conv2d, upsample2d
from stylesmith.training.losses import path_lengths, path_penalty
from tests.conftest import set_noise_strength
from tests.networks.test_memory_format import POLICIES, WatchConvolutions

CPU = torch.device("cpu")
SYNTHESIS: dict[str, type[ModulatedSynthesis]] = {
    "grow": GrowingSynthesis,
    "orig": OrigSynthesis,
    "skip": SkipSynthesis,
    "resid": ResidualSynthesis,
    "multiscale": MultiscaleSynthesis,
}
CONNECTIONS = pytest.mark.parametrize("connection", SYNTHESIS)

TOP_ONLY = ("grow", "multiscale")
"""Their image comes from the top level's toRGB alone, though every level has one."""

# Trainable parameters at 1024x1024 with the widths of row E, the mapping's among them.
COUNTS = {
    "grow": 24_900_764,
    "orig": 23_596_292,
    "skip": 24_900_764,
    "resid": 24_557_316,
    "multiscale": 24_900_764,
}


def build(connection: str, **fields) -> ModulatedSynthesis:
    defaults = {"levels": 4, "max_channels": 8, "mapping": MappingConfig(w_dim=8)}
    config = GeneratorConfig(connection=connection, **(defaults | fields))
    synthesis = SYNTHESIS[connection](config)
    set_noise_strength(synthesis, 0.1)
    return synthesis


def styles(synthesis: ModulatedSynthesis, count: int = 2) -> Tensor:
    config = synthesis.config
    return torch.randn(count, config.num_ws, config.mapping.w_dim)


def with_gradient(module: nn.Module) -> set[str]:
    """Names of the parameters that a gradient has reached, zero or not."""
    return {name for name, p in module.named_parameters() if p.grad is not None}


@CONNECTIONS
def test_parameter_counts_are_those_of_the_paper(connection):
    config = GeneratorConfig(connection=connection, channel_base=16384)
    with torch.device("meta"):
        networks = MappingNetwork(config.mapping), SYNTHESIS[connection](config)
    assert sum(parameter_count(network) for network in networks) == COUNTS[connection]


@pytest.mark.parametrize("base", [(4, 4), (3, 4)])
@CONNECTIONS
def test_images_have_the_size_of_the_top_level(connection, base):
    synthesis = build(connection, base=base)
    image = synthesis(styles(synthesis), synthesis.fixed_noise)
    assert image.shape == (2, 3, 8 * base[0], 8 * base[1])
    assert image.dtype == torch.float32
    full = synthesis(styles(synthesis), synthesis.fixed_noise, growth=Growth(3))
    assert full.shape == image.shape


@pytest.mark.parametrize("level", range(4))
def test_a_growing_network_draws_in_the_native_size_of_every_level(level):
    synthesis = build("grow", base=(3, 4))
    image = synthesis(styles(synthesis), synthesis.fixed_noise, growth=Growth(level))
    assert image.shape == (2, 3, 3 << level, 4 << level)


@pytest.mark.parametrize("level", range(1, 4))
def test_fading_goes_from_the_repeated_lower_image_to_the_new_one(level):
    synthesis = build("grow")
    ws, noise = styles(synthesis), synthesis.fixed_noise

    def draw(level: int, fade: float = 1.0) -> Tensor:
        return synthesis(ws, noise, growth=Growth(level, fade))

    repeated = F.interpolate(draw(level - 1), scale_factor=2, mode="nearest")
    assert torch.equal(draw(level, 0.0), repeated)
    assert_close(draw(level, 1 - 1e-9), draw(level), atol=1e-6, rtol=1e-6)
    assert_close(draw(level, 0.25), 0.75 * repeated + 0.25 * draw(level))
    assert not torch.allclose(draw(level), repeated)


def test_full_growth_is_the_network_itself():
    synthesis = build("grow")
    ws, noise = styles(synthesis), synthesis.fixed_noise
    assert torch.equal(synthesis(ws, noise), synthesis(ws, noise, growth=Growth(3, 1.0)))


@pytest.mark.parametrize("fade", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("level", range(1, 4))
def test_levels_not_in_use_get_no_gradient(level, fade):
    synthesis = build("grow")
    image = synthesis(styles(synthesis), synthesis.fixed_noise, growth=Growth(level, fade))
    image.square().sum().backward()
    drawn = {level} if fade == 1 else {level, level - 1}
    wanted = {
        name
        for name, _ in synthesis.named_parameters()
        if name == "const"
        or (".conv" in name and int(name.split(".")[1]) <= level)
        or ("to_rgb" in name and int(name.split(".")[1]) in drawn)
    }
    assert with_gradient(synthesis) == wanted


def test_styles_and_noise_of_levels_not_in_use_have_no_effect():
    synthesis = build("grow")
    ws, noise = styles(synthesis).requires_grad_(), synthesis.fixed_noise
    image = synthesis(ws, noise, growth=Growth(2, 0.5))
    (gradient,) = torch.autograd.grad(image.square().sum(), ws)
    used = gradient.abs().amax(dim=(0, 2)) > 0
    assert used.tolist() == [True] * 6 + [False] * 2
    assert torch.equal(synthesis(ws, noise[:5], growth=Growth(2, 0.5)), image)


@pytest.mark.parametrize(
    ("connection", "growth", "message"),
    [(name, Growth(2), "this network doesn't grow") for name in SYNTHESIS if name != "grow"]
    + [
        ("grow", Growth(4), "wanted level 0 to 3, fade 0 to 1"),
        ("grow", Growth(-1), "wanted level 0 to 3"),
        ("grow", Growth(2, 1.5), "wanted level 0 to 3, fade 0 to 1"),
        ("grow", Growth(0, 0.5), "no lower level"),
    ],
)
def test_growth_that_does_not_fit_is_refused(connection, growth, message):
    synthesis = build(connection)
    with pytest.raises(UsageError, match=message) as caught:
        synthesis(styles(synthesis), synthesis.fixed_noise, growth=growth)
    assert "\n" not in str(caught.value)


def same_weights(*connections: str) -> list[ModulatedSynthesis]:
    networks = [build(connection) for connection in connections]
    for network in networks[1:]:
        network.load_state_dict(networks[0].state_dict())
    return networks


def test_skip_sums_what_multiscale_shows_and_grow_shows_its_top():
    skip, multiscale, grow = same_weights("skip", "multiscale", "grow")
    ws, noise = styles(skip), skip.fixed_noise
    pyramid = multiscale.forward_pyramid(ws, noise)
    assert [tuple(image.shape) for image in pyramid] == [(2, 3, 4 << i, 4 << i) for i in range(4)]
    total = pyramid[0]
    for image in pyramid[1:]:
        total = upsample2d(total) + image
    assert_close(skip(ws, noise), total)
    assert torch.equal(multiscale(ws, noise), pyramid[-1])
    assert torch.equal(grow(ws, noise), pyramid[-1])


def test_orig_is_grow_without_the_lower_to_rgb_layers():
    orig, grow = build("orig"), build("grow")
    state = grow.state_dict()
    lower = [name for name in state if "to_rgb" in name and "blocks.3" not in name]
    for name in lower:
        del state[name]
    renamed = {name.replace("blocks.3.to_rgb", "to_rgb"): x for name, x in state.items()}
    orig.load_state_dict(renamed)
    ws, noise = styles(orig), orig.fixed_noise
    assert torch.equal(orig(ws, noise), grow(ws, noise))


def test_a_residual_block_sums_both_branches_over_the_root_of_two():
    synthesis = build("resid")
    block, plain = synthesis.blocks[2], build("orig").blocks[2]
    assert isinstance(block, ResidualStyleBlock)
    plain.load_state_dict({n: x for n, x in block.state_dict().items() if "shortcut" not in n})
    ws, noise = torch.randn(2, 8, 8), [torch.randn(1, 1, 16, 16)] * 5
    x, inputs = torch.randn(2, 8, 8, 8), SynthesisInputs(ws, noise, Growth(3))
    skipped = upsample2d(conv2d(x, block.shortcut.weight / math.sqrt(8)))
    assert_close(block(x, inputs), (plain(x, inputs) + skipped) / math.sqrt(2))


def test_no_style_modulates_the_shortcut():
    names = [n for n, _ in build("resid").named_parameters() if "shortcut" in n]
    assert names == [f"blocks.{level}.shortcut.weight" for level in (1, 2, 3)]


def test_saved_skip_networks_keep_their_names():
    layer = ["weight", "bias", "noise_strength", "affine.weight", "affine.bias"]
    rgb = ["to_rgb." + name for name in layer if name != "noise_strength"]
    wanted = {f"blocks.{i}.conv1.{name}" for i, name in product(range(4), layer)}
    wanted |= {f"blocks.{i}.conv0.{name}" for i, name in product(range(1, 4), layer)}
    wanted |= {f"blocks.{i}.{name}" for i, name in product(range(4), rgb)}
    wanted |= {"const"} | {f"noise_{i}" for i in range(7)}
    assert set(build("skip").state_dict()) == wanted


@CONNECTIONS
def test_features_and_images_keep_unit_scale_at_the_start(connection):
    synthesis = build(connection, levels=5, max_channels=64)
    set_noise_strength(synthesis, 0.0)
    ws, noise = styles(synthesis, count=8), synthesis.fixed_noise
    states = list(synthesis.levels(ws, noise))
    image = synthesis(ws, noise)
    energies = [state.features.square().mean().item() for state in states]
    shares = 5 if connection == "skip" else 1
    energies.append(image.square().mean().item() / shares)
    # Filters take white noise out of the constant; a wrong gain would act once per level.
    assert all(0.1 < energy < 2.0 for energy in energies), energies


@CONNECTIONS
def test_path_length_reaches_all_weights_in_use_twice(connection):
    synthesis = build(connection, max_channels=32)
    ws = styles(synthesis).requires_grad_()
    image = synthesis(ws, synthesis.fixed_noise)
    lengths = path_lengths(image, ws, torch.randn_like(image))
    path_penalty(lengths, torch.zeros(())).mean().backward()
    assert lengths.min() > 0
    gradients = {name: p.grad for name, p in synthesis.named_parameters()}
    reached = {name for name, gradient in gradients.items() if gradient is not None}
    assert all(gradients[name].isfinite().all() for name in reached)
    moved = {name for name in reached if gradients[name].any()}
    # A bias of toRGB moves the image and not its derivative.
    unused = ["blocks.0.to", "blocks.1.to", "blocks.2.to"] if connection in TOP_ONLY else []
    still = [n for n in gradients if n.endswith("to_rgb.bias") or n[:11] in unused]
    assert moved == gradients.keys() - set(still)


@POLICIES
@CONNECTIONS
def test_the_network_keeps_channels_last(connection, precision):
    synthesis = build(connection)
    ws = styles(synthesis).requires_grad_()
    with WatchConvolutions() as watch:
        image = synthesis(ws, synthesis.fixed_noise, precision=precision)
        lengths = path_lengths(image, ws, torch.randn_like(image))
        lengths.sum().backward()
    assert watch.seen > 3 * 8
    assert watch.lost == []


@POLICIES
def test_a_fading_network_keeps_channels_last(precision):
    synthesis = build("grow")
    with WatchConvolutions() as watch:
        image = synthesis(
            styles(synthesis), synthesis.fixed_noise, growth=Growth(3, 0.5), precision=precision
        )
        image.square().sum().backward()
    assert watch.seen > 3 * 8
    assert watch.lost == []


@pytest.mark.parametrize("name", ["bf16", "fp16"])
@CONNECTIONS
def test_low_precision_stays_near_fp32_and_gives_fp32_images(connection, name):
    synthesis = build(connection, levels=5)
    formats: list[torch.dtype] = []
    for module in synthesis.modules():
        if isinstance(module, StyledConv2d):
            module.register_forward_hook(lambda _, args, y: formats.append(y.dtype))
    ws, noise = styles(synthesis), synthesis.fixed_noise
    policy = choose_precision(name, CPU)
    image, wanted = synthesis(ws, noise, precision=policy), synthesis(ws, noise)
    assert formats[:9] == [policy.dtype_at((i + 1) // 2, 5) for i in range(9)]
    assert image.dtype == torch.float32
    assert (image - wanted).abs().mean() < 0.05 * wanted.std()


def test_without_demodulation_a_style_scales_the_result():
    plain, demodulated = (StyledConv2d(4, 6, 8, demodulate=on) for on in (False, True))
    x = torch.randn(1, 4, 8, 8)
    for layer, factor in ((plain, 3.0), (demodulated, 1.0)):
        nn.init.zeros_(layer.affine.weight)  # styles are the bias alone
        before = layer(x, torch.zeros(1, 8), None)
        nn.init.constant_(layer.affine.bias, 3.0)
        assert_close(layer(x, torch.zeros(1, 8), None), factor * before)
