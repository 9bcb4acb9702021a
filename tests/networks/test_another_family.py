"""A family of networks that joins from outside: two configs, two modules, and two registrations."""

from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import stylesmith
from stylesmith.config import (
    ConvolutionalConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    MappingConfig,
    ModulatedConfig,
    RunConfig,
    apply_overrides,
)
from stylesmith.devices import FP32
from stylesmith.errors import ConfigError
from stylesmith.models import serialization
from stylesmith.models.deploy import web_page
from stylesmith.networks import build, build_discriminator, build_generator
from stylesmith.networks.growth import levels_in_use
from stylesmith.networks.layer_indices import describe_layers
from tests.support import differing, make_photos, newest_state, resume, start, tiny_config


class FourierConfig(GeneratorConfig):
    """Waves whose phases depend on the first w, then one convolution without noise per level."""

    layers_per_level = 1
    family = "fourier"

    kind: Literal["fourier"] = "fourier"
    mapping: MappingConfig = MappingConfig(layers=1, z_dim=8, w_dim=8)
    waves: int = 6

    def num_ws_up_to(self, level: int) -> int:
        """One for the waves, and one per level."""
        return level + 2

    def noise_shapes_up_to(self, level: int) -> list[tuple[int, int]]:
        """Noise at the base only."""
        return [self.size(0)] if self.noise else []


class FourierSynthesis(nn.Module):
    """A synthesis network that has nothing in common with those of the package."""

    def __init__(self, config: FourierConfig):
        super().__init__()
        self.config = config
        self.phases = nn.Linear(config.w_dim, config.waves)
        self.scales = nn.ModuleList(
            nn.Linear(config.w_dim, config.waves) for _ in range(config.levels)
        )
        self.to_rgb = nn.Conv2d(config.waves, config.image_channels, 1)
        self.register_buffer("noise_0", torch.randn(1, 1, *config.base))

    @property
    def fixed_noise(self) -> list[Tensor]:
        return [self.noise_0] if self.config.noise else []

    def forward(self, ws, noise, *, growth=None, precision=FP32, **_):
        top = levels_in_use(growth, self.config.levels, grows=False).level
        x = self.phases(ws[:, 0]).sin()[:, :, None, None].expand(-1, -1, *self.config.base)
        if noise and noise[0] is not None:
            x = x + noise[0]
        for level in range(top + 1):
            x = F.interpolate(x, self.config.size(level))
            x = torch.sin(x * self.scales[level](ws[:, level + 1])[:, :, None, None])
        return self.to_rgb(x)

    def forward_pyramid(self, ws, noise, **options):
        return [self(ws, noise, **options)]


class AverageConfig(DiscriminatorConfig):
    """A discriminator that scores the mean of each channel and its square."""

    kind: Literal["average"] = "average"
    hidden: int = 4


class AverageDiscriminator(nn.Module):
    def __init__(self, config: AverageConfig):
        super().__init__()
        self.config = config
        self.hidden = nn.Linear(2 * config.image_channels, config.hidden)
        self.output = nn.Linear(config.hidden, 1)

    def forward(self, images, label=None, *, growth=None, precision=FP32):
        means = torch.cat([images.mean(dim=(2, 3)), images.square().mean(dim=(2, 3))], dim=1)
        return self.output(self.hidden(means).sin())[:, 0]

    def prepare_reals(self, images, growth=None):
        return [images]

    def score(self, inputs, label=None, *, growth=None, precision=FP32):
        return self(inputs[-1], label)


build.SYNTHESIS_NETWORKS[FourierConfig] = FourierSynthesis
build.DISCRIMINATORS[AverageConfig] = AverageDiscriminator
SETTINGS = ["generator.waves=5", "generator.kind=fourier", "discriminator.kind=average"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("photos"))


def test_a_config_without_knowledge_of_the_family_reads_it_back():
    generator, discriminator = FourierConfig(levels=5, waves=3), AverageConfig(levels=5, hidden=2)
    data = {"size": (64, 64)}
    config = RunConfig(generator=generator, discriminator=discriminator, data=data, training={})
    again = RunConfig.from_json(config.model_dump_json(), source="x")
    assert (again.generator, again.discriminator) == (generator, discriminator)
    assert GeneratorConfig.model_validate(generator.model_dump(mode="json")) == generator


def test_assigned_settings_are_those_of_the_kind_that_is_assigned(photos):
    config, _ = tiny_config(photos, *SETTINGS)
    widths = {"levels": 2, "channel_base": 64, "max_channels": 8}
    mapping = {"layers": 2, "z_dim": 16, "w_dim": 16}
    wanted = FourierConfig(waves=5, connection="skip", mapping=mapping, **widths)
    assert config.generator == wanted
    assert config.discriminator == AverageConfig(connection="resid", **widths)
    with pytest.raises(ConfigError, match=r"^--set generator\.waves: there is no such setting"):
        tiny_config(photos, "generator.waves=5")
    with pytest.raises(ConfigError, match="generator: kind 'furrier': wanted one of traditional, "):
        tiny_config(photos, "generator.kind=furrier")
    with pytest.raises(ConfigError, match=r"generator\.blur: there is no such setting"):
        apply_overrides(config, ["generator.blur=true"])
    back = apply_overrides(config, ["generator.kind=modulated", "discriminator.kind=convolutional"])
    assert back.generator == ModulatedConfig(mapping=mapping, **widths)
    assert back.discriminator == ConvolutionalConfig(**widths)


def test_its_layers_are_its_own():
    config = FourierConfig(levels=5)
    assert (config.num_ws, config.num_ws_up_to(1), config.noise_shapes) == (6, 3, [(4, 4)])
    assert config.layer_groups() == {"coarse": (0, 1), "middle": (2, 3), "fine": (4,)}
    assert config.layer_groups(2) == {"coarse": (0, 1), "middle": (2,)}
    assert describe_layers(config).endswith("layers 0-4: coarse 0-1, middle 2-3, fine 4")


def test_a_web_page_shows_its_layers():
    groups = web_page.layer_groups(build_generator(FourierConfig(levels=5)))
    notes = [(group["name"], group["first"], group["last"], group["note"]) for group in groups]
    coarse = ("coarse", 0, 1, "4 to 8 pixels")
    assert notes == [coarse, ("middle", 2, 3, "16 to 32 pixels"), ("fine", 4, 4, "64 pixels")]


def test_a_seed_gives_its_weights_and_a_file_gives_them_back(tmp_path):
    generator = build_generator(FourierConfig(levels=3), seed=1)
    assert isinstance(generator.synthesis, FourierSynthesis)
    assert isinstance(build_discriminator(AverageConfig(levels=3)), AverageDiscriminator)
    images = generator.sample(range(3), psi=0.5, noise="random")
    assert images.shape == (3, 3, 16, 16)
    serialization.save_model(tmp_path, generator, card="# x\n", about={})
    loaded = stylesmith.load(tmp_path, device="cpu").to(images.device)
    assert torch.equal(loaded.sample(range(3), psi=0.5, noise="random"), images)


def test_it_trains_and_resumes_to_the_bit(photos, tmp_path):
    whole = start(photos, tmp_path / "whole", *SETTINGS, steps=4)
    assert stylesmith.load(whole.path, device="cpu").sample([0]).shape == (1, 3, 8, 8)
    parts = start(photos, tmp_path / "parts", *SETTINGS, steps=2)
    before, _ = newest_state(parts)
    resume(parts, steps=4)
    tensors, header = newest_state(parts)
    assert header["generator"]["kind"] == "fourier"
    moved = differing(before, tensors)
    assert {"generator.synthesis.phases.weight", "discriminator.hidden.weight"} <= set(moved)
    assert differing(newest_state(whole)[0], tensors) == []
