"""`stylesmith import`, `inspect` and `export` as a user meets them."""

import json

import onnx
import pytest
import torch

import stylesmith
from stylesmith.models import load_bundle
from stylesmith.models.interop import write_external
from stylesmith.tensor_file import write_tensor_file
from tests.models.interop import hostile
from tests.models.interop.makers import discriminator, draw, generator, tensorflow_file
from tests.models.interop.test_missing_tensors import rosinality_file
from tests.support import differing


@pytest.fixture
def pickled(tmp_path):
    """A TensorFlow pickle of three networks."""
    ema, raw = generator(seed=1), generator(seed=2)
    return tensorflow_file(tmp_path / "ffhq.pkl", ema, discriminator(seed=3), raw=raw)


def test_import_writes_a_model_folder(cli, pickled, tmp_path):
    result = cli("import", pickled, tmp_path / "ffhq")
    assert result.status == 0, result.err
    model = stylesmith.load(tmp_path / "ffhq", device="cpu")
    assert differing(model.state_dict(), generator(seed=1).state_dict()) == []
    assert sorted(p.name for p in (tmp_path / "ffhq").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    about = json.loads((tmp_path / "ffhq" / "config.json").read_text())["about"]
    assert about["source"] == "ffhq.pkl" and "NVIDIA" in about["licence"]
    assert about["import"]["G_ema"] | {"notes": []} == {
        "mapped": 48,
        "ignored": 1,
        "missing": [],
        "unknown": [],
        "notes": [],
    }
    lines = result.out.splitlines()
    values = sum(tensor.numel() for tensor in model.state_dict().values())
    assert lines[0] == f"G_ema: 48 tensors, {values:,} values mapped"
    assert f"licence: {about['licence']}" in lines
    assert lines[-1] == f"{pickled} -> {tmp_path / 'ffhq'}"
    assert about["licence"] in (tmp_path / "ffhq" / "README.md").read_text()


def test_an_imported_model_is_drawn_from_like_any_other(cli, pickled, tmp_path):
    assert cli("import", pickled, tmp_path / "ffhq").status == 0
    for source, name in ((pickled, "a.png"), (tmp_path / "ffhq", "b.png")):
        drawn = cli("generate", source, "--seeds", "0-3", "--out", tmp_path / name)
        assert drawn.status == 0, drawn.err
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_import_keeps_the_trained_networks_when_asked(cli, pickled, tmp_path):
    result = cli("import", pickled, tmp_path / "ffhq", "--with-discriminator")
    assert result.status == 0, result.err
    found = load_bundle(tmp_path / "ffhq").networks()
    wanted = {"G_ema": generator(seed=1), "G": generator(seed=2), "D": discriminator(seed=3)}
    for role, network in wanted.items():
        assert differing(found[role].state_dict(), network.state_dict()) == []


def test_import_never_overwrites_unasked(cli, pickled, tmp_path):
    assert cli("import", pickled, tmp_path / "ffhq").status == 0
    assert "exists already" in cli("import", pickled, tmp_path / "ffhq").error()
    assert cli("import", pickled, tmp_path / "ffhq", "--force").status == 0


def test_import_takes_part_of_a_file_only_when_asked(cli, tmp_path):
    changes = {"synthesis/8x8/Conv1/bias": None}
    path = tensorflow_file(tmp_path / "x.pkl", generator(), discriminator(), changes=changes)
    text = cli("import", path, tmp_path / "x").error()
    assert "synthesis/8x8/Conv1/bias) is missing" in text and "--partial" in text
    assert not (tmp_path / "x").exists()
    result = cli("import", path, tmp_path / "x", "--partial")
    assert result.status == 0
    assert "  missing: synthesis.blocks.1.conv1.bias" in result.out


def test_import_of_what_is_not_foreign(cli, tmp_path, finished_run):
    assert "no such file" in cli("import", tmp_path / "nowhere.pkl", tmp_path / "x").error()
    model = finished_run.model / "model.safetensors"
    assert "stylesmith's own models need no import" in cli("import", model, "x").error()


def test_a_hostile_file_is_one_line(cli, tmp_path):
    canary, path = tmp_path / "canary", tmp_path / "evil.pkl"
    path.write_bytes(dict(hostile.executed(str(canary)))["GLOBAL REDUCE"])
    for words in (("import", path, tmp_path / "x"), ("export", path, tmp_path / "y")):
        assert "refused: it wants the global os.system at byte 2," in cli(*words).error()
    assert "os.system at byte 2," in cli("generate", path, "--out", tmp_path / "x.png").error()
    result = cli("inspect", path)
    assert result.status == 0
    assert "  refused   os.system at byte 2" in result.out.splitlines()
    assert "import refuses it" in result.out
    assert not canary.exists()


def test_inspect_tells_what_a_file_holds(cli, pickled):
    result = cli("inspect", pickled)
    assert result.status == 0, result.err
    lines = result.out.splitlines()
    assert lines[0] == f"{pickled}: {pickled.stat().st_size / 1e6:.2f} MB"
    assert lines[1] == "kind: TensorFlow pickle of ProGAN, StyleGAN or StyleGAN2"
    assert "G_ema: Gs_func, 49 tensors, 1,825 values" in lines  # with lod
    assert "  as modulated generator, connection skip, 16x16" in lines
    assert "  as discriminator, connection resid, 16x16" in lines
    assert any("resolution=16" in line and "mapping_lrmul=0.01" in line for line in lines)
    assert any(line.startswith("licence: ") for line in lines)
    assert any("allowed   dnnlib.tflib.network.Network at byte" in line for line in lines)


def test_inspect_takes_whatever_a_model_may_be(cli, conditional_run, pickled, tmp_path):
    assert cli("import", pickled, tmp_path / "ffhq", "--with-discriminator").status == 0
    given = {
        "avatars": ["inputs: z (N, 128), by way of 8 w of 128 values", "preset: small-avatars"],
        conditional_run.path: [
            "a run of stylesmith",
            "D: discriminator, ",
            "label (N, 2)",
            "output: scores (N)",
            "classes: class0, class1",
            "preset: tiny",
        ],
        conditional_run.checkpoints()[0]: ["G_ema: ", "G: ", "D: "],
        conditional_run.model: ["a model of stylesmith", "G_ema: ", "classes: class0, class1"],
        tmp_path / "ffhq": ["D: discriminator, connection resid, 16x16", "licence: "],
        pickled: ["  inputs: z (N, 6), by way of 6 w of 6 values; output: images (N, 3, 16, 16)"],
    }
    for source, wanted in given.items():
        result = cli("inspect", source)
        assert result.status == 0, result.err
        missing = [text for text in wanted if text not in result.out]
        assert not missing, result.out


def test_inspect_shows_inputs_and_outputs_of_onnx_files(cli, tmp_path):
    tensor = onnx.helper.make_tensor_value_info
    z, images = (
        tensor("z", onnx.TensorProto.FLOAT, ["batch", 6]),
        tensor("images", onnx.TensorProto.FLOAT, ["batch", 3, 8, 8]),
    )
    graph = onnx.helper.make_graph([], "g", [z], [images])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    onnx.helper.set_model_props(model, {"stylesmith": "1", "about": '{"licence": "CC0"}'})
    onnx.save(model, tmp_path / "x.ONNX")
    assert cli("inspect", tmp_path / "x.ONNX").out.splitlines() == [
        f"{tmp_path / 'x.ONNX'}: an ONNX file, opset 18",
        "input: z (batch, 6)",
        "output: images (batch, 3, 8, 8)",
        "stylesmith: 1",
        "licence: CC0",
    ]
    (tmp_path / "y.onnx").write_bytes(b"\x08\xff")
    assert "damaged or not an ONNX file" in cli("inspect", tmp_path / "y.onnx").error()


def test_inspect_names_what_is_no_model(cli, tmp_path):
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n")
    assert "x.png: a PNG image, not weights" in cli("inspect", tmp_path / "x.png").out
    assert "a web address" in cli("inspect", "https://example.org/ffhq.pkl").error()


def test_files_of_other_kinds_of_ours_are_named(cli, pickled, tmp_path):
    assert cli("import", pickled, tmp_path / "ffhq", "--with-discriminator").status == 0
    critic = tmp_path / "ffhq" / "discriminator.safetensors"
    assert "holds a discriminator; wanted a generator" in cli("inspect", critic).error()
    write_tensor_file(tmp_path / "x.safetensors", {}, {}, kind="direction")
    text = cli("generate", tmp_path / "x.safetensors", "--out", tmp_path / "x.png").error()
    assert "holds a direction; wanted a generator" in text


def test_the_imported_discriminator_is_opened_by_a_public_function(cli, pickled, tmp_path):
    result = cli("import", pickled, tmp_path / "ffhq", "--with-discriminator")
    assert "stylesmith.load_discriminator" in result.out
    found = stylesmith.load_discriminator(tmp_path / "ffhq")
    assert differing(found.state_dict(), discriminator(seed=3).state_dict()) == []
    result = cli("import", pickled, tmp_path / "alone")
    assert "load_discriminator" not in result.out


def test_import_says_what_a_file_is(cli, tmp_path):
    (tmp_path / "x.gz").write_bytes(b"\x1f\x8b\x08" + bytes(30))
    text = cli("import", tmp_path / "x.gz", tmp_path / "x").error()
    assert "compressed with gzip, not weights. Unpack it first" in text
    text = cli("import", "https://example.org/ffhq.pkl", tmp_path / "x").error()
    assert "a web address; download the file first" in text
    assert not (tmp_path / "x").exists()


def test_inspect_says_what_could_not_be_imported(cli, tmp_path):
    settings = {"attention": 3}
    path = tensorflow_file(tmp_path / "x.pkl", generator(), discriminator(), settings=settings)
    out = cli("inspect", path).out
    assert "  cannot be imported: " in out and "unknown setting attention = 3" in out
    assert "attention=3" in out
    assert "no such file" in cli("inspect", tmp_path / "nowhere.pkl").error().lower()


@pytest.mark.parametrize(
    ("form", "name"),
    [("ada", "x.pt"), ("ada", "x.pkl"), ("rosinality", "x.pt"), ("model", "x")],
)
def test_export_goes_both_ways(cli, pickled, tmp_path, form, name):
    assert cli("import", pickled, tmp_path / "model", "--with-discriminator").status == 0
    result = cli("export", tmp_path / "model", tmp_path / name, "--format", form)
    assert result.status == 0, result.err
    assert result.out.startswith("G_ema, G, D: read back, images and scores within ")
    assert float(result.out.splitlines()[0].split()[-1]) <= 1e-5
    assert "licence: Weights belong to whoever trained them" in result.out
    found = load_bundle(tmp_path / name)
    wanted = {"G_ema": generator(seed=1), "G": generator(seed=2), "D": discriminator(seed=3)}
    for role, network in wanted.items():
        different = differing(found.networks()[role].state_dict(), network.state_dict())
        assert different == ([] if role != "G" or form != "rosinality" else ["mapping.w_avg"])


def test_a_run_is_exported(cli, finished_run, tmp_path):
    for form, name in (("ada", "x.pt"), ("model", "folder")):
        result = cli("export", finished_run.path, tmp_path / name, "--format", form)
        assert result.status == 0, result.err
        assert set(load_bundle(tmp_path / name).networks()) == {"G_ema", "G", "D"}


def test_export_refuses_in_one_line(cli, conditional_run, tmp_path, pickled):
    text = cli("export", conditional_run.path, tmp_path / "x.pt", "--format", "ada").error()
    assert "labels enter by label_mode embed, here concat" in text
    text = cli("export", pickled, tmp_path / "x.png", "--format", "rosinality").error()
    assert "format rosinality is written to .pt files" in text
    assert "exists already" in cli("export", pickled, pickled, "--format", "ada").error()
    assert "no such run, model folder or file" in cli("export", "nowhere", "x").error()


@pytest.mark.parametrize("command", ["import", "inspect", "export"])
def test_help_explains_every_option(cli, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    result = cli(command, "--help")
    assert result.status == 0 and f" {command} " in result.out
    options = [line for line in result.out.splitlines() if line.lstrip("│ *").startswith("--")]
    assert options and all(len(line.strip("│ ").split("  ")) > 1 for line in options)


def test_a_published_file_is_exported_without_a_detour(cli, pickled, tmp_path):
    result = cli("export", pickled, tmp_path / "ffhq.pt", "--format", "ada")
    assert result.status == 0, result.err
    write_external(tmp_path / "y.pt", "ada", load_bundle(pickled).networks())
    first, second = (load_bundle(tmp_path / n).ema.state_dict() for n in ("ffhq.pt", "y.pt"))
    assert differing(first, second) == []


def test_a_published_checkpoint_is_drawn_from_directly(cli, tmp_path):
    path = rosinality_file(tmp_path, "noises.", "kernel")
    result = cli("generate", path, "--seeds", "0", "--out", tmp_path / "x.png")
    assert result.status == 0, result.err
    assert (tmp_path / "x.png").is_file()
    result = cli("import", path, tmp_path / "model")
    assert result.status == 0, result.err
    assert "note: 5 noise maps are not in the file" in result.out
    drawn = [draw(stylesmith.load(source)) for source in (path, tmp_path / "model")]
    assert torch.equal(*drawn)
