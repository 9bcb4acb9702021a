"""Numpy files of seeds, z and w as sources."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylesmith import load_latents, save_latents
from stylesmith.errors import DataError
from stylesmith.sampling.latent_files import image_stem, load_sources

SEEDS = [3, 5]


def draw(pipeline, path):
    return pipeline.draw(pipeline.codes(load_sources(pipeline, [path])))


def arrays(pipeline) -> dict[str, np.ndarray]:
    z = np.concatenate([np.random.RandomState(seed).randn(1, 8) for seed in SEEDS])
    ws = pipeline.ws(SEEDS).numpy()
    return {"seeds": np.array(SEEDS), "z": z, "w": ws[:, 0], "ws": ws}


@pytest.mark.parametrize("name", ["seeds", "z", "w", "ws"])
def test_an_npz_by_name_draws_what_its_seeds_draw(make_pipeline, tmp_path, name):
    pipeline = make_pipeline(settings={"psi": 0.6})
    path = tmp_path / "codes.npz"
    np.savez(path, **{name: arrays(pipeline)[name]})
    assert_close(draw(pipeline, path), pipeline.draw(pipeline.codes(SEEDS)))


@pytest.mark.parametrize("name", ["seeds", "w", "ws"])
def test_an_npy_holds_seeds_or_w(make_pipeline, tmp_path, name):
    pipeline = make_pipeline()
    path = tmp_path / "codes.NPY"
    with path.open("wb") as file:
        np.save(file, arrays(pipeline)[name])
    assert_close(draw(pipeline, path), pipeline.draw(pipeline.codes(SEEDS)))


@pytest.mark.parametrize(
    ("name", "pick"),
    [
        ("w", lambda ws: ws[0, 0]),
        ("w", lambda ws: ws[:1, :1]),
        ("w", lambda ws: ws[:1]),  # StyleGAN2-ADA's projected_w.npz
        ("ws", lambda ws: ws[0]),
    ],
)
def test_shapes_of_one_image(make_pipeline, tmp_path, name, pick):
    pipeline = make_pipeline()
    path = tmp_path / "projected_w.npz"
    np.savez(path, **{name: pick(arrays(pipeline)["ws"])})
    assert_close(draw(pipeline, path), pipeline.draw(pipeline.codes(SEEDS[:1])))
    assert [image_stem(source) for source in load_sources(pipeline, [path])] == ["projected_w"]


def test_each_image_of_a_file_has_a_name_and_w_needs_no_class(make_pipeline, tmp_path):
    pipeline = make_pipeline(label_size=2)
    path = tmp_path / "codes.npy"
    np.save(path, np.zeros((2, 8)))
    names = [image_stem(source) for source in load_sources(pipeline, [path, 7])]
    assert names == ["codes-0000", "codes-0001", "seed0007"]


def test_an_edited_latent_file_comes_back(make_pipeline, tmp_path):
    generator = make_pipeline().generator
    path = tmp_path / "face.safetensors"
    save_latents(path, generator, np.zeros(8, np.float32))
    codes = load_latents(path, generator)
    edited = codes.ws.numpy().copy()
    edited[0, :3] += 0.5
    save_latents(path, generator, edited[0], codes.noise)
    again = load_latents(path, generator)
    assert torch.equal(again.ws, torch.from_numpy(edited))


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"w": np.zeros((2, 9))}, r"w: has the shape \(2, 9\), wanted"),
        ({"w": np.zeros((6, 8))}, r"is one image by layer or 6 images; save it as \(1, 6, 8\)"),
        ({"z": np.full((1, 8), np.nan)}, "z: holds NaN"),
        ({"seeds": np.array([-1])}, "seed -1: wanted 0 to 4294967295"),
        ({"seeds": np.array([2**32])}, "seed 4294967296: wanted 0 to"),
        ({"seeds": np.array([0.5])}, "wanted a list of whole numbers"),
        ({"seeds": np.array([], int)}, "there are none"),
        ({"w": np.array(["a"])}, "not a numpy file of numbers"),
        ({"w": np.array([None])}, "not a numpy file of numbers"),
        ({"face": np.zeros(8)}, "holds face; wanted an array named ws, w, z, seeds"),
        ({}, "holds nothing; wanted an array"),
    ],
)
def test_arrays_that_are_no_sources_are_refused(make_pipeline, tmp_path, stored, message):
    path = tmp_path / "codes.npz"
    np.savez(path, **stored)
    with pytest.raises(DataError, match=f"codes.npz: .*{message}"):
        load_sources(make_pipeline(), [path])


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"no numbers", None])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_damaged_and_missing_files_are_refused(make_pipeline, tmp_path, content, suffix):
    path = tmp_path / f"codes{suffix}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"not a numpy file of numbers|no such file"):
        load_sources(make_pipeline(), [path])


def test_sizes_are_bounded_before_anything_is_unpacked(make_pipeline, tmp_path, monkeypatch):
    monkeypatch.setattr("stylesmith.sampling.array_files.MAX_ARRAY_BYTES", 10_000)
    path: Path = tmp_path / "large.npz"
    np.savez_compressed(path, w=np.zeros((1000, 8)))
    assert path.stat().st_size < 10_000
    with pytest.raises(DataError, match="more than 10000; split it"):
        load_sources(make_pipeline(), [path])
