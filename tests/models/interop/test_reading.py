"""What numpy, torch and pickle themselves write is read to the same values, without them."""

import argparse
import collections
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from stylesmith.errors import ModelError
from stylesmith.models.interop.allowed_globals import NumpyArray, TensorView
from stylesmith.models.interop.file_reader import is_external_file, open_read_budget, read_values
from stylesmith.models.interop.file_writer import nested_storage, to_pickle
from tests.models.interop.makers import pickled_array

ARRAYS = [
    np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    np.array(2.5, np.float16),
    np.zeros((0, 3), np.float32),
    np.arange(5, dtype=">i4"),
    np.array([True, False]),
    np.arange(4, dtype=np.uint8),
]

PLAIN = {
    "numbers": [0, 1, -1, 255, 256, 65536, 2**31, -(2**40), 2**100, 0.5, -1e300],
    "texts": ["", "ä", "x" * 300, b"", b"\x00\xff", b"y" * 300],
    "nested": {"a": (1, (2, (3, ())), [None, True, False]), 5: {}, None: [], True: 1},
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
    "sets": [{1, 2}, set()],
}


def read(path: Path, content: bytes):
    path.write_bytes(content)
    return read_values(open_read_budget(path))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_plain_values(tmp_path, protocol):
    plain = dict(PLAIN)
    if protocol < 3:  # bytes are calls of an encoder there, with escapes in protocol 0
        plain["texts"] = [text for text in PLAIN["texts"] if isinstance(text, str)]
    assert read(tmp_path / "x", pickle.dumps(plain, protocol)) == plain


def test_bytes_of_old_protocols(tmp_path):
    assert read(tmp_path / "x", pickle.dumps(b"\x00\xffabc", 2)) == b"\x00\xffabc"


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype.str}{a.shape}")
def test_numpy_arrays(tmp_path, array, protocol):
    found = read(tmp_path / "x", pickle.dumps([array, array], protocol))
    assert all(isinstance(a, NumpyArray) for a in found)
    for a in found:
        assert a.array().dtype == array.dtype
        assert np.array_equal(a.array(), array)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_numpy_scalars(tmp_path, protocol):
    values = [np.float32(1.5), np.int64(-3), np.float64(0.1), np.bool_(True)]
    found = read(tmp_path / "x", pickle.dumps(values, protocol))
    assert found == values and [type(v) for v in found] == [float, int, float, bool]


def test_numpy_under_its_older_name(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    content = pickle.dumps(array, 2)
    assert content.count(b"numpy._core.multiarray") == 1
    older = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert np.array_equal(read(tmp_path / "x", older).array(), array)


def test_values_that_python_2_wrote(tmp_path):
    """Texts and the content of arrays are bytes there, read as latin-1."""
    array = np.arange(3, dtype="<f4") - 1
    content, raw = to_pickle(pickled_array(array)), array.tobytes()
    written = b"B" + len(raw).to_bytes(4, "little") + raw
    assert content.count(written) == 1
    found = read(tmp_path / "x", content.replace(written, b"U" + bytes([len(raw)]) + raw))
    assert np.array_equal(found.array(), array)


def test_our_own_writer_is_understood_by_pickle_and_numpy():
    plain, array = [1, 2.5, None, True, "ä", b"\x00", (1, ())], np.arange(6.0).reshape(2, 3)
    found = pickle.loads(to_pickle({"a": plain, "b": pickled_array(array)}))
    assert found["a"] == plain and np.array_equal(found["b"], array)


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_our_own_storages_are_understood_by_torch():
    array = np.array([[1.5, -2.0], [0.25, 3.0]], np.float32)
    found = torch.load(io.BytesIO(nested_storage(array)), weights_only=True)
    assert found.dtype == torch.float32 and list(found) == array.ravel().tolist()


TENSORS = {
    "plain": torch.arange(6.0).reshape(2, 3),
    "half": torch.arange(3).half(),
    "double": torch.arange(3).double(),
    "whole": torch.arange(3),
    "flags": torch.tensor([True, False]),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
    "transposed": torch.arange(6.0).reshape(2, 3).t(),
    "channels last": torch.arange(24.0)
    .reshape(1, 2, 3, 4)
    .contiguous(memory_format=torch.channels_last),
    "part": torch.arange(10.0)[3:7],
    "every second": torch.arange(10.0)[::2],
    "parameter": torch.nn.Parameter(torch.ones(2)),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", TENSORS)
def test_torch_files(tmp_path, name, zipped):
    buffer, tensor = io.BytesIO(), TENSORS[name]
    value = {"t": tensor, "again": tensor, "args": argparse.Namespace(size=256)}
    torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
    found = read(tmp_path / "x", buffer.getvalue())
    assert isinstance(found["t"], TensorView)
    assert np.array_equal(found["t"].array(), tensor.detach().numpy())
    assert np.array_equal(found["again"].array(), tensor.detach().numpy())
    assert found["args"].state == {"size": 256}


def test_tensors_in_an_unknown_format_are_refused_by_name(tmp_path):
    buffer = io.BytesIO()
    torch.save(torch.zeros(2).bfloat16(), buffer)
    with pytest.raises(ModelError, match=r"wants the global torch\.BFloat16Storage at byte \d+"):
        read(tmp_path / "x", buffer.getvalue())


def test_values_may_contain_themselves(tmp_path):
    loop: list[object] = [1]
    loop.append(loop)
    found = read(tmp_path / "x", pickle.dumps(loop))
    assert found[1] is found


@pytest.mark.parametrize(
    ("name", "content", "external"),
    [
        ("x.pkl", b"", True),
        ("x.PT", b"", True),
        ("x.bin", pickle.dumps(1, 4), True),
        ("x", b"PK\x03\x04", True),
        ("x.safetensors", b"\x80\x02\0\0\0\0\0\0{}", False),
        ("notes.txt", b"not a model", False),
        ("empty", b"", False),
    ],
)
def test_external_files_are_known_by_name_or_first_bytes(tmp_path, name, content, external):
    (tmp_path / name).write_bytes(content)
    assert is_external_file(tmp_path / name) == external


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty. Download it again"),
        (b"\n <!DOCTYPE html>", "a web page, not weights"),
        (b"<HTML><body>quota", "a web page, not weights"),
    ],
)
def test_files_of_another_kind_are_named(tmp_path, content, message):
    (tmp_path / "x.pkl").write_bytes(content)
    with pytest.raises(ModelError, match=message):
        open_read_budget(tmp_path / "x.pkl")
    with pytest.raises(ModelError, match="cannot be read"):
        open_read_budget(tmp_path / "nowhere.pkl")
