import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from stylesmith import images
from stylesmith.devices import choose_precision
from stylesmith.errors import UsageError
from stylesmith.networks.generator import truncate
from stylesmith.networks.layers import StyledConv2d
from stylesmith.ops import upsample2d

SEEDS = range(5)
CPU = torch.device("cpu")


def randomize_w_avg(generator: nn.Module) -> None:
    generator.mapping.w_avg.copy_(torch.randn_like(generator.mapping.w_avg))


def spread(batch: Tensor) -> float:
    """How far the images of a batch are from the first of them."""
    return (batch - batch[:1]).abs().max().item()


def test_psi_zero_gives_one_image_for_all_seeds(tiny_generator):
    generator = tiny_generator()
    randomize_w_avg(generator)
    assert spread(generator.sample(SEEDS, psi=1, precision="fp32")) > 0.01
    assert spread(generator.sample(SEEDS, psi=0, precision="fp32")) < 1e-6


def test_psi_zero_draws_w_avg(tiny_generator):
    generator = tiny_generator()
    randomize_w_avg(generator)
    ws = generator.broadcast(generator.mapping.w_avg[None])
    wanted = generator.synthesis(ws, generator.synthesis.fixed_noise)
    assert_close(generator(torch.randn(1, 8), psi=0), wanted)


def test_psi_one_is_identity_and_minus_one_mirrors_around_the_center():
    w, center = torch.randn(4, 8), torch.randn(8)
    assert torch.equal(truncate(w, center, 1), w)
    assert torch.equal(truncate(w, center, 0), center.expand(4, 8))
    assert_close(truncate(w, center, -1) + w, 2 * center.expand(4, 8))
    assert_close(truncate(w, center, 0.5), (w + center) / 2)


def test_noise_is_fixed_random_by_seed_or_absent(tiny_generator):
    generator = tiny_generator(noise_strength=0.5)
    options = {"psi": 0, "precision": "fp32"}  # one w for all: what differs is noise
    fixed, absent, drawn = (
        generator.sample(SEEDS, noise=mode, **options) for mode in ("fixed", "none", "random")
    )
    assert spread(fixed) < 1e-6 and spread(absent) < 1e-6
    assert spread(drawn) > 0.01
    assert (fixed - absent).abs().max() > 0.01
    assert_close(generator.sample([3], noise="random", **options)[0], drawn[3])


def test_fixed_noise_belongs_to_the_saved_network(tiny_generator):
    names = [name for name in tiny_generator().state_dict() if "noise_" in name]
    maps = [name for name in names if "strength" not in name]
    assert maps == [f"synthesis.noise_{i}" for i in range(5)]


def test_every_noise_map_reaches_its_own_layer(tiny_generator):
    generator = tiny_generator(noise_strength=0.5)
    ws = generator.broadcast(generator.mapping(torch.randn(1, 8)))
    maps = list(generator.synthesis.fixed_noise)
    plain = generator.synthesis(ws, maps)
    for i, noise in enumerate(maps):
        changed = [*maps[:i], noise + torch.randn_like(noise), *maps[i + 1 :]]
        assert (generator.synthesis(ws, changed) - plain).abs().max() > 1e-3


def test_every_w_is_used(tiny_generator):
    generator = tiny_generator()
    ws = generator.broadcast(generator.mapping(torch.randn(1, 8))).detach().clone()
    ws.requires_grad_()
    generator.synthesis(ws, generator.synthesis.fixed_noise).square().sum().backward()
    assert ws.shape[1] == generator.config.num_ws == 6
    assert (ws.grad.norm(dim=2) > 0).all()


def test_to_rgb_shares_its_w_with_the_next_up_convolution(tiny_generator):
    seen: dict[str, Tensor] = {}
    generator = tiny_generator()
    for name, module in generator.synthesis.named_modules():
        if name.endswith("affine"):
            module.register_forward_pre_hook(lambda _, args, key=name: seen.update({key: args[0]}))
    ws = torch.randn(1, 6, 8)
    generator.synthesis(ws, generator.synthesis.fixed_noise)
    order = {
        "blocks.0.conv1": 0,
        "blocks.0.to_rgb": 1,
        "blocks.1.conv0": 1,
        "blocks.1.conv1": 2,
        "blocks.1.to_rgb": 3,
        "blocks.2.conv0": 3,
        "blocks.2.conv1": 4,
        "blocks.2.to_rgb": 5,
    }
    assert {name.removesuffix(".affine") for name in seen} == set(order)
    for name, index in order.items():
        assert torch.equal(seen[f"{name}.affine"], ws[:, index]), name


def test_the_image_is_the_upsampled_sum_of_shares(tiny_generator):
    shares: list[Tensor] = []
    generator = tiny_generator()
    for block in generator.synthesis.blocks:
        block.to_rgb.register_forward_hook(lambda _, args, output: shares.append(output))
    image = generator(torch.randn(2, 8))
    first, second, third = shares
    assert_close(image, upsample2d(upsample2d(first) + second) + third)


@pytest.mark.parametrize("noise", ["fixed", "random", "none"])
@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_a_seed_gives_its_image_at_any_batch_size(batch_size, noise, tiny_generator):
    generator = tiny_generator()
    options = {"psi": 0.7, "noise": noise, "precision": "fp32"}
    wanted = torch.cat([generator.sample([seed], **options) for seed in SEEDS])
    found = generator.sample(SEEDS, batch_size=batch_size, **options)
    assert_close(found, wanted, atol=2e-5, rtol=0)


def test_a_seed_gives_its_image_in_bf16_to_one_level(tiny_generator):
    for seed in range(2):
        generator = tiny_generator(
            levels=5, max_channels=64, mapping={"z_dim": 64, "w_dim": 64, "layers": 8}, seed=seed
        )
        alone, together = (
            generator.sample(range(8), batch_size=n, precision="bf16") for n in (1, 8)
        )
        levels = images.to_uint8(alone).int() - images.to_uint8(together).int()
        assert levels.abs().max() <= 1


def test_samples_are_clipped(tiny_generator):
    generator = tiny_generator()
    with torch.no_grad():
        generator.synthesis.blocks[0].to_rgb.bias.fill_(50.0)
    assert generator.sample([0]).abs().max() <= 1


def test_activations_keep_unit_scale_at_the_start(tiny_generator):
    energies: list[float] = []
    generator = tiny_generator(levels=6, max_channels=64, noise_strength=0.0)
    for module in generator.modules():
        if isinstance(module, StyledConv2d):
            module.register_forward_hook(
                lambda _, args, y: energies.append(y.square().mean().item())
            )
    batch = generator(torch.randn(16, 8))
    energies.append(batch.square().mean().item() / 6)  # the sum of six shares
    assert len(energies) == 12
    # Filters take white noise out of the constant; a wrong gain would act once per layer.
    assert all(0.1 < energy < 2.0 for energy in energies), energies


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_low_precision_stays_near_fp32_and_sums_images_in_fp32(name, tiny_generator):
    generator, z = tiny_generator(levels=5), torch.randn(4, 8)
    formats: list[torch.dtype] = []
    for block in generator.synthesis.blocks:
        block.conv1.register_forward_hook(lambda _, args, y: formats.append(y.dtype))
        block.to_rgb.register_forward_hook(lambda _, args, y: formats.append(y.dtype))
    policy = choose_precision(name, CPU)
    image = generator(z, precision=policy)
    assert formats[1::2] == [torch.float32] * 5
    assert formats[0::2] == [policy.dtype_at(level, 5) for level in range(5)]
    assert image.dtype == torch.float32
    wanted = generator(z)
    assert (image - wanted).abs().mean() < 0.05 * wanted.std()


@pytest.mark.parametrize("mode", ["concat", "embed"])
def test_labels_choose_the_image(mode, tiny_generator):
    generator = tiny_generator(label_size=3, mapping={"label_mode": mode})
    draw = [generator.sample([0], label=k, precision="fp32") for k in range(3)]
    assert (draw[0] - draw[1]).abs().max() > 1e-3
    assert (draw[1] - draw[2]).abs().max() > 1e-3
    by_vector = generator.sample([0], label=torch.tensor([0, 1, 0]), precision="fp32")
    assert_close(by_vector, draw[1])


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (None, "name one of 0-2"),
        (3, "class 3: this network has the classes 0-2"),
        (-1, "class -1"),
        (torch.ones(2), "has 3 numbers, got 2"),
        (torch.tensor(1), "has 3 numbers, got 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(label, message, tiny_generator):
    with pytest.raises(UsageError, match=message):
        tiny_generator(label_size=3).sample([0], label=label)


def test_a_label_for_a_network_without_labels_is_refused(tiny_generator):
    with pytest.raises(UsageError, match="trained without labels"):
        tiny_generator().sample([0], label=1)
