"""Public files load by their own names and shapes; anything else is one line that says what."""

import pickle
import re
from pathlib import Path

import pytest
import torch

from stylesmith.errors import ModelError
from stylesmith.perception.extractors import open_extractor
from stylesmith.perception.inception import InceptionV3
from stylesmith.perception.state_dicts import expected_state_dict as layout_of
from stylesmith.perception.state_dicts import load_weights, read_state_dict
from stylesmith.perception.vgg_lpips import VGG16, LPIPSHeads
from stylesmith.perception.weights import WEIGHT_FILES
from tests.perception.published import layout, random_weights

NETWORKS = {"inception": InceptionV3, "vgg16": VGG16, "lpips": LPIPSHeads}


def on_meta(name: str) -> torch.nn.Module:
    with torch.device("meta"):
        return NETWORKS[name]()


@pytest.mark.parametrize("name", NETWORKS)
def test_names_and_shapes_are_those_of_the_public_file(name):
    found = {key: tuple(value.shape) for key, value in layout_of(on_meta(name)).items()}
    assert found == layout(name)


def test_the_tables_are_as_long_as_the_papers():
    """94 convolutions in Inception, each with four vectors; 13 and 3 layers in VGG16."""
    assert [len(layout(name)) for name in NETWORKS] == [94 * 5 + 2, 2 * 16, 5]
    assert set(NETWORKS) == set(WEIGHT_FILES)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_arrive_unchanged_and_frozen(name, tmp_path):
    wanted = random_weights(name)
    torch.save(wanted, tmp_path / "file.pth")
    network = on_meta(name)
    load_weights(network, read_state_dict(tmp_path / "file.pth"), tmp_path / "file.pth")
    assert all(torch.equal(value, wanted[key]) for key, value in layout_of(network).items())
    assert not network.training and not any(p.requires_grad for p in network.parameters())


def test_counters_of_batch_normalization_may_be_there_or_not(tmp_path):
    weights = random_weights("inception")
    weights["Conv2d_1a_3x3.bn.num_batches_tracked"] = torch.tensor(7)
    torch.save(weights, tmp_path / "file.pth")
    network = on_meta("inception")
    load_weights(network, read_state_dict(tmp_path / "file.pth"), tmp_path)
    name = "Conv2d_1a_3x3.bn.running_mean"
    assert torch.equal(network.state_dict()[name], weights[name])


def missing(weights):
    del weights["lin3.model.1.weight"]


def reshaped(weights):
    weights["lin3.model.1.weight"] = torch.zeros(1, 256, 1, 1)


def unknown(weights):
    weights["lin5.model.1.weight"] = torch.zeros(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (missing, "has no tensor 'lin3.model.1.weight', where shape (1, 512, 1, 1) is wanted"),
        (reshaped, "'lin3.model.1.weight' has shape (1, 256, 1, 1), wanted (1, 512, 1, 1)"),
        (unknown, "holds 'lin5.model.1.weight', which this network does not have (1 such tensors)"),
    ],
)
def test_the_first_difference_is_named(tmp_path, change, message):
    weights = random_weights("lpips")
    change(weights)
    path = tmp_path / "file.pth"
    with pytest.raises(ModelError, match=re.escape(f"{path}: {message}")):
        load_weights(on_meta("lpips"), weights, path)


class Harm:
    def __reduce__(self):
        return (Path("harmed").write_text, ("x",))


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"not weights at all" * 100, pickle.dumps({"a": 1}), pickle.dumps(Harm())],
)
def test_unreadable_files_are_one_line_and_run_nothing(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "file.pth"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_state_dict(path)
    assert str(caught.value).startswith(f"{path}: cannot be read as weights (")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "harmed").exists()


def test_a_cut_file_and_other_content(tmp_path):
    path = tmp_path / "file.pth"
    torch.save([torch.zeros(1)], path)
    with pytest.raises(ModelError, match="holds list, not a dictionary of tensors"):
        read_state_dict(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match="cannot be read as weights"):
        read_state_dict(path)


def test_an_extractor_tells_the_hash_of_what_it_read(weights_folder, vgg16):
    with pytest.warns(UserWarning, match=r"not the published file \(sha256 .*, published 397923af"):
        again = open_extractor("vgg16", torch.device("cpu"), weights_folder)
    assert again.weights_hash == vgg16.weights_hash and len(vgg16.weights_hash) == 64
