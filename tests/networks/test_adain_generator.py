"""StyleGAN's synthesis network: what styles and noise do, layer by layer."""

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from stylesmith.config import GeneratorConfig
from stylesmith.networks import Generator, Growth, build_generator, parameter_count
from stylesmith.networks.stylegan import AdaINLayer, ConstantInput

LEVELS = 3
GROWING = {"kind": "adain", "connection": "grow"}
ROW_C = GROWING | {"constant_input": False, "noise": False}
ROW_D = GROWING | {"noise": False}
ROW_F = GROWING

# Trainable parameters: RGB, no labels, and 8 mapping layers where no number says otherwise.
COUNTS = [
    (ROW_C, 1024, 8, 30_400_651),
    (ROW_D, 1024, 8, 26_214_539),
    (ROW_F, 1024, 8, 26_219_627),
    (ROW_F, 512, 8, 26_179_768),
    (ROW_F, 256, 8, 26_086_229),
    (ROW_F, 1024, 0, 24_118_379),
    (ROW_F, 1024, 1, 24_381_035),
    (ROW_F, 1024, 2, 24_643_691),
]


@pytest.fixture
def generator(tiny_generator) -> Generator:
    return tiny_generator(levels=LEVELS, **ROW_F)


def adain_layers(generator: Generator) -> list[AdaINLayer]:
    """In the order of their w."""
    blocks = generator.synthesis.blocks
    return [layer for block in blocks for layer in (block.layer0, block.layer1)]


def outputs(generator: Generator, ws: Tensor) -> list[Tensor]:
    """What each layer gives for these w."""
    found: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda _, args, y: found.append(y[0]))
        for layer in adain_layers(generator)
    ]
    generator.synthesis(ws, generator.synthesis.fixed_noise)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize(("row", "side", "layers", "wanted"), COUNTS)
def test_parameter_counts_are_those_of_the_paper(row, side, layers, wanted):
    fields = {"levels": side.bit_length() - 2, "mapping": {"layers": layers}}
    config = GeneratorConfig(channel_base=16384, **row, **fields)
    with torch.device("meta"):
        assert parameter_count(build_generator(config)) == wanted


def test_at_1024_there_are_18_layers_each_with_its_w_and_noise_map():
    config = GeneratorConfig(levels=9, **ROW_F)
    assert config.num_ws == 18
    sides = [2 ** (i // 2 + 2) for i in range(18)]
    assert config.noise_shapes == [(side, side) for side in sides]
    with torch.device("meta"):
        synthesis = build_generator(config).synthesis
    assert len([m for m in synthesis.modules() if isinstance(m, AdaINLayer)]) == 18
    assert [tuple(noise.shape[2:]) for noise in synthesis.fixed_noise] == config.noise_shapes


def test_without_a_style_every_feature_map_has_zero_mean_and_unit_variance(generator):
    for layer in adain_layers(generator):
        nn.init.zeros_(layer.affine.weight)
    found = outputs(generator, torch.randn(2, 2 * LEVELS, 8))
    assert len(found) == 2 * LEVELS
    for y in found:
        assert_close(y.mean(dim=(2, 3)), torch.zeros(2, 8), atol=1e-5, rtol=0)
        assert_close(y.std(dim=(2, 3), correction=0), torch.ones(2, 8), atol=1e-3, rtol=0)


def test_each_w_sets_scale_and_shift_of_its_own_layer(generator):
    ws = torch.randn(2, 2 * LEVELS, 8)
    for i, (layer, y) in enumerate(
        zip(adain_layers(generator), outputs(generator, ws), strict=True)
    ):
        style = layer.affine(ws[:, i])
        scale, shift = style[:, :8] + 1, style[:, 8:]
        assert_close(y.mean(dim=(2, 3)), shift, atol=1e-4, rtol=1e-4)
        assert_close(y.std(dim=(2, 3), correction=0), scale.abs(), atol=2e-3, rtol=1e-3)


def test_styles_start_around_scale_one_and_shift_zero(generator):
    for layer in adain_layers(generator):
        assert_close(layer.affine(torch.zeros(1, 8)), torch.zeros(1, 16))


@pytest.mark.parametrize("level", range(LEVELS))
def test_the_w_of_levels_not_in_use_do_not_matter(level, generator):
    ws = torch.randn(2, 2 * LEVELS, 8, requires_grad=True)
    noise = generator.synthesis.fixed_noise
    images = generator.synthesis(ws, noise, growth=Growth(level))
    images.square().sum().backward()
    reached = ws.grad.norm(dim=2).amax(dim=0) > 0
    assert reached.tolist() == [i < 2 * (level + 1) for i in range(2 * LEVELS)]


def test_noise_has_no_effect_at_the_start(tiny_generator):
    generator = tiny_generator(levels=LEVELS, noise_strength=0.0, **ROW_F)
    z = torch.randn(2, 8)
    loud = [100 * torch.randn(2, 1, *shape) for shape in generator.config.noise_shapes]
    assert torch.equal(generator(z, noise=loud), generator(z))
    fresh = build_generator(generator.config)
    assert all((layer.noise_strength == 0).all() for layer in adain_layers(fresh))


def test_every_noise_map_enters_its_own_layer_channel_by_channel(generator):
    ws = torch.randn(1, 2 * LEVELS, 8)
    for i, layer in enumerate(adain_layers(generator)):
        with torch.no_grad():
            layer.noise_strength.zero_()[3] = 0.5
        before = outputs(generator, ws)
        getattr(generator.synthesis, f"noise_{i}").neg_()
        after = outputs(generator, ws)
        pairs = zip(before, after, strict=True)
        changed = [(a - b).abs().amax(dim=(0, 2, 3)) > 1e-4 for a, b in pairs]
        assert not any(c.any() for c in changed[:i])
        assert changed[i].tolist() == [c == 3 for c in range(8)]


def test_noise_belongs_to_the_network_or_to_the_seed(generator):
    fixed, drawn, absent = (
        generator.sample([0, 1], psi=0, noise=mode, precision="fp32")
        for mode in ("fixed", "random", "none")
    )
    assert_close(fixed[0], fixed[1])
    assert_close(absent[0], absent[1])
    assert (drawn[0] - drawn[1]).abs().max() > 0.01
    assert (fixed - absent).abs().max() > 0.01


def test_the_constant_starts_as_ones_and_is_shared_by_all_images(generator):
    base = generator.synthesis.blocks[0].layer0.source
    assert isinstance(base, ConstantInput)
    assert torch.equal(base.const, torch.ones(1, 8, 4, 4))
    assert_close(base(torch.randn(3, 8)), torch.ones(3, 8, 4, 4))


def test_a_dense_input_lets_w_reach_the_base(tiny_generator):
    """Row C: with all styles off, images differ by w; with a constant they could not."""
    for row, differ in ((ROW_C, True), (ROW_D, False)):
        generator = tiny_generator(levels=LEVELS, **row)
        for layer in adain_layers(generator):
            nn.init.zeros_(layer.affine.weight)
        images = generator(torch.randn(2, 8))
        assert bool((images[0] - images[1]).abs().max() > 1e-3) == differ


def test_the_untrained_network_without_noise_sends_finite_gradients_to_its_constant(
    tiny_generator,
):
    """A constant of ones has no variance; only epsilon stands between it and a division by 0."""
    generator = tiny_generator(levels=LEVELS, **ROW_D)
    generator(torch.randn(2, 8)).square().mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in generator.parameters())
