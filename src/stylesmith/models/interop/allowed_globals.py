"""What a pickle of weights may ask for: allowed globals, and a budget of steps and bytes.

No allowed global imports, calls or holds anything of the library whose name it bears. Their
functions are ours, and build the inert values below from what the file gives them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stylesmith.errors import ModelError

MAX_READ_STEPS = 300_000
"""Steps of reading; StyleGAN2-ADA at 1024x1024, the longest of published files, takes 120,000."""

MAX_FILE_COPIES = 4
"""How many times the size of the file may pass through memory while it is read."""

EXTRA_BYTES = 1 << 20
"""Bytes that a small file may take beside."""


@dataclass
class ReadBudget:
    """The budget of one file, shared by everything that is nested in it.

    A pickle can name one value many times, so that a small file asks for endless work or memory:
    every step and every byte is counted here before it is taken.
    """

    path: Path
    size: int
    inspect_only: bool = False
    """List unknown globals instead of refusing them; what they would build stays opaque."""
    named_globals: dict[str, str] = field(default_factory=dict)
    """Globals that the file names, and where each comes first."""
    refused_globals: set[str] = field(default_factory=set)
    """Names of globals that are not allowed."""
    steps_taken: int = 0
    bytes_taken: int = 0

    def count_steps(self, count: int = 1) -> None:
        """Count steps of reading.

        Raises:
            ModelError: If there were more than any network file needs.
        """
        self.steps_taken += count
        if self.steps_taken > MAX_READ_STEPS:
            raise ModelError(
                f"{self.path}: refused: takes more than {MAX_READ_STEPS:,} steps to read, more "
                "than any network file; it is damaged or meant to exhaust this machine."
            )

    def count_bytes(self, count: int) -> None:
        """Count bytes.

        Raises:
            ModelError: If they are together much larger than the file.
        """
        self.bytes_taken += count
        if self.bytes_taken > MAX_FILE_COPIES * self.size + EXTRA_BYTES:
            raise ModelError(
                f"{self.path}: refused: unfolds to more than {MAX_FILE_COPIES} times its size; it "
                "is damaged or meant to exhaust this machine."
            )

    def file_error(self, problem: str) -> ModelError:
        """An error about this file."""
        return ModelError(f"{self.path}: {problem}")


def short_repr(value: object, limit: int = 60) -> str:
    """A name or value from a file as one short line of printable ASCII."""
    text = ascii(value) if isinstance(value, str | int | float | bool | None) else "..."
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def short_text(text: str, limit: int = 60) -> str:
    """A text from a file as one short line of printable ASCII, without quotes."""
    return short_repr(text, limit)[1:-1]


ARRAY_DTYPES = frozenset(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)) | {
    *("f2", "f4", "f8", "b1")
}
"""Number formats that an array may have."""

STORAGE_DTYPES = {
    "torch.HalfStorage": "f2",
    "torch.FloatStorage": "f4",
    "torch.DoubleStorage": "f8",
    "torch.CharStorage": "i1",
    "torch.ShortStorage": "i2",
    "torch.IntStorage": "i4",
    "torch.LongStorage": "i8",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "b1",
}
"""Types of torch storage and their number formats."""


class CorruptFileError(ValueError):
    """A value that a sound file does not have at that place."""


@dataclass(frozen=True)
class AllowedGlobal:
    """What a global of a file means here: our functions of its arguments, or nothing."""

    name: str
    call: Callable[..., Any] | None = None
    """In place of calling it."""
    new: Callable[..., Any] | None = None
    """In place of making an instance of it."""


@dataclass(eq=False)
class InertObject:
    """An object of a class we only know by name; its attributes, as the file has them."""

    name: str
    state: dict[str, Any] = field(default_factory=dict)

    def build(self, state: Any) -> None:
        """Take the attributes."""
        if not isinstance(state, dict):
            raise CorruptFileError(f"{self.name} without attributes")
        self.state = state


@dataclass(eq=False)
class UnknownObject:
    """The result of a global that is listed but not understood."""

    name: str

    def build(self, state: Any) -> None:
        """Ignore the attributes."""


@dataclass(eq=False)
class ArrayDtype:
    """A number format (numpy.dtype)."""

    code: str
    byte_order: str = "<"

    def build(self, state: Any) -> None:
        """Take the byte order from `(version, byte order, ...)`."""
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise CorruptFileError("a number format that is none")
        self.byte_order = state[1]

    def numpy(self) -> np.dtype:
        """The format, which is one of the table."""
        return np.dtype(self.code).newbyteorder(self.byte_order.replace("=", "<"))  # type: ignore[arg-type]


@dataclass(eq=False)
class NumpyArray:
    """An array, empty until its state comes."""

    values: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def build(self, state: Any) -> None:
        """Take `(version, shape, format, is_fortran, data)`; data must fill the shape exactly."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise CorruptFileError("an array without shape and content")
        _, shape, dtype, fortran, data = state
        if isinstance(data, str):  # of Python 2
            data = data.encode("latin-1")
        self.values = array_from_bytes(data, dtype, shape, "F" if fortran else "C")

    def array(self) -> np.ndarray:
        """The numbers, read only."""
        return self.values


@dataclass(eq=False)
class TorchStorage:
    """Numbers of a torch tensor, in a row; their content may follow later in the file."""

    dtype: str
    count: int
    content: Any = None

    @property
    def size(self) -> int:
        """Bytes."""
        return self.count * np.dtype(self.dtype).itemsize


@dataclass(eq=False)
class TensorView:
    """A torch tensor: a storage, and which of its numbers."""

    storage: TorchStorage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        """The numbers, read only.

        Raises:
            CorruptFileError: If the view leaves its storage, or repeats numbers of it.
        """
        if self.storage.content is None:
            raise CorruptFileError("a tensor without content")
        count = math.prod(self.shape)
        if count > self.storage.count:
            raise CorruptFileError(f"a tensor of {count} numbers in {self.storage.count}")
        dtype = np.dtype(self.storage.dtype).newbyteorder("<")
        strides = tuple(stride * dtype.itemsize for stride in self.strides)
        start = self.offset * dtype.itemsize
        try:
            return np.ndarray(self.shape, dtype, self.storage.content, start, strides)
        except (ValueError, TypeError, OverflowError) as error:
            raise CorruptFileError(f"a tensor outside its storage ({error})") from None


def tensor_arrays(state: Mapping[Any, Any]) -> dict[Any, np.ndarray]:
    """The tensors among the values of a dictionary, as arrays."""
    return {name: value.array() for name, value in state.items() if isinstance(value, TensorView)}


def array_from_bytes(data: Any, stored_dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """Bytes as an array that they fill exactly."""
    if not isinstance(stored_dtype, ArrayDtype) or not isinstance(data, bytes | bytearray):
        raise CorruptFileError("an array of something else than numbers")
    shape, dtype = checked_sizes(shape), stored_dtype.numpy()
    if math.prod(shape) * dtype.itemsize != len(data):
        raise CorruptFileError(f"an array of shape {shape} with {len(data)} bytes")
    if order not in ("C", "F"):
        raise CorruptFileError("an array of unknown order")
    flat = np.frombuffer(data, dtype) if data else np.zeros(0, dtype)
    return flat.reshape(shape, order=order)


def checked_sizes(values: Any) -> tuple[int, ...]:
    """A shape, or strides: a few numbers from 0 on."""
    fits = isinstance(values, tuple | list) and len(values) <= 8
    if not fits or not all(type(v) is int and 0 <= v < 1 << 40 for v in values):
        raise CorruptFileError("a shape that is none")
    return tuple(values)


def _dtype(code: Any, *_: Any) -> ArrayDtype:
    if code not in ARRAY_DTYPES:
        raise CorruptFileError("an array of something else than numbers")
    return ArrayDtype(code)


def _scalar(dtype: Any, data: Any) -> Any:
    return array_from_bytes(_encode(data) if isinstance(data, str) else data, dtype, (), "C").item()


def _array_from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> NumpyArray:
    return NumpyArray(array_from_bytes(data, dtype, shape, order))


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise CorruptFileError("a text in an unknown encoding")
    return text.encode("latin-1")


def _ordered_dict(pairs: Any = ()) -> dict[Any, Any]:
    return {checked_key(key): value for key, value in pairs}


def _set_of_keys(items: Any = ()) -> set[Any]:
    return {checked_key(item) for item in items}


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> TensorView:
    # The other arguments are requires_grad, hooks and metadata.
    if not isinstance(storage, TorchStorage):
        raise CorruptFileError("a tensor without storage")
    (start,) = checked_sizes((offset,))
    shape, strides = checked_sizes(shape), checked_sizes(strides)
    if len(shape) != len(strides):
        raise CorruptFileError("a tensor with more or fewer strides than axes")
    return TensorView(storage, start, shape, strides)


def _rebuild_parameter(tensor: Any, *_: Any) -> TensorView:
    if not isinstance(tensor, TensorView):
        raise CorruptFileError("a parameter without tensor")
    return tensor


def _rebuild_persistent_object(meta: Any) -> InertObject:
    if not isinstance(meta, dict) or meta.get("type") != "class":
        raise CorruptFileError("an object that is no class instance")
    record = InertObject(str(meta.get("class_name"))[:80])
    record.build(meta.get("state"))
    return record


def checked_key(value: Any) -> Any:
    """A value that may be a key: short to compare, and without contrived collisions."""
    if isinstance(value, str | bytes | bool | None) or (
        type(value) is int and abs(value) < 1 << 60
    ):
        return value
    raise CorruptFileError("a key that is neither text nor number")


def _allowed_class(name: str) -> AllowedGlobal:
    return AllowedGlobal(name, new=lambda: InertObject(name))


ALLOWED_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered_dict,
    "builtins.set": _set_of_keys,
    "builtins.bytes": lambda: b"",  # what protocol 2 makes of empty bytes
    "_codecs.encode": _encode,
    "numpy.dtype": _dtype,
    "numpy.core.multiarray._reconstruct": lambda *_: NumpyArray(),
    "numpy.core.multiarray.scalar": _scalar,
    "numpy.core.numeric._frombuffer": _array_from_buffer,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch_utils.persistence._reconstruct_persistent_obj": _rebuild_persistent_object,
}
"""Functions of ours by the names of those that they replace."""

TENSORFLOW_NETWORK_CLASSES = ("dnnlib.tflib.network.Network", "tfutil.Network")
"""Classes of TensorFlow networks, of StyleGAN and of ProGAN."""

ALLOWED_STORAGES = {name: AllowedGlobal(name) for name in STORAGE_DTYPES}
"""All that a single stored tensor may name."""

ALLOWED_GLOBALS = {
    **{name: AllowedGlobal(name, call=call) for name, call in ALLOWED_FUNCTIONS.items()},
    **{name: _allowed_class(name) for name in (*TENSORFLOW_NETWORK_CLASSES, "argparse.Namespace")},
    "dnnlib.util.EasyDict": AllowedGlobal("dnnlib.util.EasyDict", new=lambda: {}),
    "numpy.ndarray": AllowedGlobal("numpy.ndarray"),
    **ALLOWED_STORAGES,
}
"""Everything that a network file may name. A module of that name need not exist here."""


def find_global(name: str, table: Mapping[str, AllowedGlobal]) -> AllowedGlobal | None:
    """The allowed global of a name, under any of the names that Python and numpy gave it."""
    name = name.replace("numpy._core.", "numpy.core.").replace("__builtin__.", "builtins.")
    return table.get(name)


def storage_dtype(storage_type: Any) -> str:
    """The number format of a storage's type."""
    if not isinstance(storage_type, AllowedGlobal) or storage_type.name not in STORAGE_DTYPES:
        raise CorruptFileError("a storage of unknown type")
    return STORAGE_DTYPES[storage_type.name]
