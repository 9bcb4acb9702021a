"""What a pickle of weights may ask for: allowed globals, and a budget of steps and bytes.

No allowed global imports, calls or holds anything of the library whose name it bears. Their
functions are ours, and build the inert values below from what the file gives them.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

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
    tolerant: bool = False
    """List unknown globals instead of refusing them; what they would build stays opaque. For
    `inspect`, and for what a partial import leaves out."""
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


def ensure(condition: bool, problem: str) -> None:
    """Go on only with what a sound file has.

    Raises:
        CorruptFileError: If the condition does not hold; the problem says what was found.
    """
    if not condition:
        raise CorruptFileError(problem)


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
        ensure(isinstance(state, dict), f"{self.name} without attributes")
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
        complete = isinstance(state, tuple) and len(state) >= 2
        ensure(complete and state[1] in ("<", ">", "|", "="), "a number format that is none")
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
        complete = isinstance(state, tuple) and len(state) == 5
        ensure(complete, "an array without shape and content")
        _, shape, dtype, fortran, data = state
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
        ensure(self.storage.content is not None, "a tensor without content")
        count, available = math.prod(self.shape), self.storage.count
        ensure(count <= available, f"a tensor of {count} numbers in {available}")
        dtype = np.dtype(self.storage.dtype).newbyteorder("<")
        strides = tuple(stride * dtype.itemsize for stride in self.strides)
        start = self.offset * dtype.itemsize
        try:
            return np.ndarray(self.shape, dtype, self.storage.content, start, strides)
        except (ValueError, TypeError, OverflowError) as error:
            raise CorruptFileError(f"a tensor outside its storage ({error})") from None


PARALLEL_PREFIX = "module."
"""What torch's DataParallel puts before every name."""


def tensor_arrays(state: Mapping[Any, Any]) -> dict[Any, np.ndarray]:
    """The tensors among the values of a dictionary, as arrays, without `PARALLEL_PREFIX`."""
    found = {name: value.array() for name, value in state.items() if isinstance(value, TensorView)}
    if not all(isinstance(name, str) and name.startswith(PARALLEL_PREFIX) for name in found):
        return found
    return {name.removeprefix(PARALLEL_PREFIX): array for name, array in found.items()}


def array_from_bytes(data: Any, stored_dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """Bytes, which Python 2 wrote as text, as an array that they fill exactly."""
    data = _encode(data) if isinstance(data, str) else data
    known = isinstance(stored_dtype, ArrayDtype) and isinstance(data, bytes | bytearray)
    ensure(known, "an array of something else than numbers")
    shape, dtype = checked_sizes(shape), stored_dtype.numpy()
    fits = math.prod(shape) * dtype.itemsize == len(data)
    ensure(fits, f"an array of shape {shape} with {len(data)} bytes")
    ensure(order in ("C", "F"), "an array of unknown order")
    flat = np.frombuffer(data, dtype) if data else np.zeros(0, dtype)
    return flat.reshape(shape, order=order)


def checked_sizes(values: Any) -> tuple[int, ...]:
    """A shape, or strides: a few numbers from 0 on."""
    few = isinstance(values, tuple | list) and len(values) <= 8
    fits = few and all(type(v) is int and 0 <= v < 1 << 40 for v in values)
    ensure(fits, "a shape that is none")
    return tuple(values)


def _dtype(code: Any, *_: Any) -> ArrayDtype:
    ensure(code in ARRAY_DTYPES, "an array of something else than numbers")
    return ArrayDtype(code)


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    known = isinstance(text, str) and encoding in ("latin1", "latin-1")
    ensure(known, "a text in an unknown encoding")
    return bytes(text, "latin-1")


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> TensorView:
    # The other arguments are requires_grad, hooks and metadata.
    ensure(isinstance(storage, TorchStorage), "a tensor without storage")
    (start,) = checked_sizes((offset,))
    shape, strides = checked_sizes(shape), checked_sizes(strides)
    ensure(len(shape) == len(strides), "a tensor with more or fewer strides than axes")
    return TensorView(storage, start, shape, strides)


def _rebuild_parameter(tensor: Any, *_: Any) -> TensorView:
    ensure(isinstance(tensor, TensorView), "a parameter without tensor")
    return cast(TensorView, tensor)


def _rebuild_persistent_object(meta: Any) -> InertObject:
    is_instance = isinstance(meta, dict) and meta.get("type") == "class"
    ensure(is_instance, "an object that is no class instance")
    record = InertObject(str(meta.get("class_name"))[:80])
    record.build(meta.get("state"))
    return record


def checked_key(value: Any) -> Any:
    """A value that may be a key: short to compare, and without contrived collisions."""
    small = type(value) is int and abs(value) < 1 << 60
    fits = small or isinstance(value, str | bytes | bool | None)
    ensure(fits, "a key that is neither text nor number")
    return value


def keys_as_set(values: Iterable[Any] = ()) -> set[Any]:
    """Values that may be keys, as a set."""
    return set(map(checked_key, values))


def _allowed_class(name: str) -> AllowedGlobal:
    return AllowedGlobal(name, new=lambda: InertObject(name))


ALLOWED_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": lambda pairs=(): {checked_key(k): value for k, value in pairs},
    "builtins.set": keys_as_set,
    "builtins.bytes": lambda: b"",  # what protocol 2 makes of empty bytes
    "_codecs.encode": _encode,
    "numpy.dtype": _dtype,
    "numpy.core.multiarray._reconstruct": lambda *_: NumpyArray(),
    "numpy.core.multiarray.scalar": lambda dtype, data: array_from_bytes(
        data, dtype, (), "C"
    ).item(),
    "numpy.core.numeric._frombuffer": lambda *content: NumpyArray(array_from_bytes(*content)),
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
    name = storage_type.name if isinstance(storage_type, AllowedGlobal) else ""
    ensure(name in STORAGE_DTYPES, "a storage of unknown type")
    return STORAGE_DTYPES[name]
