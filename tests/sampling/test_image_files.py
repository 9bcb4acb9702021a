"""Any number of images: the same ones as alone, in bounded memory, errors in their turn."""

import time

import numpy as np
import pytest
import torch
from PIL import Image

from stylesmith import images as pixels
from stylesmith.errors import OutputError, UsageError
from stylesmith.sampling import draw_batches, image_files, write_latent_file
from stylesmith.sampling.image_files import write_folder, write_grid
from stylesmith.sampling.latent_files import load_sources


def read(path):
    with Image.open(path) as image:
        return torch.from_numpy(np.asarray(image).astype(int)).permute(2, 0, 1)


def wanted(pipeline, seed):
    return pixels.to_uint8(pipeline.draw(pipeline.codes([seed]))[0]).int()


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_folder_and_grid_hold_the_image_of_each_seed(make_pipeline, tmp_path, batch_size):
    pipeline, seeds = make_pipeline(), [4, 0, 9, 2, 7]
    pipeline.batch_size = batch_size
    steps = {"folder": [], "grid": []}
    paths = write_folder(
        pipeline,
        seeds,
        tmp_path / "all",
        on_progress=lambda *step: steps["folder"].append(step),
    )
    write_grid(
        pipeline,
        seeds,
        tmp_path / "grid.png",
        columns=2,
        on_progress=lambda *step: steps["grid"].append(step),
    )
    grid = read(tmp_path / "grid.png")
    assert grid.shape == (3, 48, 32)
    assert [path.name for path in paths] == [f"seed000{seed}.png" for seed in seeds]
    for i, (seed, path) in enumerate(zip(seeds, paths, strict=True)):
        top, left = i // 2 * 16, i % 2 * 16
        for found in (read(path), grid[:, top : top + 16, left : left + 16]):
            assert (found - wanted(pipeline, seed)).abs().max() <= 1
    assert steps["folder"][-1] == steps["grid"][-1] == (5, 5)
    assert (grid[:, 32:, 16:] == 0).all()
    assert {p.name for p in (tmp_path / "all").iterdir()} == {p.name for p in paths}


def test_latents_beside_images_redraw_them_bit_by_bit(make_pipeline, tmp_path):
    pipeline = make_pipeline(settings={"psi": 0.6})
    write_folder(pipeline, [3, 5], tmp_path, latents=True)
    sources = load_sources(
        pipeline, [tmp_path / "seed0005.safetensors", tmp_path / "seed0003.safetensors"]
    )
    assert sources[0].settings["psi"] == 0.6 and sources[0].settings["from"] == "seed0005"
    again = write_folder(pipeline, sources, tmp_path / "again")
    for path in again:
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_files_are_drawn_alone(make_pipeline, tmp_path, monkeypatch):
    pipeline = make_pipeline()
    for name in ("a", "b"):
        path = tmp_path / f"{name}.safetensors"
        write_latent_file(path, pipeline.codes([3]), model=pipeline.model_hash, settings={})
    a, b = load_sources(pipeline, [tmp_path / "a.safetensors", tmp_path / "b.safetensors"])
    pipeline.batch_size = 2
    sizes = [len(images) for _, images in draw_batches(pipeline, [1, 2, a, b, 3, 4, 5])]
    assert sizes == [2, 1, 1, 2, 1]


def test_the_same_seed_is_written_once_and_the_same_name_not_for_two(make_pipeline, tmp_path):
    pipeline = make_pipeline()
    assert len(write_folder(pipeline, [3, 3, 1000, 1000], tmp_path / "out")) == 2
    paths = [tmp_path / folder / "face.safetensors" for folder in "ab"]
    for path in paths:
        write_latent_file(path, pipeline.codes([3]), model=pipeline.model_hash, settings={})
    same, other = load_sources(pipeline, paths)
    assert len(write_folder(pipeline, [same, same], tmp_path / "twice")) == 1
    with pytest.raises(UsageError, match="two images would be named face"):
        write_folder(pipeline, [same, other], tmp_path / "both")


def test_few_images_wait_to_be_written(make_pipeline, tmp_path, monkeypatch):
    """Drawing stops when writing falls behind: memory does not grow with the job."""
    pipeline, ahead, written = make_pipeline(), [], []
    monkeypatch.setattr(image_files, "MAX_CORES_FOR_SERIAL_WRITING", 0)
    monkeypatch.setattr(image_files, "MAX_PENDING_BATCHES", 2)
    monkeypatch.setattr(image_files, "WRITER_THREADS", 1)

    def write_slowly(image, path):
        time.sleep(0.005)
        written.append(path)

    monkeypatch.setattr(image_files, "_write_image", write_slowly)
    original = pipeline.draw

    def counting(codes):
        ahead.append(2 * len(ahead) - len(written))
        return original(codes)

    monkeypatch.setattr(pipeline, "draw", counting)
    pipeline.batch_size = 2
    write_folder(pipeline, range(40), tmp_path)
    assert len(written) == 40 and max(ahead) <= 2 * (2 + 1)


def test_serial_writing_equals_writing_in_the_background(make_pipeline, tmp_path, monkeypatch):
    folders, pipeline = {}, make_pipeline()
    pipeline.batch_size = 2
    for name, cores in (("background", 0), ("turns", 1_000_000)):
        monkeypatch.setattr(image_files, "MAX_CORES_FOR_SERIAL_WRITING", cores)
        paths = write_folder(pipeline, range(7), tmp_path / name)
        folders[name] = [(path.name, path.read_bytes()) for path in paths]
    assert folders["background"] == folders["turns"] and len(folders["turns"]) == 7


@pytest.mark.parametrize("cores", [0, 1_000_000])
def test_an_error_of_writing_leaves_no_half_file(make_pipeline, tmp_path, monkeypatch, cores):
    monkeypatch.setattr(image_files, "MAX_CORES_FOR_SERIAL_WRITING", cores)
    pipeline = make_pipeline()

    def fail(path, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OutputError, match=r"seed0000\.png: cannot be written .No space left"):
        write_folder(pipeline, range(3), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(make_pipeline, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written"):
        write_folder(make_pipeline(), [0], tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    ("name", "bound"), [("x.webp", "16383 a side"), ("x.jpg", "65535 a side"), ("x.png", "in all")]
)
def test_pages_beyond_their_format_are_refused_early(make_pipeline, tmp_path, name, bound):
    seeds = range(5000)
    with pytest.raises(UsageError, match=f"{name}: would have .* pixels, more than .*{bound}"):
        write_grid(
            make_pipeline(),
            [*seeds] * 80,
            tmp_path / name,
            columns=5000 if name != "x.png" else None,
        )
    assert list(tmp_path.iterdir()) == []
