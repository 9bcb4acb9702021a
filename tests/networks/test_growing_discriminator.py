"""How images enter discriminators (StyleGAN2, Figure 7), and how a growing one fades levels in."""

import math
from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from stylesmith.config import DiscriminatorConfig
from stylesmith.devices import FP32, choose_precision
from stylesmith.errors import ShapeError, UsageError
from stylesmith.networks import parameter_count
from stylesmith.networks.discriminators import (
    Discriminator,
    FeedforwardBlock,
    GrowingDiscriminator,
    MultiscaleDiscriminator,
    OrigDiscriminator,
    ResidualDiscriminator,
    SkipDiscriminator,
    image_pyramid,
)
from stylesmith.networks.growth import Growth, match_growth
from stylesmith.ops import blur2d, downsample2d
from tests.networks.test_memory_format import POLICIES, WatchConvolutions

CPU = torch.device("cpu")
DISCRIMINATORS: dict[str, type[Discriminator]] = {
    "grow": GrowingDiscriminator,
    "orig": OrigDiscriminator,
    "skip": SkipDiscriminator,
    "resid": ResidualDiscriminator,
    "multiscale": MultiscaleDiscriminator,
}
CONNECTIONS = pytest.mark.parametrize("connection", DISCRIMINATORS)
FILTERS = ("box", "[1,2,1]", "[1,3,3,1]")
RESAMPLE = pytest.mark.parametrize("resample", FILTERS)

# Trainable parameters with the widths of row E; by side of the image.
COUNTS = {
    ("grow", 1024): 23_087_249,
    ("grow", 512): 23_080_225,
    ("grow", 256): 23_052_353,
    ("orig", 1024): 23_077_137,
    ("skip", 1024): 23_087_249,
    ("resid", 1024): 24_038_161,
    ("multiscale", 1024): 23_087_249,
}


def build(connection: str, **fields) -> Discriminator:
    config = DiscriminatorConfig(
        connection=connection, **({"levels": 4, "max_channels": 8} | fields)
    )
    network = DISCRIMINATORS[connection](config)
    for name, parameter in network.named_parameters():  # biases of 0 would hide their place
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.1)
    return network


def pictures(connection: str, count: int = 4, *, base=(4, 4), levels: int = 4) -> list[Tensor]:
    """Images for a discriminator: a pyramid for `multiscale`, one tensor for the others."""
    first = 0 if connection == "multiscale" else levels - 1
    sizes = [(base[0] << level, base[1] << level) for level in range(first, levels)]
    return [torch.randn(count, 3, *size) for size in sizes]


def score(network: Discriminator, images: Sequence[Tensor], **options) -> Tensor:
    if isinstance(network, MultiscaleDiscriminator):
        return network(images, **options)
    return network(*images, **options)


@pytest.mark.parametrize(("connection", "side"), COUNTS)
def test_parameter_counts_are_those_of_the_papers(connection, side):
    config = DiscriminatorConfig(levels=side.bit_length() - 2, channel_base=16384)
    with torch.device("meta"):
        assert parameter_count(DISCRIMINATORS[connection](config)) == COUNTS[connection, side]


@pytest.mark.parametrize("base", [(4, 4), (3, 4)])
@RESAMPLE
@CONNECTIONS
def test_all_connections_score_with_all_filters(connection, resample, base):
    network = build(connection, resample=resample, base=base, label_size=3)
    scores = score(network, pictures(connection, base=base), label=torch.eye(3)[[0, 1, 2, 0]])
    assert scores.shape == (4,)
    assert scores.unique().numel() == 4


@RESAMPLE
@pytest.mark.parametrize("level", range(4))
def test_a_growing_network_takes_the_native_size_of_every_level(level, resample):
    network = build("grow", base=(3, 4), resample=resample)
    scores = network(torch.randn(4, 3, 3 << level, 4 << level), growth=Growth(level))
    assert scores.shape == (4,)


@RESAMPLE
@pytest.mark.parametrize("level", range(1, 4))
def test_fading_goes_from_scores_of_averaged_images_to_new_ones(level, resample):
    network = build("grow", resample=resample)
    images = torch.randn(4, 3, 4 << level, 4 << level)
    new = network(images, growth=Growth(level))
    old = network(F.avg_pool2d(images, 2), growth=Growth(level - 1))
    assert_close(network(images, growth=Growth(level, 0.0)), old, atol=1e-6, rtol=1e-6)
    assert_close(network(images, growth=Growth(level, 1 - 1e-9)), new, atol=1e-6, rtol=1e-5)
    between = network(images, growth=Growth(level, 0.5))
    assert not torch.allclose(between, old) and not torch.allclose(between, new)


def test_features_are_blended_behind_the_new_block():
    network = build("grow")
    assert isinstance(network, GrowingDiscriminator)
    images = torch.randn(4, 3, 32, 32)
    new = network.block_at(network.from_rgb_at(images, 3, FP32), 3, FP32)
    lower = network.from_rgb_at(F.avg_pool2d(images, 2), 2, FP32)
    x = 0.3 * new + 0.7 * lower
    for level in (2, 1):
        x = network.block_at(x, level, FP32)
    assert_close(network(images, growth=Growth(3, 0.3)), network.epilogue(x, None))


def test_real_images_fade_as_the_network_does():
    """At fade 0 a real image scores as its lower level, whichever of the two is blended."""
    network, images = build("grow"), torch.randn(4, 3, 32, 32)
    growth = Growth(2, 0.0)
    lower = network(F.avg_pool2d(images, 4), growth=Growth(1))
    assert_close(network(match_growth(images, 3, growth), growth=growth), lower)


@pytest.mark.parametrize("fade", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("level", range(1, 4))
def test_levels_not_in_use_get_no_gradient(level, fade):
    network = build("grow")
    images = torch.randn(4, 3, 4 << level, 4 << level)
    network(images, growth=Growth(level, fade)).square().sum().backward()
    reached = {name for name, p in network.named_parameters() if p.grad is not None}
    entered = {3 - level} if fade == 1 else {3 - level, 4 - level}  # modules count from the top
    wanted = {
        name
        for name, _ in network.named_parameters()
        if name.startswith("epilogue")
        or ("from_rgb" in name and int(name.split(".")[1]) in entered)
        or ("blocks" in name and int(name.split(".")[1]) >= 3 - level)
    }
    assert reached == wanted


@pytest.mark.parametrize("connection", [name for name in DISCRIMINATORS if name != "grow"])
def test_growth_is_refused_by_networks_that_do_not_grow(connection):
    network, images = build(connection), pictures(connection)
    with pytest.raises(UsageError, match="this network doesn't grow"):
        score(network, images, growth=Growth(2))
    assert torch.equal(score(network, images, growth=Growth(3)), score(network, images))


def test_a_level_out_of_range_is_refused():
    with pytest.raises(UsageError, match="wanted level 0 to 3, fade 0 to 1"):
        build("grow")(torch.randn(4, 3, 64, 64), growth=Growth(4))


@RESAMPLE
def test_skip_is_multiscale_on_reduced_images(resample):
    skip, multiscale = (build(name, resample=resample) for name in ("skip", "multiscale"))
    multiscale.load_state_dict(skip.state_dict())
    images = torch.randn(4, 3, 32, 32)
    pyramid = image_pyramid(images, 4, resample=resample)
    assert [tuple(image.shape[2:]) for image in pyramid] == [(4 << i,) * 2 for i in range(4)]
    assert torch.equal(pyramid[-1], images)
    assert torch.equal(skip(images), multiscale(pyramid))
    if resample == "[1,3,3,1]":
        assert_close(pyramid[1], downsample2d(downsample2d(images)))


def test_a_pyramid_with_a_level_missing_is_refused():
    with pytest.raises(ShapeError, match="each of 4 levels, got 3"):
        build("multiscale")(pictures("multiscale")[1:])


def test_every_image_of_a_pyramid_counts():
    network, images = build("multiscale"), pictures("multiscale")
    before = network(images)
    for level in range(4):
        other = [image * (3 if i == level else 1) for i, image in enumerate(images)]
        assert not torch.allclose(network(other), before)


def test_orig_is_grow_without_the_lower_from_rgb_layers():
    grow, orig = build("grow"), build("orig")
    state = grow.state_dict()
    for name in [n for n in state if "from_rgb" in n and "from_rgb.0" not in n]:
        del state[name]
    orig.load_state_dict({n.replace("from_rgb.0", "from_rgb"): x for n, x in state.items()})
    images = torch.randn(4, 3, 32, 32)
    assert torch.equal(orig(images), grow(images))


def test_saved_residual_networks_keep_their_names():
    convolutions = ["from_rgb", "epilogue.conv", "epilogue.hidden", "epilogue.output"]
    convolutions += [f"blocks.{i}.conv{k}" for i in range(3) for k in range(2)]
    wanted = {f"{name}.{kind}" for name in convolutions for kind in ("weight", "bias")}
    wanted |= {f"blocks.{i}.shortcut.weight" for i in range(3)}
    assert set(build("resid").state_dict()) == wanted


@pytest.mark.parametrize("resample", ["box", "[1,2,1]"])
def test_a_growing_block_is_that_of_progan_and_stylegan(resample):
    """Convolve; blur; convolve and average; He's gain in the weights, so that it spares biases."""
    config = DiscriminatorConfig(connection="grow", resample=resample, levels=3, max_channels=8)
    block, x = FeedforwardBlock(config, 2), torch.randn(2, 8, 16, 16)
    for layer in (block.conv0, block.conv1):
        nn.init.normal_(layer.bias)
    gain = math.sqrt(2 / (8 * 9))
    y = F.conv2d(x, block.conv0.weight * gain, padding=1) + block.conv0.bias[:, None, None]
    y = F.leaky_relu(y, 0.2)
    if resample == "[1,2,1]":
        y = blur2d(y, (1, 2, 1), padding=1)
    y = F.avg_pool2d(F.conv2d(y, block.conv1.weight * gain, padding=1), 2)
    wanted = F.leaky_relu(y + block.conv1.bias[:, None, None], 0.2)
    assert_close(block(x, clamp=None), wanted)


@RESAMPLE
def test_the_last_layers_follow_the_same_form(resample):
    network = build("orig", resample=resample, stddev_features=0)
    last, x = network.epilogue, torch.randn(2, 8, 4, 4)
    inner = 1.0 if resample == "[1,3,3,1]" else math.sqrt(0.5)

    def activate(y: Tensor, bias: Tensor) -> Tensor:
        return F.leaky_relu(y + bias * inner, 0.2) * math.sqrt(2)

    y = F.conv2d(x, last.conv.weight / math.sqrt(8 * 9), padding=1)
    y = activate(y, last.conv.bias[:, None, None]).flatten(1)
    y = activate(F.linear(y, last.hidden.weight / math.sqrt(8 * 16)), last.hidden.bias)
    y = F.linear(y, last.output.weight / math.sqrt(8), last.output.bias)
    assert_close(last(x, None), y[:, 0])


@RESAMPLE
@CONNECTIONS
def test_activations_keep_unit_scale_at_the_start(connection, resample):
    config = DiscriminatorConfig(
        connection=connection, resample=resample, levels=5, max_channels=64
    )
    network = DISCRIMINATORS[connection](config)
    energies: list[float] = []
    for block in network.blocks:
        block.register_forward_hook(lambda _, args, y: energies.append(y.square().mean().item()))
    smooth = F.interpolate(torch.randn(16, 3, 4, 4), scale_factor=16, mode="nearest")
    images = image_pyramid(smooth, 5, resample="box") if connection == "multiscale" else [smooth]
    scores = score(network, images)
    assert len(energies) == 4
    # Where images enter at every level, one more share is summed behind every block.
    shares = [1, 2, 3, 4] if connection in ("skip", "multiscale") else [1] * 4
    scaled = [energy / n for energy, n in zip(energies, shares, strict=True)]
    assert all(0.2 < energy < 2.0 for energy in scaled), energies
    assert 0.05 < scores.square().mean() < 10


@RESAMPLE
@CONNECTIONS
def test_r1_reaches_all_weights_twice(connection, resample):
    network = build(connection, max_channels=32, resample=resample)
    images = [image.requires_grad_() for image in pictures(connection)]
    gradients = torch.autograd.grad(score(network, images).sum(), images, create_graph=True)
    penalty = sum(gradient.square().sum() for gradient in gradients)
    penalty.backward()
    weights = dict(network.named_parameters())
    reached = {name for name, p in weights.items() if p.grad is not None and p.grad.any()}
    kernels = {name for name in weights if name.endswith("weight")}
    if connection == "grow":
        kernels -= {f"from_rgb.{i}.weight" for i in (1, 2, 3)}
    assert kernels <= reached
    assert all(weights[name].grad.isfinite().all() for name in reached)


@POLICIES
@RESAMPLE
@CONNECTIONS
def test_the_network_keeps_channels_last(connection, resample, precision):
    network = build(connection, resample=resample)
    images = [image.requires_grad_() for image in pictures(connection)]  # NCHW, as data comes
    options = {"growth": Growth(3, 0.5)} if connection == "grow" else {}
    with WatchConvolutions() as watch:
        scores = score(network, images, precision=precision, **options)
        gradients = torch.autograd.grad(scores.sum(), images, create_graph=True)
        sum(gradient.square().sum() for gradient in gradients).backward()
    assert watch.seen > 3 * 14
    assert watch.lost == []


@pytest.mark.parametrize("name", ["bf16", "fp16"])
@CONNECTIONS
def test_low_precision_stays_near_fp32_and_scores_in_fp32(connection, name):
    network = build(connection, levels=5, max_channels=16)
    images = pictures(connection, count=8, levels=5)
    formats: list[torch.dtype] = []
    for block in network.blocks:
        block.register_forward_hook(lambda _, args, y: formats.append(y.dtype))
    policy = choose_precision(name, CPU)
    options = {"growth": Growth(4, 0.5)} if connection == "grow" else {}
    scores = score(network, images, precision=policy, **options)
    assert formats == [policy.dtype_at(level, 5) for level in (4, 3, 2, 1)]
    assert scores.dtype == torch.float32
    assert_close(scores, score(network, images, **options), atol=0.1, rtol=0.1)
