"""The traditional generator, and what it shares with StyleGAN's: the growing pyramid."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from stylesmith.config import GeneratorConfig
from stylesmith.devices import choose_precision
from stylesmith.errors import UsageError
from stylesmith.latents import latents_from_seeds
from stylesmith.networks import Generator, Growth, build_generator, parameter_count
from stylesmith.networks.stylegan import DenseInput, PlainConv2d, PlainToRGB, TraditionalLayer
from stylesmith.training.losses import path_lengths, path_penalty
from tests.networks.test_memory_format import POLICIES, WatchConvolutions

CPU = torch.device("cpu")
TOP = 3
"""Highest level of the tiny networks here; 32x32."""

# Rows of StyleGAN's Table 1, written out.
ROW_A = {"kind": "traditional", "connection": "grow", "constant_input": False} | {
    "noise": False,
    "blur": False,
    "mapping": {"layers": 0},
}
ROW_B = ROW_A | {"blur": True}
ROW_C = ROW_B | {"kind": "adain", "mapping": {"layers": 2}}
ROW_F = ROW_C | {"constant_input": True, "noise": True}
ROWS = pytest.mark.parametrize("row", [ROW_A, ROW_B, ROW_C, ROW_F], ids=["A", "B", "C", "F"])
BOTH = pytest.mark.parametrize("row", [ROW_B, ROW_F], ids=["traditional", "adain"])


@pytest.fixture
def tiny(tiny_generator):
    """A function that builds a small generator of a row, whose noise has an effect."""

    def build(row: dict[str, object], **fields) -> Generator:
        fields = {"levels": TOP + 1, **row, **fields}
        return tiny_generator(**{**fields, "mapping": dict(fields["mapping"])})

    return build


def repeated(images: Tensor) -> Tensor:
    return F.interpolate(images, scale_factor=2, mode="nearest")


def is_used(name: str, growth: Growth) -> bool:
    """Whether a parameter of the synthesis network takes part: `blocks.2...` or `to_rgb.2...`."""
    part, level, *_ = name.split(".")
    drawn_below = 1 if growth.fade < 1 else 0
    lowest = {"blocks": 0, "to_rgb": growth.level - drawn_below}[part]
    return lowest <= int(level) <= growth.level


@pytest.mark.parametrize(("layers", "wanted"), [(0, 23_079_115), (8, 25_180_363)])
@pytest.mark.parametrize("blur", [True, False])
def test_parameter_counts_at_1024_are_those_of_the_paper(layers, wanted, blur):
    fields = ROW_A | {"blur": blur, "mapping": {"layers": layers}}
    config = GeneratorConfig(levels=9, channel_base=16384, **fields)
    with torch.device("meta"):
        assert parameter_count(build_generator(config)) == wanted


@BOTH
@pytest.mark.parametrize("level", range(1, TOP + 1))
def test_a_fade_starts_at_the_repeated_lower_level_and_ends_at_the_new_one(level, row, tiny):
    generator, z = tiny(row), torch.randn(2, 8)
    start, middle, end = (generator(z, growth=Growth(level, fade)) for fade in (0.0, 0.25, 1.0))
    lower = repeated(generator(z, growth=Growth(level - 1)))
    assert torch.equal(start, lower)
    assert torch.equal(end, generator(z, growth=Growth(level)))
    assert_close(middle, 0.75 * lower + 0.25 * end)
    assert (end - lower).abs().max() > 0.01


@ROWS
@pytest.mark.parametrize("base", [(4, 4), (3, 4)])
def test_every_level_draws_its_native_size_and_the_last_is_the_whole_network(row, base, tiny):
    generator, z = tiny(row, base=base), torch.randn(2, 8)
    for level in range(TOP + 1):
        images = generator(z, growth=Growth(level))
        assert images.shape == (2, 3, base[0] << level, base[1] << level)
        assert images.dtype == torch.float32 and images.isfinite().all()
    assert torch.equal(images, generator(z))


@BOTH
@pytest.mark.parametrize("growth", [Growth(0), Growth(1), Growth(2, 0.5), Growth(TOP)])
def test_levels_not_in_use_take_no_gradient_and_all_others_do(growth, row, tiny):
    generator = tiny(row)
    generator(torch.randn(4, 8), growth=growth).square().sum().backward()
    for name, parameter in generator.synthesis.named_parameters():
        if is_used(name, growth):
            assert parameter.grad.abs().max() > 0, name
        else:
            assert parameter.grad is None, name


@BOTH
@pytest.mark.parametrize(
    ("growth", "message"),
    [
        (Growth(TOP + 1), "wanted level 0 to 3"),
        (Growth(-1), "wanted level 0 to 3"),
        (Growth(1, 1.5), "fade 0 to 1"),
        (Growth(0, 0.5), "no lower level"),
    ],
)
def test_levels_that_are_not_there_are_refused(growth, message, row, tiny):
    with pytest.raises(UsageError, match=message):
        tiny(row).sample([0], growth=growth)


@BOTH
def test_samples_of_a_lower_level_are_drawn_on_request(row, tiny):
    generator = tiny(row)
    small = generator.sample([3, 5], growth=Growth(1), precision="fp32")
    assert small.shape == (2, 3, 8, 8)
    wanted = generator(latents_from_seeds([3, 5], 8).to(small), growth=Growth(1))
    assert_close(small, wanted.clamp(-1, 1))


@ROWS
def test_it_trains_at_32x32_path_length_included(row, tiny):
    widths = {"z_dim": 32, "w_dim": 32, "layers": row["mapping"]["layers"]}
    generator = tiny(row, max_channels=32, mapping=widths)
    ws = generator.broadcast(generator.mapping(torch.randn(2, 32)))
    if not ws.requires_grad:  # a mapping without layers has nothing to learn
        ws = ws.detach().requires_grad_()
    images = generator.synthesis(ws, generator.synthesis.fixed_noise)
    assert images.shape == (2, 3, 32, 32)
    lengths = path_lengths(images, ws, torch.randn_like(images))
    assert (lengths > 0).all()
    (images.square().mean() + path_penalty(lengths, torch.zeros(())).mean()).backward()
    for name, parameter in generator.named_parameters():
        if name.startswith(f"synthesis.to_rgb.{TOP}") or "to_rgb" not in name:
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


@BOTH
def test_psi_zero_draws_w_avg_for_every_seed(row, tiny):
    generator = tiny(row)
    generator.mapping.w_avg.copy_(torch.randn(8))
    options = {"precision": "fp32", "growth": Growth(TOP, 0.5)}
    images = generator.sample(range(3), psi=0, **options)
    assert_close(images, images[:1].expand_as(images))
    ws = generator.broadcast(generator.mapping.w_avg[None])
    wanted = generator.synthesis(ws, generator.synthesis.fixed_noise, growth=Growth(TOP, 0.5))
    assert_close(images[:1], wanted.clamp(-1, 1))
    assert (generator.sample(range(3), psi=1, **options) - images).abs().max() > 0.01


@BOTH
def test_a_seed_gives_its_image_at_any_batch_size(row, tiny):
    generator = tiny(row)
    wanted = torch.cat([generator.sample([seed], precision="fp32") for seed in range(3)])
    assert_close(generator.sample(range(3), precision="fp32"), wanted, atol=2e-5, rtol=0)


@BOTH
@pytest.mark.parametrize("layers", [0, 2])
@pytest.mark.parametrize("mode", ["concat", "embed"])
def test_labels_choose_the_image_with_and_without_mapping_layers(mode, layers, row, tiny):
    mapping = {"layers": layers, "label_mode": mode}
    generator = tiny(row, label_size=2, mapping=mapping)
    first, second = (generator.sample([0], label=k, precision="fp32") for k in range(2))
    assert (first - second).abs().max() > 1e-3


@BOTH
@POLICIES
def test_it_keeps_channels_last(precision, row, tiny):
    generator = tiny(row, levels=4)
    with WatchConvolutions() as watch:
        images = generator(torch.randn(2, 8), growth=Growth(3, 0.5), precision=precision)
        images.square().sum().backward()
    assert watch.seen > 3 * 9
    assert watch.lost == []
    kernels = [p for p in generator.parameters() if p.ndim == 4 and p.shape[0] > 1]
    assert len(kernels) >= 11
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in kernels)


@BOTH
@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_low_precision_stays_near_fp32_and_images_are_fp32(name, row, tiny):
    generator, z = tiny(row, levels=5, max_channels=32), torch.randn(4, 8)
    formats: dict[nn.Module, torch.dtype] = {}
    for module in generator.modules():
        module.register_forward_hook(
            lambda m, _, y: formats.update({m: (y[0] if isinstance(y, tuple) else y).dtype})
        )
    policy = choose_precision(name, CPU)
    image = generator(z, precision=policy)
    for level, block in enumerate(generator.synthesis.blocks):
        assert formats[block.layer1] == formats[block.layer1.source] == policy.dtype_at(level, 5)
    assert formats[generator.synthesis.blocks[0].layer0] == torch.float32
    assert image.dtype == torch.float32
    wanted = generator(z)
    assert (image - wanted).abs().mean() < 0.05 * wanted.std()


def test_a_mapping_without_layers_hands_on_the_normalized_z(tiny):
    generator, z = tiny(ROW_A), torch.randn(3, 8)
    assert_close(generator.mapping(5 * z), z / z.square().mean(dim=1, keepdim=True).sqrt())
    assert not list(generator.mapping.parameters())


def test_w_enters_once(tiny):
    generator = tiny(ROW_B, mapping={"layers": 2})
    assert generator.broadcast(torch.randn(2, 8)).shape == (2, 1, 8)
    dense = [module for module in generator.modules() if isinstance(module, DenseInput)]
    assert len(dense) == 1
    z = torch.randn(2, 8)
    assert (generator(z)[0] - generator(z)[1]).abs().max() > 0.01
    nn.init.zeros_(dense[0].weight)
    assert (generator(z)[0] - generator(z)[1]).abs().max() == 0


def test_every_layer_gives_each_pixel_unit_length(tiny):
    outputs: list[Tensor] = []
    generator = tiny(ROW_B)
    for module in generator.modules():
        if isinstance(module, TraditionalLayer):
            module.register_forward_hook(lambda _, args, y: outputs.append(y[0]))
    generator(torch.randn(2, 8))
    assert len(outputs) == 2 * (TOP + 1)
    for y in outputs:
        energy = y.square().mean(dim=1)
        assert_close(energy, torch.ones_like(energy), atol=1e-4, rtol=0)


def test_the_filter_is_what_row_b_adds_to_row_a(tiny):
    """Convolutions of row A are plain on repeated pixels; the filter smooths what they give."""
    x = torch.randn(2, 8, 4, 4)
    plain, blurred = (tiny(row).synthesis.blocks[1].layer0.source for row in (ROW_A, ROW_B))
    assert torch.equal(plain.weight, blurred.weight)
    wanted = F.conv2d(repeated(x), plain.weight * plain.weight_gain, padding=1)
    assert_close(plain(x), wanted)
    smooth = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    assert_close(blurred(x), F.conv2d(wanted, smooth.expand(8, 1, 3, 3), padding=1, groups=8))


@pytest.mark.parametrize(("up", "copies"), [(False, 1), (True, 4)])
def test_the_gain_of_he_is_in_the_weights(up, copies):
    """An input channel sends 2 / 64 of its energy to each of 64 channels, for every copy of it."""
    layer = PlainConv2d(64, 64, up=up)
    impulses = torch.zeros(64, 64, 9, 9)
    impulses[:, :, 4, 4] = torch.eye(64)
    energy = layer(impulses).square().sum(dim=(2, 3)).mean().item()
    assert energy == pytest.approx(copies * 2 / 64, rel=0.1)


def test_dense_input_has_a_quarter_of_that_gain_and_to_rgb_none():
    config = GeneratorConfig(max_channels=64, mapping={"w_dim": 64})
    dense = DenseInput(config)
    x = dense(torch.randn(64, 64))
    assert x.shape == (64, 64, 4, 4)
    assert x.std().item() == pytest.approx(math.sqrt(2) / 4, rel=0.03)
    rgb = PlainToRGB(64, 3)(torch.randn(64, 64, 32, 32))
    assert 0.6 < rgb.std().item() < 1.4


def test_neither_noise_nor_bias_is_multiplied_by_the_gain():
    layer = TraditionalLayer(nn.Identity(), 3, noise=True)
    layer.normalize = lambda x, w, style_offset: x
    nn.init.constant_(layer.bias, 0.5)
    with torch.no_grad():
        layer.noise_strength.copy_(torch.tensor([0.0, 1.0, -2.0]))
    noise = torch.randn(2, 1, 4, 4)
    y, _ = layer(torch.zeros(2, 3, 4, 4), torch.zeros(2, 8), noise)
    assert_close(y, F.leaky_relu(noise * torch.tensor([0.0, 1, -2])[:, None, None] + 0.5, 0.2))


def test_biases_of_the_mapping_are_not_multiplied_either(tiny):
    mapping = tiny(ROW_C, mapping={"layers": 1}).mapping
    (layer,) = mapping.layers
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.bias, 100.0)  # times the learning rate multiplier 0.01
    assert_close(mapping(torch.randn(2, 8)), torch.ones(2, 8))


def test_noise_can_be_added_to_a_traditional_network(tiny):
    generator = tiny(ROW_B, noise=True)
    assert len(generator.synthesis.fixed_noise) == 2 * (TOP + 1)
    z, maps = torch.randn(1, 8), generator.synthesis.fixed_noise
    assert (generator(z, noise=[-noise for noise in maps]) - generator(z)).abs().max() > 0.01
    assert tiny(ROW_B).synthesis.fixed_noise == []
