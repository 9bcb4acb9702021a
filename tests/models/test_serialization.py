"""`stylesmith.load` opens whatever a run leaves, and falls back where a file is damaged."""

import json
import shutil

import pytest
import torch

import stylesmith
from stylesmith.errors import ModelError, UsageError
from stylesmith.models import RunFolder, save_model
from stylesmith.models.serialization import copy_tensors, save_weights
from stylesmith.tensor_file import read_tensor_file, write_tensor_file
from tests.support import DAMAGES, differing


def draw(generator) -> torch.Tensor:
    return generator.sample(range(4), psi=0.7, noise="random", precision="fp32")


@pytest.fixture
def run(finished_run, tmp_path) -> RunFolder:
    return RunFolder(shutil.copytree(finished_run.path, tmp_path / "run"))


def test_a_saved_model_draws_identical_images(tiny_generator, tmp_path):
    generator = tiny_generator(seed=5).eval()
    generator.mapping.w_avg.normal_()
    save_model(tmp_path / "model", generator, card="# card", about={"data": "photos"})
    loaded = stylesmith.load(tmp_path / "model", device="cpu")
    assert torch.equal(draw(loaded), draw(generator))
    assert differing(loaded.state_dict(), generator.state_dict()) == []
    assert loaded.config == generator.config
    about = json.loads((tmp_path / "model" / "config.json").read_text())
    assert about["about"] == {"data": "photos"}
    assert about["generator"]["levels"] == 3


def test_a_loaded_model_is_ready_to_draw_and_not_to_learn(run):
    generator = stylesmith.load(run.path, device="cpu")
    assert not generator.training
    assert not any(parameter.requires_grad for parameter in generator.parameters())
    for name, kernel in generator.named_parameters():
        if kernel.ndim == 4 and "blocks" in name and "rgb" not in name:
            assert kernel.is_contiguous(memory_format=torch.channels_last)


def test_run_model_folder_checkpoint_and_text_are_the_same_generator(run):
    sources = [run.path, run.model, run.model / "model.safetensors", run.checkpoints()[0]]
    states = [stylesmith.load(source, device="cpu").state_dict() for source in sources]
    states += [stylesmith.load(str(run.path)).state_dict()]
    for state in states:
        assert differing(state, states[0]) == []


def test_it_is_the_average_that_is_loaded(run):
    tensors, _ = read_tensor_file(run.checkpoints()[0])
    state = stylesmith.load(run.path, device="cpu").state_dict()
    assert differing(state, {name: tensors[f"ema.{name}"] for name in state}) == []
    assert differing(state, {name: tensors[f"generator.{name}"] for name in state}) != []


def test_a_snapshot_is_an_earlier_state(run):
    early = stylesmith.load(run.snapshots()[0], device="cpu").state_dict()
    assert differing(early, stylesmith.load(run.path, device="cpu").state_dict()) != []


@pytest.mark.parametrize("damage", DAMAGES, ids=["garbled", "truncated", "emptied"])
def test_a_damaged_model_falls_back_with_a_warning(run, damage):
    whole = stylesmith.load(run.path, device="cpu").state_dict()
    damage(run.model / "model.safetensors")
    with pytest.warns(UserWarning, match=r"model\.safetensors: damaged.*Using .*000000024") as said:
        generator = stylesmith.load(run.path, device="cpu")
    assert len(said) == 1
    assert said[0].filename == __file__  # it points at the caller
    assert differing(generator.state_dict(), whole) == []


def test_it_falls_back_as_far_as_it_must(run):
    for path in (run.model / "model.safetensors", *run.checkpoints()):
        DAMAGES[1](path)
    with pytest.warns(UserWarning, match="Using .*snapshots") as said:
        generator = stylesmith.load(run.path, device="cpu")
    assert len(said) == 3
    snapshot = stylesmith.load(run.snapshots()[0], device="cpu")
    assert differing(generator.state_dict(), snapshot.state_dict()) == []


def test_all_damaged_is_one_error(run):
    for path in (run.model / "model.safetensors", *run.checkpoints(), *run.snapshots()):
        DAMAGES[1](path)
    with pytest.raises(ModelError, match=r"model\.safetensors: damaged") as caught:
        stylesmith.load(run.path, device="cpu")
    assert "\n" not in str(caught.value)


def test_places_without_a_model_are_named(tmp_path):
    with pytest.raises(ModelError, match="nowhere: no such run, model folder or file"):
        stylesmith.load(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"holds no model\. Wanted a run folder"):
        stylesmith.load(tmp_path)
    (tmp_path / "notes.txt").write_text("not a model")
    with pytest.raises(ModelError, match=r"notes\.txt: damaged or not a safetensors file"):
        stylesmith.load(tmp_path / "notes.txt")


def test_an_unknown_device_is_named(run):
    with pytest.raises(UsageError, match="--device abacus"):
        stylesmith.load(run.path, device="abacus")


def test_a_model_without_its_configuration_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    write_tensor_file(path, {}, {}, kind="model")
    with pytest.raises(ModelError, match="damaged: input should be a valid dictionary"):
        stylesmith.load(path)
    write_tensor_file(path, {}, {"generator": {"levels": 99}}, kind="model")
    with pytest.raises(ModelError, match="damaged: levels"):
        stylesmith.load(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["mapping.w_avg", "synthesis.blocks.0.conv1.weight"])
def test_weights_that_are_not_finite_are_refused_by_name(tiny_generator, tmp_path, name, value):
    generator = tiny_generator()
    generator.state_dict()[name][-1] = value
    save_weights(tmp_path / "x.safetensors", generator)
    with pytest.raises(ModelError, match=f"not finite, in {name}"):
        stylesmith.load(tmp_path / "x.safetensors")


def test_weights_of_another_network_are_refused_before_anything_is_copied(tiny_generator, tmp_path):
    small, large = tiny_generator(max_channels=4), tiny_generator(max_channels=8)
    before = {name: tensor.clone() for name, tensor in large.state_dict().items()}
    save_weights(tmp_path / "small.safetensors", small)
    tensors, _ = read_tensor_file(tmp_path / "small.safetensors")
    with pytest.raises(ModelError, match=r"small: does not fit this network: \S+ is \(4"):
        copy_tensors(large.state_dict(), tensors, source="small")
    assert differing(before, large.state_dict()) == []
    del tensors["mapping.w_avg"]
    with pytest.raises(ModelError, match=r"mapping\.w_avg is missing, wanted \(8,\)"):
        copy_tensors(small.state_dict(), tensors, source="small")
