"""`stylesmith export` to programs of their own, as a user meets it."""

import os
import re

import numpy as np
import onnxruntime
import pytest
import torch

import stylesmith
from stylesmith.latents import latents_from_seeds
from stylesmith.models.deploy import web_page
from tests.models.interop.makers import discriminator, generator, tensorflow_file

PROGRAM = r"(\S+): ([\w, ]+) -> (\w+), (.+), within (\d\.\de[-+]\d\d)"


@pytest.fixture
def no_runtime(monkeypatch, tmp_path):
    """A machine without onnxruntime-web."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def programs(result):
    assert result.status == 0, result.err
    return [
        match.groups()
        for match in map(re.compile(PROGRAM).fullmatch, result.out.splitlines())
        if match
    ]


def test_a_run_becomes_one_file_by_its_suffix(cli, conditional_run, tmp_path):
    path = tmp_path / "x.onnx"
    result = cli("export", conditional_run.path, path)
    ((name, inputs, output, reader, difference),) = programs(result)
    assert (name, inputs, output) == ("x.onnx", "z, psi, label", "images")
    assert reader == "opset 18, in onnxruntime" and float(difference) <= 1e-4
    assert result.out.endswith(f"{conditional_run.path} -> {path}\n")
    model = stylesmith.load(conditional_run.path, device="cpu")
    z, label = latents_from_seeds([3], model.config.mapping.z_dim), torch.eye(2)[1:]
    feed = {"z": z.numpy(), "psi": np.array(0.5, np.float32), "label": label.numpy()}
    wanted = model(z, label, psi=0.5).clamp(-1, 1)
    (images,) = onnxruntime.InferenceSession(path).run(None, feed)
    torch.testing.assert_close(torch.from_numpy(images), wanted, atol=1e-4, rtol=0)
    assert "exists already" in cli("export", conditional_run.path, path).error()


def test_a_folder_gets_two_programs_and_a_licence_is_said(cli, tmp_path):
    source = tensorflow_file(tmp_path / "ffhq.pkl", generator(), discriminator())
    result = cli("export", source, tmp_path / "x", "--format", "torch-export", "--noise", "none")
    assert [(name, inputs) for name, inputs, *_ in programs(result)] == [
        ("mapping.pt2", "z, psi"),
        ("synthesis.pt2", "w"),
    ]
    assert "licence: Weights belong to whoever trained them" in result.out
    assert sorted(os.listdir(tmp_path / "x")) == ["mapping.pt2", "synthesis.pt2"]


def test_noise_inputs_are_named(cli, finished_run, tmp_path):
    options = ("--noise", "inputs")
    ((_, inputs, *_),) = programs(cli("export", finished_run.path, tmp_path / "x.pt2", *options))
    shapes = stylesmith.load(finished_run.path, device="cpu").config.noise_shapes
    assert inputs == ", ".join(["z", "psi", *(f"noise_{i}" for i, _ in enumerate(shapes))])


def test_a_page_needs_its_runtime(cli, finished_run, no_runtime, tmp_path):
    text = cli("export", finished_run.path, "--web", tmp_path / "page").error()
    assert "a page needs onnxruntime-web" in text and "--fetch-runtime" in text
    assert not (tmp_path / "page").exists()


def test_what_a_page_lacks_is_found_before_anything_is_written(
    cli, finished_run, no_runtime, tmp_path
):
    words = (tmp_path / "x.pt2", "--web", tmp_path / "page")
    assert "a page needs onnxruntime-web" in cli("export", finished_run.path, *words).error()
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == []


def test_a_page_is_a_folder_with_all_it_needs(cli, finished_run, no_runtime, tmp_path, monkeypatch):
    package = tmp_path / "node_modules/onnxruntime-web"
    contents = {"ort.js": b"javascript", "ort.wasm": b"assembly"}
    for name, (path, _) in web_page.RUNTIME_FILES.items():
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_bytes(contents[name])
    parts = {
        name: (path, web_page.hashlib.sha256(contents[name]).hexdigest())
        for name, (path, _) in web_page.RUNTIME_FILES.items()
    }
    monkeypatch.setattr(web_page, "RUNTIME_FILES", parts)
    page = tmp_path / "page"
    result = cli("export", finished_run.path, "--web", page)
    assert [name for name, *_ in programs(result)] == ["mapping.onnx", "synthesis.onnx"]
    assert f"python -m http.server -d {page}" in result.out
    assert sorted(path.name for path in page.iterdir()) == [
        "NOTICE.txt",
        "index.html",
        "latents.js",
        "mapping.onnx",
        "model.json",
        "ort.js",
        "ort.wasm",
        "page.js",
        "synthesis.onnx",
        "worker.js",
    ]
    assert (page / "ort.wasm").read_bytes() == b"assembly"
    assert "exists already" in cli("export", finished_run.path, "--web", page).error()
    external = re.findall(r"https?://(?!www\.w3\.org)\S+", (page / "index.html").read_text())
    assert external == []


@pytest.mark.parametrize("name", ["z.ONNX", "z.PT2"])
def test_suffixes_are_the_same_in_capitals(cli, finished_run, tmp_path, name):
    assert [found for found, *_ in programs(cli("export", finished_run.path, tmp_path / name))] == [
        name
    ]
    assert (tmp_path / name).is_file()


@pytest.mark.parametrize("name", ["z.pt", "z.pkl", "z.PKL", "z.safetensors", "z.png", "z.zip"])
def test_a_file_of_no_format_is_not_made_a_folder(cli, finished_run, tmp_path, name):
    text = cli("export", finished_run.path, tmp_path / name).error()
    assert "says no format to write. Wanted .onnx, .pt2, a folder (of a model), or --format" in text
    assert list(tmp_path.iterdir()) == []


def test_a_folder_may_have_dots_in_its_name(cli, finished_run, tmp_path):
    (tmp_path / "there.pt").mkdir()
    for name in ("faces-v1.2", "2026.11.25", "there.pt"):
        assert cli("export", finished_run.path, tmp_path / name).status == 0
        assert (tmp_path / name / "model.safetensors").is_file()


def test_layouts_are_written_to_suffixes_in_capitals(cli, finished_run, tmp_path):
    for name in ("x.PT", "x.PKL"):
        assert cli("export", finished_run.path, tmp_path / name, "--format", "ada").status == 0
        assert stylesmith.load(tmp_path / name, device="cpu")


def test_export_says_what_is_missing(cli, finished_run, tmp_path):
    assert "wanted DEST, or --web DIR" in cli("export", finished_run.path).error()
    for options in ((tmp_path / "x",), ("--web", tmp_path / "page")):
        text = cli("export", finished_run.path, *options, "--noise", "none").error()
        assert "--noise none: goes with a DEST in onnx or torch-export" in text
    text = cli("export", finished_run.path, tmp_path / "x.onnx", "--fetch-runtime").error()
    assert "go with --web" in text
    text = cli("export", finished_run.path, tmp_path / "x.pt", "--format", "onnx").error()
    assert "format onnx is written to a .onnx file, or a folder" in text
