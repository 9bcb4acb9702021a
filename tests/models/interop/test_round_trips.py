"""Random networks -> a file of another program -> back: the same tensors and the same images."""

import pytest
import torch

from stylesmith.errors import ModelError
from stylesmith.models import load_bundle
from stylesmith.models.interop import file_reader, write_external
from tests.models.interop.makers import (
    discriminator,
    draw,
    generator,
    tensorflow_file,
)
from tests.support import differing

STYLEGAN = {"kind": "adain", "connection": "grow"}
TRADITIONAL = {"kind": "traditional", "connection": "grow", "constant_input": False}
DENSE = {"constant_input": False}
QUIET = {"noise": False}
LABELS = {"label_size": 3}
EMBED = {"mapping": {"label_mode": "embed"}}

TENSORFLOW_GENERATORS = {
    "progan": TRADITIONAL | QUIET | {"blur": False, "mapping": {"layers": 0}},
    "stylegan-b": TRADITIONAL | QUIET | {"mapping": {"layers": 0}},
    "stylegan-traditional-mapping": TRADITIONAL | QUIET,
    "stylegan-c": STYLEGAN | DENSE | QUIET,
    "stylegan-d": STYLEGAN | QUIET,
    "stylegan-e": STYLEGAN,
    "stylegan-128": STYLEGAN | {"levels": 6, "max_channels": 2},
    "progan-128": TRADITIONAL | QUIET | {"blur": False, "mapping": {"layers": 0}, "levels": 6},
    "stylegan-no-blur": STYLEGAN | {"blur": False},
    "stylegan-labels": STYLEGAN | LABELS,
    "stylegan-no-mapping-labels": STYLEGAN | LABELS | {"mapping": {"layers": 0}},
    "stylegan2-grow": {"connection": "grow"},
    "stylegan2-orig": {"connection": "orig"},
    "stylegan2-skip": {"connection": "skip"},
    "stylegan2-resid": {"connection": "resid"},
    "stylegan2-labels": LABELS,
    "stylegan2-no-noise": QUIET,
    "stylegan2-grey": {"image_channels": 1},
    "stylegan2-widths": {"channel_base": 96, "max_channels": 5},
    "stylegan2-ada": LABELS | EMBED,
    "stylegan2-slow-mapping": {"mapping": {"lr_multiplier": 0.1}},
}

TENSORFLOW_DISCRIMINATORS = {
    "progan": {"connection": "grow", "resample": "box"},
    "stylegan": {"connection": "grow", "resample": "[1,2,1]"},
    "stylegan-labels": {"connection": "grow", "resample": "[1,2,1]"} | LABELS,
    "stylegan2-grow": {"connection": "grow"},
    "stylegan2-orig": {"connection": "orig"},
    "stylegan2-skip": {"connection": "skip"},
    "stylegan2-resid": {},
    "stylegan2-labels": LABELS,
    "stylegan2-stddev": {"stddev_group": 2, "stddev_features": 2},
}

ADA_GENERATORS = {
    "skip": {},
    "orig": {"connection": "orig"},
    "resnet": {"connection": "resid"},
    "conditional": LABELS | EMBED,
    "mapping-1": {"mapping": {"layers": 1}},
    "mapping-8": {"mapping": {"layers": 8, "z_dim": 5}},
    "wide-z": {"mapping": {"z_dim": 9}},
    "quiet": QUIET,
    "alpha": {"image_channels": 4},
}

ADA_DISCRIMINATORS = {
    "resnet": {},
    "orig": {"connection": "orig"},
    "skip": {"connection": "skip"},
    "projection": LABELS | {"label_mode": "projection"},
    "projection without layers": LABELS
    | {"label_mode": "projection", "label_layers": 0, "label_lr_multiplier": 0.1},
    "stddev": {"stddev_group": 8, "stddev_features": 2},
    "no-stddev": {"stddev_features": 0},
}


def same_network(found, wanted) -> None:
    """Equal tensors, equal images, and the same architecture but for how widths are stated."""
    assert differing(found.state_dict(), wanted.state_dict()) == []
    fields = {"channel_base", "max_channels"}
    assert found.config.model_dump(exclude=fields) == wanted.config.model_dump(exclude=fields)
    for level in range(wanted.config.levels):
        assert found.config.channels(level) == wanted.config.channels(level)


def same_images(found, wanted) -> None:
    images = draw(wanted)
    assert images.std() > 1e-3  # not a flat image that any network would draw
    torch.testing.assert_close(draw(found), images, rtol=0, atol=1e-5)


def same_scores(found, wanted) -> None:
    config = wanted.config
    images = torch.rand(4, config.image_channels, *config.size()) * 2 - 1
    label = torch.eye(config.label_size)[[0, 1, 2, 0]] if config.label_size else None
    with torch.no_grad():
        scores = wanted(images, label)
        assert scores.std() > 1e-4
        torch.testing.assert_close(found(images, label), scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", TENSORFLOW_GENERATORS)
def test_tensorflow_generators(tmp_path, name):
    fields = TENSORFLOW_GENERATORS[name]
    ema, raw = generator(seed=1, **fields), generator(seed=2, **fields)
    critic = discriminator(connection="grow", resample="[1,2,1]")
    path = tensorflow_file(tmp_path / "network.pkl", ema, critic, raw=raw)
    bundle = load_bundle(path)
    for found, wanted in ((bundle.ema, ema), (bundle.generator, raw)):
        same_network(found, wanted)
        same_images(found, wanted)
    assert differing(bundle.ema.state_dict(), bundle.generator.state_dict()) != []


@pytest.mark.parametrize("name", TENSORFLOW_DISCRIMINATORS)
def test_tensorflow_discriminators(tmp_path, name):
    critic = discriminator(seed=3, **TENSORFLOW_DISCRIMINATORS[name])
    version = 2 if name == "progan" else 3 if "2" not in name else 4
    path = tensorflow_file(tmp_path / "network.pkl", generator(), critic, version=version)
    found = load_bundle(path).discriminator
    same_network(found, critic)
    same_scores(found, critic)


@pytest.mark.parametrize("suffix", [".pkl", ".pt"])
@pytest.mark.parametrize("name", ADA_GENERATORS)
def test_ada_generators(tmp_path, name, suffix):
    fields = ADA_GENERATORS[name]
    ema, raw = generator(seed=1, **fields), generator(seed=2, **fields)
    write_external(tmp_path / f"x{suffix}", "ada", {"G_ema": ema, "G": raw})
    bundle = load_bundle(tmp_path / f"x{suffix}")
    assert bundle.discriminator is None
    for found, wanted in ((bundle.ema, ema), (bundle.generator, raw)):
        same_network(found, wanted)
        same_images(found, wanted)


@pytest.mark.parametrize("suffix", [".pkl", ".pt"])
@pytest.mark.parametrize("name", ADA_DISCRIMINATORS)
def test_ada_discriminators(tmp_path, name, suffix):
    critic = discriminator(seed=3, **ADA_DISCRIMINATORS[name])
    write_external(tmp_path / f"x{suffix}", "ada", {"G_ema": generator(), "D": critic})
    found = load_bundle(tmp_path / f"x{suffix}").discriminator
    same_network(found, critic)
    same_scores(found, critic)


@pytest.mark.parametrize("name", ["x.pkl", "x.pt", "rosinality.pt", "tensorflow.pkl"])
def test_networks_of_very_many_tensors_are_refused(tmp_path, monkeypatch, name):
    path = tmp_path / name
    if name == "tensorflow.pkl":
        tensorflow_file(path, generator(), discriminator())
    else:
        layout = "rosinality" if name == "rosinality.pt" else "ada"
        write_external(path, layout, {"G_ema": generator()})
    monkeypatch.setattr(file_reader, "MAX_TENSORS", 20)
    with pytest.raises(ModelError, match=r"refused: more than 20 tensors in G"):
        load_bundle(path)


def test_rosinality(tmp_path):
    ema, raw, critic = generator(seed=1), generator(seed=2), discriminator(seed=3)
    write_external(tmp_path / "x.pt", "rosinality", {"G_ema": ema, "G": raw, "D": critic})
    bundle = load_bundle(tmp_path / "x.pt")
    same_network(bundle.ema, ema)
    same_images(bundle.ema, ema)
    same_network(bundle.discriminator, critic)
    same_scores(bundle.discriminator, critic)
    raw.mapping.w_avg.copy_(ema.mapping.w_avg)  # the format has one mean, for both
    same_network(bundle.generator, raw)
