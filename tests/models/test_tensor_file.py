"""The file format: exact, checked, never run."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from stylesmith.errors import ModelError
from stylesmith.tensor_file import read_tensor_file, write_tensor_file
from tests.support import differing

TENSORS = {
    "kernel": torch.randn(2, 3, 3, 3).contiguous(memory_format=torch.channels_last),
    "scalar": torch.tensor(1.5),
    "half": torch.randn(5).bfloat16(),
    "count": torch.arange(4),
    "view": torch.randn(4, 4).t()[1:],
    "odd numbers": torch.tensor([float("nan"), float("inf"), -0.0]),
}
HEADER = {"clocks": {"images_seen": 1234}, "name": "ä"}


@pytest.fixture
def path(tmp_path):
    write_tensor_file(tmp_path / "x.safetensors", TENSORS, HEADER, kind="model")
    return tmp_path / "x.safetensors"


def test_every_bit_comes_back(path):
    tensors, header = read_tensor_file(path)
    assert differing(tensors, TENSORS) == []
    assert header == {"kind": "model", "version": 1, **HEADER}


def test_other_programs_can_read_it(path):
    """Plain safetensors with one JSON text; tensors are contiguous, as other readers want them."""
    assert differing(load_file(path), TENSORS) == []
    size = int.from_bytes(path.read_bytes()[:8], "little")
    metadata = json.loads(path.read_bytes()[8 : 8 + size])["__metadata__"]
    assert json.loads(metadata["stylesmith"])["clocks"] == {"images_seen": 1234}


def test_no_changed_byte_goes_unnoticed(path, tmp_path):
    """A file either reads as it was written or is refused in one line; all bytes are tried."""
    whole, wanted = path.read_bytes(), read_tensor_file(path)
    noticed = 0
    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        try:
            tensors, header = read_tensor_file(path)
        except ModelError as error:
            assert str(path) in str(error)
            assert "\n" not in str(error)
            noticed += 1
        else:  # a space between two words of the outer header, say
            assert differing(tensors, wanted[0]) == []
            assert header == wanted[1]
    assert noticed > 0.95 * len(whole)


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.99])
def test_a_truncated_file_is_refused(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match="damaged or not a safetensors file"):
        read_tensor_file(path)


def test_files_of_other_programs_are_refused(tmp_path):
    external = tmp_path / "external.safetensors"
    save_file({"x": torch.zeros(2)}, external)
    with pytest.raises(ModelError, match="not one of stylesmith's"):
        read_tensor_file(external)
    torch.save({"x": torch.zeros(2)}, external)
    with pytest.raises(ModelError, match="not a safetensors file"):
        read_tensor_file(external)
    with pytest.raises(ModelError, match="no such file"):
        read_tensor_file(tmp_path / "nowhere.safetensors")


def test_files_of_a_newer_version_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    monkeypatch.setattr("stylesmith.tensor_file.TENSOR_FILE_VERSION", 2)
    write_tensor_file(path, TENSORS, {}, kind="model")
    monkeypatch.undo()
    with pytest.raises(ModelError, match=r"newer stylesmith \(format 2, this one reads 1"):
        read_tensor_file(path)


def test_the_wrong_kind_is_refused(path):
    with pytest.raises(ModelError, match="holds a model, wanted a checkpoint"):
        read_tensor_file(path, kind="checkpoint")
