"""ONNX and torch.export: what is written draws what this package draws, or isn't there."""

import json
import resource
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import stylesmith
from stylesmith.errors import OutputError, RunError, UsageError
from stylesmith.latents import latents_from_seeds, noise_from_seeds
from stylesmith.models.deploy import export, programs, write_programs
from stylesmith.networks import Growth
from tests.models.deploy.conftest import KINDS

FORMS = {suffix: form for form, suffix in export.PROGRAM_SUFFIXES.items()}


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(path, **inputs):
    """What a file computes of inputs by name; those of `.pt2` go by their order."""
    if path.suffix == ".pt2":
        given = [torch.as_tensor(value, dtype=torch.float32) for value in inputs.values()]
        return torch.export.load(path).module()(*given)
    feed = {name: np.asarray(value, dtype=np.float32) for name, value in inputs.items()}
    (result,) = session(path).run(None, feed)
    return torch.from_numpy(result)


def assert_same(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)


def label_of(generator, n):
    size = generator.config.label_size
    return torch.eye(size)[torch.arange(n) % size] if size else None


VARIANTS = ("traditional", "traditional-noise", "adain-dense", "embed", "concat", "no-demod")
"""Kinds of which the fast tests have a sibling."""


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] * (kind in VARIANTS)) for kind in KINDS],
)
def test_onnxruntime_draws_what_every_kind_of_generator_draws(make, tmp_path, kind):
    generator, path = make(kind), tmp_path / "x.onnx"
    (written,) = write_programs(path, "onnx", generator)
    assert (written.name, written.output) == ("x.onnx", "images") and written.difference <= 1e-4
    for n, psi in ((5, 0.5), (1, 1.0)):
        z, label = latents_from_seeds(range(n), 8), label_of(generator, n)
        given = {"z": z, "psi": psi} | ({} if label is None else {"label": label})
        assert written.inputs == tuple(given)
        wanted = generator(z, label, psi=psi).clamp(-1, 1)
        assert wanted.std() > 0.05
        assert_same(run(path, **given), wanted)


@pytest.mark.parametrize(
    ("suffix", "kind", "fade"),
    [
        (".pt2", "grow", 0.25),
        (".onnx", "adain", 1.0),
        pytest.param(".onnx", "grow", 0.25, marks=pytest.mark.slow),
    ],
)
def test_a_growing_network_is_exported_at_the_level_it_has_reached(
    make, tmp_path, suffix, kind, fade
):
    generator, path = make(kind, levels=3, growth=Growth(1, fade)), tmp_path / f"x{suffix}"
    write_programs(path, FORMS[suffix], generator)
    z = latents_from_seeds([7], 8)
    images = run(path, z=z, psi=0.5)
    assert images.shape == (1, 3, 8, 8)
    assert_same(images, generator(z, psi=0.5).clamp(-1, 1))


def test_a_feature_map_without_variance_stays_finite(make, tmp_path):
    """Its variance plus 1e-8 is what AdaIN divides by; 1e-8 must not count as nothing."""
    generator = make("adain", noise_strength=0.0)  # constant input, constant features
    write_programs(tmp_path / "x.onnx", "onnx", generator)
    z = latents_from_seeds([0, 1], 8)
    assert_same(run(tmp_path / "x.onnx", z=z, psi=1.0), generator(z).clamp(-1, 1))


@pytest.mark.parametrize("kind", ["skip", pytest.param("concat", marks=pytest.mark.slow)])
def test_a_folder_has_two_files_that_meet_at_one_w_for_each_layer(make, tmp_path, kind):
    generator = make(kind)
    written = write_programs(tmp_path / "x", "onnx", generator)
    assert [item.name for item in written] == ["mapping.onnx", "synthesis.onnx"]
    z, label = latents_from_seeds(range(2), 8), label_of(generator, 2)
    given = {} if label is None else {"label": label}
    ws = run(tmp_path / "x" / "mapping.onnx", z=z, psi=0.5, **given)
    assert ws.shape == (2, generator.config.num_ws, 8)
    assert_same(
        run(tmp_path / "x" / "synthesis.onnx", w=ws), generator(z, label, psi=0.5).clamp(-1, 1)
    )
    mixed = torch.where(torch.arange(len(ws[0]))[:, None] < 2, ws, ws.flip(0))
    assert not torch.allclose(generator.draw(mixed), generator.draw(ws), atol=1e-2)
    assert_same(run(tmp_path / "x" / "synthesis.onnx", w=mixed), generator.draw(mixed).clamp(-1, 1))


@pytest.mark.parametrize(
    ("suffix", "kind", "growth"),
    [
        (".pt2", "skip", None),
        pytest.param(".onnx", "skip", None, marks=pytest.mark.slow),
        pytest.param(".onnx", "adain", Growth(0), marks=pytest.mark.slow),
    ],
)
def test_noise_is_fixed_given_or_left_out(make, tmp_path, suffix, kind, growth):
    generator, z = make(kind, growth=growth), latents_from_seeds([3, 4], 8)
    shapes = generator.config.noise_shapes_up_to(0 if growth else 1)
    maps = noise_from_seeds([3, 4], 8, shapes)
    named = {f"noise_{i}": noise for i, noise in enumerate(maps)}
    drawn = {}
    for noise, given in (("fixed", {}), ("inputs", named), ("none", {})):
        path = tmp_path / f"{noise}{suffix}"
        (written,) = write_programs(path, FORMS[suffix], generator, noise=noise)
        assert written.inputs == ("z", "psi", *given)
        drawn[noise] = run(path, z=z, psi=1.0, **given)
    every = generator.config.noise_shapes
    assert_same(drawn["fixed"], generator(z).clamp(-1, 1))
    assert_same(
        drawn["inputs"], generator(z, noise=noise_from_seeds([3, 4], 8, every)).clamp(-1, 1)
    )
    assert_same(drawn["none"], generator(z, noise=[None] * len(every)).clamp(-1, 1))
    assert (drawn["fixed"] - drawn["none"]).abs().max() > 1e-2
    assert (drawn["fixed"] - drawn["inputs"]).abs().max() > 1e-2


def test_an_onnx_file_is_valid_and_says_what_it_is(make, tmp_path):
    about = {"preset": "tiny", "licence": "CC0"}
    write_programs(tmp_path / "x.onnx", "onnx", make("concat"), about=about)
    model = onnx.load(tmp_path / "x.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [(s.domain, s.version) for s in model.opset_import] == [("", 18)]
    sizes = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert sizes == {
        "z": ["batch", 8],
        "psi": [],
        "label": ["batch", 3],
        "images": ["batch", 3, 8, 8],
    }
    notes = {entry.key: entry.value for entry in model.metadata_props}
    assert notes["stylesmith"] == stylesmith.__version__ and notes["dtype"] == "float32"
    assert json.loads(notes["about"]) == about
    assert all(node.domain == "" for node in model.graph.node)


@pytest.mark.parametrize("kind", ["adain", "concat", "embed"])
def test_torch_export_draws_the_same(make, tmp_path, kind):
    generator = make(kind)
    (written,) = write_programs(tmp_path / "x.pt2", "torch-export", generator)
    assert written.difference <= 1e-4
    notes = {"about.json": ""}
    module = torch.export.load(tmp_path / "x.pt2", extra_files=notes).module()
    assert json.loads(notes["about.json"])["dtype"] == "float32"
    for n in (1, 5):
        z, label = latents_from_seeds(range(n), 8), label_of(generator, n)
        given = (z, torch.tensor(0.5), *([] if label is None else [label]))
        assert_same(module(*given), generator(z, label, psi=0.5).clamp(-1, 1))


@pytest.mark.parametrize("form", ["onnx", "torch-export"])
@pytest.mark.parametrize("wrong", [2e-4, float("nan")])
def test_a_file_that_draws_something_else_is_not_written(make, tmp_path, monkeypatch, form, wrong):
    generator, there = make("skip", levels=2), tmp_path / "x.old"
    there.write_text("")
    honest = programs.mapping_program(generator)
    other = replace(honest, reference=lambda inputs: honest.reference(inputs) + wrong)
    monkeypatch.setattr(export, "image_program", lambda *_: other)
    with pytest.raises(RunError, match=r"^x\.\w+: not written: in .* its w differ by (2|nan)"):
        write_programs(tmp_path / f"x{export.PROGRAM_SUFFIXES[form]}", form, generator)
    assert list(tmp_path.iterdir()) == [there]


def test_the_suffix_has_to_be_that_of_the_format(make, tmp_path):
    with pytest.raises(UsageError, match=r"x\.onnx: format torch-export is written to a \.pt2"):
        write_programs(tmp_path / "x.onnx", "torch-export", make("skip"))


def test_a_place_that_cannot_be_written_is_one_line(make, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file: cannot be written \("):
        write_programs(tmp_path / "file" / "x.onnx", "onnx", make("skip"))


@pytest.mark.parametrize("name", ["x.pt2", "x.onnx"])
def test_a_full_disk_is_one_line_and_leaves_nothing(make, tmp_path, name):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    form = "onnx" if name.endswith("onnx") else "torch-export"
    try:
        with pytest.raises((OutputError, OSError), match=r"too large|cannot be written"):
            write_programs(tmp_path / name, form, make("skip"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named(make, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r'needs onnxruntime.*pip install "stylesmith\[onnx\]"'):
        write_programs(tmp_path / "x.onnx", "onnx", make("skip"))
