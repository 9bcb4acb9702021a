"""Latent files: the same image to the bit, and one line for every file that cannot be used."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from stylesmith.errors import DataError, UsageError
from stylesmith.sampling import NoiseSettings, SavedLatent, read_latent_file, write_latent_file
from stylesmith.sampling.latent_files import image_stem, load_sources
from stylesmith.tensor_file import read_tensor_file, write_tensor_file
from tests import support

SETTINGS = {
    "plain": {},
    "truncated": {"psi": 0.4, "psi_layers": (0, 1)},
    "random": {"noise": NoiseSettings("random")},
    "none": {"noise": NoiseSettings("none")},
    "some": {"noise": NoiseSettings("random", (1, 3))},
}


@pytest.fixture
def saved(make_pipeline, tmp_path):
    """A pipeline, and the latent file of its seed 3."""
    pipeline = make_pipeline()
    path = tmp_path / "face.safetensors"
    write_latent_file(path, pipeline.codes([3]), model=pipeline.model_hash, settings={"steps": 7})
    return pipeline, path


@pytest.mark.parametrize("fields", [{}, {"kind": "adain", "connection": "grow"}, {"noise": False}])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_latent_file_redraws_bit_by_bit(make_pipeline, with_settings, tmp_path, fields, settings):
    pipeline = make_pipeline(**fields, settings=settings)
    codes = pipeline.codes([3])
    path = tmp_path / "face.safetensors"
    write_latent_file(path, codes, model=pipeline.model_hash, settings={})
    other = with_settings(pipeline, psi=0.1)  # truncation has no say in files
    assert torch.equal(other.draw(other.codes(load_sources(other, [path]))), pipeline.draw(codes))


def test_bf16_images_are_redrawn_bit_by_bit_too(make_pipeline, tmp_path):
    pipeline = make_pipeline(settings={"precision": "bf16"})
    path = tmp_path / "face.safetensors"
    write_latent_file(path, pipeline.codes([3]), model=pipeline.model_hash, settings={})
    assert torch.equal(
        *(pipeline.draw(pipeline.codes(s)) for s in ([3], load_sources(pipeline, [path])))
    )


def test_a_file_keeps_where_it_comes_from(saved):
    pipeline, path = saved
    (source,) = load_sources(pipeline, [path])
    assert isinstance(source, SavedLatent) and image_stem(source) == "face"
    assert source.settings == {"steps": 7} and source.model == pipeline.model_hash
    assert set(load_file(path)) == {"w"} | {f"noise_{i}" for i in range(5)}


def test_files_stand_among_seeds(saved):
    pipeline, path = saved
    mixed = pipeline.draw(pipeline.codes(load_sources(pipeline, [5, path, 8])))
    assert torch.allclose(mixed, pipeline.draw(pipeline.codes([5, 3, 8])), atol=1e-5)


def test_noise_can_be_left_out_of_a_file_but_not_drawn_anew(saved, with_settings):
    pipeline, path = saved
    quiet = with_settings(pipeline, noise=NoiseSettings("none"))
    wanted = quiet.draw(quiet.codes([3]))
    assert torch.equal(quiet.draw(quiet.codes(load_sources(quiet, [path]))), wanted)
    some = with_settings(pipeline, noise=NoiseSettings("fixed", (1,)))
    assert torch.equal(*(some.draw(some.codes(s)) for s in ([3], load_sources(some, [path]))))
    loud = with_settings(pipeline, noise=NoiseSettings("random"))
    with pytest.raises(UsageError, match=r"face\.safetensors has noise of its own"):
        loud.codes(load_sources(loud, [path]))


def test_a_file_of_another_model_is_refused_with_both_hashes(saved, make_pipeline):
    pipeline, path = saved
    other = make_pipeline(seed=1)
    assert other.model_hash != pipeline.model_hash
    with pytest.raises(DataError) as error:
        load_sources(other, [path])
    assert f"{path}: belongs to the model {pipeline.model_hash}" in str(error.value)
    assert other.model_hash in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("damage", support.DAMAGES)
def test_damaged_files_are_refused(saved, damage):
    pipeline, path = saved
    damage(path)
    with pytest.raises(DataError, match=r"face\.safetensors: .*damaged"):
        load_sources(pipeline, [path])


def test_other_files_are_refused(saved, tmp_path):
    pipeline, path = saved
    with pytest.raises(DataError, match="no such file; wanted a latent file"):
        load_sources(pipeline, [tmp_path / "nowhere.safetensors"])
    foreign = tmp_path / "foreign.safetensors"
    save_file({"w": torch.zeros(1)}, foreign)
    with pytest.raises(DataError, match="not one of stylesmith's"):
        load_sources(pipeline, [foreign])
    with pytest.raises(DataError, match="holds a latent, wanted a direction"):
        read_tensor_file(path, kind="direction", error=DataError)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"version": 99}, "written by a newer stylesmith .format 99, this one reads 1."),
        ({"version": "x"}, "its header cannot be read"),
        ({"version": float("inf")}, "its header cannot be read"),
    ],
)
def test_headers_that_cannot_be_followed_are_refused(tmp_path, header, message):
    path = tmp_path / "face.safetensors"
    write_tensor_file(path, {"w": torch.zeros(1)}, header, kind="latent")
    with pytest.raises(DataError, match=message):
        read_tensor_file(path, kind="latent", error=DataError)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({}, "holds no w"),
        ({"w": torch.zeros(5, 8)}, r"holds \(5, 8\), wanted \(6, 8\)"),
        ({"w": torch.zeros(6, 8, dtype=torch.float64)}, "wanted"),
        ({"w": torch.zeros(6, 8), "noise_1": torch.zeros(1, 1, 3, 8)}, r"wanted \(1, 1, 8, 8\)"),
        ({"w": torch.full((6, 8), float("nan"))}, "not finite"),
        ({"w": torch.zeros(6, 8), "noise_1": torch.full((1, 1, 8, 8), -torch.inf)}, "not finite"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(make_pipeline, tmp_path, tensors, message):
    pipeline = make_pipeline()
    path = tmp_path / "face.safetensors"
    write_tensor_file(path, {"x": torch.zeros(1), **tensors}, {"model": "m"}, kind="latent")
    with pytest.raises(DataError, match=message):
        read_latent_file(path, pipeline.config, model="m")


@pytest.mark.parametrize("settings", [3, 0.5, True, [1], "text"])
def test_settings_of_another_type_are_damage(make_pipeline, tmp_path, settings):
    path, header = tmp_path / "face.safetensors", {"model": "m", "settings": settings}
    write_tensor_file(path, {"w": torch.zeros(6, 8)}, header, kind="latent")
    with pytest.raises(DataError, match="settings that are none"):
        read_latent_file(path, make_pipeline().config, model="m")


def test_names_of_images():
    source = SavedLatent(Path("a/face 1.safetensors"), torch.zeros(1), [], "m")
    assert [image_stem(s) for s in (3, 12345, source)] == ["seed0003", "seed12345", "face 1"]
    assert replace(source, model="n").model == "n" and json.dumps(source.settings) == "{}"
