"""What the arrays of a file mean: computed here as their own program does, without our layers.

Round trips can't see a mistake that reading and writing share; these tests read the arrays of a
file in its own convention. Each says what happens if the conversion is left out.
"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.models import load_bundle
from stylesmith.models.interop import rosinality, stylegan2_ada, tensorflow, write_external
from stylesmith.models.interop.name_map import COPY, KERNEL
from stylesmith.ops import conv2d_up
from tests.models.interop.makers import (
    arrays,
    discriminator,
    generator,
    tensorflow_file,
    variables,
)
from tests.models.interop.test_round_trips import QUIET, STYLEGAN, TRADITIONAL

PROGAN = TRADITIONAL | QUIET | {"blur": False, "mapping": {"layers": 0}}
LARGE = {"levels": 6, "max_channels": 3}


def fused(x: Tensor, weight: np.ndarray) -> Tensor:
    """Repeat and convolve in one step, as the TensorFlow programs do: `weight` is (3, 3, I, O)."""
    kernel = F.pad(torch.tensor(weight).permute(2, 3, 0, 1), (1, 1, 1, 1))
    four = sum(kernel[:, :, i : i + 4, j : j + 4] for i in (0, 1) for j in (0, 1))
    return F.conv_transpose2d(x, four, stride=2, padding=1)


def repeated(x: Tensor, weight: np.ndarray) -> Tensor:
    """Repeat, then correlate: what they do at low resolution."""
    kernel = torch.tensor(weight).permute(3, 2, 0, 1)
    return F.conv2d(F.interpolate(x, scale_factor=2), kernel, padding=1)


def blurred(x: Tensor) -> Tensor:
    row = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = torch.outer(row, row).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, padding=1, groups=x.shape[1])


def imported_bundle(tmp_path, network, critic=None):
    critic = critic or discriminator()
    return load_bundle(tensorflow_file(tmp_path / "x.pkl", network, critic))


class UpLayer:
    """A file with an up-convolution of a level, and what its program computes there."""

    def __init__(self, folder, fields, level):
        network = generator(**fields)
        self.level, self.path = level, tensorflow_file(folder / "x.pkl", network, discriminator())
        prefix = "" if tensorflow.is_progan(network.config) else "synthesis/"
        weight = variables(network)[f"{prefix}{4 << level}x{4 << level}/Conv0_up/weight"]
        self.kernel = weight * np.float32(math.sqrt(2 / (9 * weight.shape[2])))
        self.x = torch.randn(2, weight.shape[2], 4, 4)

    def imported(self) -> Tensor:
        """What the imported layer gives."""
        blocks = load_bundle(self.path, trained=False).ema.synthesis.blocks
        return blocks[self.level].layer0.source(self.x)


@pytest.mark.parametrize(
    ("level", "step"), [(5, fused), (4, repeated), (1, repeated)], ids=["128", "64", "8"]
)
def test_stylegan_turns_kernels_from_128_on(tmp_path, monkeypatch, level, step):
    layer = UpLayer(tmp_path, STYLEGAN | LARGE, level)
    expected = blurred(step(layer.x, layer.kernel))
    torch.testing.assert_close(layer.imported(), expected, rtol=1e-5, atol=1e-5)
    monkeypatch.setattr(tensorflow, "FLIPPED", COPY)
    assert torch.allclose(layer.imported(), expected, atol=1e-3) == (step is repeated)


@pytest.mark.parametrize("level", [1, 5])
def test_progan_turns_all_kernels(tmp_path, monkeypatch, level):
    layer = UpLayer(tmp_path, PROGAN | LARGE, level)
    expected = fused(layer.x, layer.kernel)
    torch.testing.assert_close(layer.imported(), expected, rtol=1e-5, atol=1e-5)
    monkeypatch.setattr(tensorflow, "FLIPPED", COPY)
    assert not torch.allclose(layer.imported(), expected, atol=1e-3)


def test_the_fused_setting_of_a_file_decides(tmp_path):
    network = generator(**STYLEGAN)
    kernel = variables(network)["synthesis/8x8/Conv0_up/weight"]
    path = tensorflow_file(
        tmp_path / "x.pkl", network, discriminator(), settings={"fused_scale": True}
    )
    layer = load_bundle(path).ema.synthesis.blocks[1].layer0.source
    x = torch.randn(1, kernel.shape[2], 4, 4)
    scaled = kernel * np.float32(math.sqrt(2 / (9 * kernel.shape[2])))
    torch.testing.assert_close(layer(x), blurred(fused(x, scaled)), rtol=1e-5, atol=1e-5)


def smooth_then_correlate(x: Tensor, kernel: Tensor) -> Tensor:
    """Bilinear upsampling and correlation: an up-convolution with [1,3,3,1], inside the border."""
    large = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return F.conv2d(large, kernel, padding=1)[:, :, 3:-3, 3:-3]


def check_up(weight: Tensor, kernel: Tensor) -> bool:
    """Whether a layer's weight and a correlation kernel make the same up-convolution."""
    x = torch.randn(1, kernel.shape[1], 8, 8)
    found = conv2d_up(x, weight)[:, :, 3:-3, 3:-3]
    return torch.allclose(found, smooth_then_correlate(x, kernel), atol=1e-4)


def test_stylegan2_correlates(tmp_path):
    network = generator()
    kernel = torch.tensor(variables(network)["synthesis/8x8/Conv0_up/weight"]).permute(3, 2, 0, 1)
    assert check_up(imported_bundle(tmp_path, network).ema.synthesis.blocks[1].conv0.weight, kernel)
    assert not check_up(network.synthesis.blocks[1].conv0.weight, kernel.flip(2, 3))


@pytest.mark.parametrize(
    ("layout", "module", "name"),
    [
        ("ada", stylegan2_ada, "synthesis.b8.conv0.weight"),
        ("rosinality", rosinality, "convs.0.conv.weight"),
    ],
)
def test_ada_and_rosinality_convolve_truly(tmp_path, monkeypatch, layout, module, name):
    network, path = generator(), tmp_path / "x.pt"
    write_external(path, layout, {"G_ema": network})
    stored = torch.load(path, weights_only=True)["G_ema" if layout == "ada" else "g_ema"][name]
    kernel = stored.reshape(stored.shape[-4:]).flip(2, 3)  # a true convolution flips
    assert check_up(load_bundle(path).ema.synthesis.blocks[1].conv0.weight, kernel)
    monkeypatch.setattr(module, "FLIPPED", COPY)
    assert not check_up(load_bundle(path).ema.synthesis.blocks[1].conv0.weight, kernel)


@pytest.mark.parametrize("part", ["8x8/Conv0_up", "8x8/Conv1", "4x4/Conv", "8x8/ToRGB"])
def test_styles_of_stylegan2_are_stored_around_zero(tmp_path, monkeypatch, part):
    network, w = generator(), torch.randn(3, 6)
    stored = variables(network)
    weight, bias = (stored[f"synthesis/{part}/mod_{kind}"] for kind in ("weight", "bias"))
    expected = w @ torch.tensor(weight) / math.sqrt(6) + torch.tensor(bias) + 1

    path = tensorflow_file(tmp_path / "x.pkl", network, discriminator())

    def style() -> Tensor:
        blocks = load_bundle(path, trained=False).ema.synthesis.blocks
        layers = {"8x8/Conv0_up": blocks[1].conv0, "8x8/Conv1": blocks[1].conv1}
        layers |= {"4x4/Conv": blocks[0].conv1, "8x8/ToRGB": blocks[1].to_rgb}
        return layers[part].affine(w)

    torch.testing.assert_close(style(), expected, rtol=1e-5, atol=1e-6)
    monkeypatch.setattr(tensorflow, "PLUS_ONE", COPY)
    torch.testing.assert_close(style(), expected - 1, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("ada", "synthesis.b8.conv1.affine"),
        ("rosinality", "convs.1.conv.modulation"),
    ],
)
def test_styles_of_ada_and_rosinality_are_stored_as_they_are(tmp_path, layout, name):
    network, w = generator(), torch.randn(3, 6)
    write_external(tmp_path / "x.pt", layout, {"G_ema": network})
    stored = torch.load(tmp_path / "x.pt", weights_only=True)
    state = stored["G_ema" if layout == "ada" else "g_ema"]
    expected = w @ state[f"{name}.weight"].T / math.sqrt(6) + state[f"{name}.bias"]
    found = load_bundle(tmp_path / "x.pt").ema.synthesis.blocks[1].conv1.affine(w)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_styles_of_stylegan_scale_first_then_shift(tmp_path):
    network, w = generator(**STYLEGAN), torch.randn(3, 6)
    stored = variables(network)
    weight, bias = (stored[f"synthesis/8x8/Conv1/StyleMod/{kind}"] for kind in ("weight", "bias"))
    scale, shift = (w @ torch.tensor(weight) / math.sqrt(6) + torch.tensor(bias)).chunk(2, dim=1)
    x = torch.randn(3, weight.shape[1] // 2, 8, 8)
    normal = (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True, unbiased=False)
    expected = normal * (scale + 1)[:, :, None, None] + shift[:, :, None, None]
    layer = imported_bundle(tmp_path, network).ema.synthesis.blocks[1].layer1
    torch.testing.assert_close(layer.normalize(x, w), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("fields", "gain"), [({}, 1.0), (STYLEGAN, math.sqrt(2))])
def test_dense_weights_are_transposed_and_gains_in_place(tmp_path, fields, gain):
    """The mapping as its program computes it; StyleGAN's gain spares the bias."""
    network, z = generator(**fields), torch.randn(3, 6)
    stored = {name: torch.tensor(a) for name, a in variables(network).items()}
    imported = imported_bundle(tmp_path, network).ema.mapping(z)

    def mapping(turn) -> Tensor:
        x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for i in range(2):
            weight, bias = stored[f"mapping/Dense{i}/weight"], stored[f"mapping/Dense{i}/bias"]
            x = x @ turn(weight) * (gain * 0.01 / math.sqrt(6)) + bias * 0.01
            x = F.leaky_relu(x, 0.2) * (math.sqrt(2) / gain)
        return x

    torch.testing.assert_close(imported, mapping(lambda w: w), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(imported, mapping(lambda w: w.T), rtol=1e-2)


def test_kernels_of_the_discriminator_are_not_turned(tmp_path):
    critic = discriminator()
    stored = torch.tensor(variables(critic)["8x8/Conv0/weight"]).permute(3, 2, 0, 1)
    found = imported_bundle(tmp_path, generator(), critic).discriminator.blocks[1].conv0
    x = torch.randn(1, 4, 8, 8)
    y = F.leaky_relu(F.conv2d(x, stored / 6, found.bias, padding=1), 0.2) * math.sqrt(2)
    torch.testing.assert_close(found(x), y, rtol=1e-5, atol=1e-5)


def test_stylegan_adds_noise_and_bias_without_the_gain(tmp_path):
    network = generator(**STYLEGAN)
    stored = {name: torch.tensor(a) for name, a in variables(network).items()}
    layer = imported_bundle(tmp_path, network).ema.synthesis.blocks[1].layer1
    layer.normalize = lambda x, w, style_offset: x
    place = "synthesis/8x8/Conv1"
    kernel = stored[f"{place}/weight"].permute(3, 2, 0, 1) * math.sqrt(2 / 36)
    x, noise = torch.randn(2, 4, 8, 8), torch.randn(1, 1, 8, 8)
    y = F.conv2d(x, kernel, padding=1)
    y = y + noise * stored[f"{place}/Noise/weight"][:, None, None]
    y = F.leaky_relu(y + stored[f"{place}/bias"][:, None, None], 0.2)
    torch.testing.assert_close(layer(x, torch.zeros(2, 6), noise)[0], y, rtol=1e-5, atol=1e-5)


def test_arrays_in_memory_are_those_of_the_network():
    """`variables` writes in TensorFlow's layout: kernels (k, k, I, O), dense weights (I, O)."""
    network = generator(mapping={"z_dim": 5})
    ours, theirs = arrays(network), variables(network)
    assert theirs["mapping/Dense0/weight"].shape == (5, 6)
    kernel = theirs["synthesis/8x8/Conv1/weight"]
    assert np.array_equal(KERNEL.read(kernel), ours["synthesis.blocks.1.conv1.weight"])
    assert kernel[0, 2, 1, 3] == ours["synthesis.blocks.1.conv1.weight"][3, 1, 0, 2]
