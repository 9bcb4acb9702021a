"""The model that comes with the package: small, described, and found by its name."""

import json

import pytest
import torch

import stylesmith
from stylesmith.errors import ModelError
from stylesmith.metrics.image_sources import is_model
from stylesmith.models import load_bundle, locate_model, save_model, shipped_models
from stylesmith.models.serialization import SHIPPED_FOLDER


def test_every_shipped_model_is_whole_small_and_described():
    assert shipped_models() == ["avatars"]
    for name in shipped_models():
        files = {path.name: path for path in (SHIPPED_FOLDER / name).iterdir()}
        assert set(files) == {"README.md", "config.json", "model.safetensors"}
        assert sum(path.stat().st_size for path in files.values()) < 10_000_000
        card = files["README.md"].read_text()
        assert "stylesmith train" in card and "fd_random" in card and "Avataaars" in card


def test_avatars_draw_varied_images_with_noise_and_styles():
    generator = stylesmith.load("avatars", device="cpu")
    assert generator.config.noise_shapes and generator.config.num_ws == 8
    images = generator.sample(range(16), psi=1.0)
    assert images.shape == (16, 3, 32, 32)
    assert images.std(dim=0).mean() > 0.2, "one face for all seeds"


def test_what_exists_under_the_name_comes_first(tmp_path, monkeypatch, tiny_generator):
    monkeypatch.chdir(tmp_path)
    assert locate_model("avatars") == SHIPPED_FOLDER / "avatars" and is_model(
        locate_model("avatars")
    )
    save_model(tmp_path / "avatars", tiny_generator(), card="", about={})
    assert locate_model("avatars").resolve() == tmp_path / "avatars"
    assert stylesmith.load("avatars").config.levels == 3


def test_paths_are_left_alone(tmp_path):
    assert locate_model(tmp_path / "avatars") == tmp_path / "avatars"
    with pytest.raises(ModelError, match=r"no such run, model folder or file.*comes: avatars"):
        stylesmith.load(tmp_path / "avatars")


def test_the_card_stays_with_the_model_when_it_is_exported():
    bundle = load_bundle(locate_model("avatars"))
    assert bundle.discriminator is None
    assert bundle.card == (SHIPPED_FOLDER / "avatars" / "README.md").read_text()
    assert (
        bundle.about
        == json.loads((SHIPPED_FOLDER / "avatars" / "config.json").read_text())["about"]
    )
    assert torch.equal(bundle.ema.mapping.w_avg, stylesmith.load("avatars").mapping.w_avg)
