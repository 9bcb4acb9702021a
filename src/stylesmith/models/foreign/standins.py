"""Inert stand-ins for the few globals that network files name: the closed table.

None of them imports, calls or holds anything of the libraries whose names they bear. Their
functions are ours, and build values of the classes below from what the file gives them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FORMATS = frozenset(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)) | {
    *("f2", "f4", "f8", "b1")
}
"""Number formats that an array may have."""

STORAGES = {
    "Half": "f2",
    "Float": "f4",
    "Double": "f8",
    "Char": "i1",
    "Short": "i2",
    "Int": "i4",
    "Long": "i8",
    "Byte": "u1",
    "Bool": "b1",
}
"""Kinds of torch storage and their number formats."""


class Damaged(ValueError):
    """A value that a sound file does not have at that place."""


@dataclass(frozen=True)
class StandIn:
    """What a global of a file means here: our functions of its arguments, or nothing."""

    name: str
    call: Callable[..., Any] | None = None
    """In place of calling it."""
    new: Callable[..., Any] | None = None
    """In place of making an instance of it."""


@dataclass(eq=False)
class Record:
    """An object of a class we only know by name; its attributes, as the file has them."""

    name: str
    state: dict[str, Any] = field(default_factory=dict)

    def build(self, state: Any) -> None:
        """Take the attributes."""
        if not isinstance(state, dict):
            raise Damaged(f"{self.name} without attributes")
        self.state = state


@dataclass(eq=False)
class Opaque:
    """The result of a global that is listed but not understood."""

    name: str

    def build(self, state: Any) -> None:
        """Ignore the attributes."""


@dataclass(eq=False)
class Format:
    """A number format (numpy.dtype)."""

    code: str
    order: str = "<"

    def build(self, state: Any) -> None:
        """Take the byte order from `(version, order, ...)`."""
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise Damaged("a number format that is none")
        self.order = state[1]

    def numpy(self) -> np.dtype:
        """The format, which is one of the table."""
        return np.dtype(self.code).newbyteorder(self.order.replace("=", "<"))  # type: ignore[arg-type]


@dataclass(eq=False)
class NumpyArray:
    """An array, empty until its state comes."""

    values: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def build(self, state: Any) -> None:
        """Take `(version, shape, format, is_fortran, data)`; data must fill the shape exactly."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise Damaged("an array without shape and content")
        _, shape, form, fortran, data = state
        if isinstance(data, str):  # of Python 2
            data = data.encode("latin-1")
        self.values = shaped(data, form, shape, "F" if fortran else "C")

    def array(self) -> np.ndarray:
        """The numbers, read only."""
        return self.values


@dataclass(eq=False)
class Storage:
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

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        """The numbers, read only.

        Raises:
            Damaged: If the view leaves its storage, or repeats numbers of it.
        """
        if self.storage.content is None:
            raise Damaged("a tensor without content")
        width = np.dtype(self.storage.dtype).itemsize
        if math.prod(self.shape) > self.storage.count:
            raise Damaged(f"a tensor of {math.prod(self.shape)} numbers in {self.storage.count}")
        try:
            return np.ndarray(
                self.shape,
                np.dtype(self.storage.dtype).newbyteorder("<"),
                self.storage.content,
                self.offset * width,
                tuple(stride * width for stride in self.strides),
            )
        except (ValueError, TypeError, OverflowError) as error:
            raise Damaged(f"a tensor outside its storage ({error})") from None


def shaped(data: Any, stored_dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """Bytes as an array that they fill exactly."""
    if not isinstance(stored_dtype, Format) or not isinstance(data, bytes | bytearray):
        raise Damaged("an array of something else than numbers")
    shape, dtype = whole_numbers(shape), stored_dtype.numpy()
    if math.prod(shape) * dtype.itemsize != len(data):
        raise Damaged(f"an array of shape {shape} with {len(data)} bytes")
    if order not in ("C", "F"):
        raise Damaged("an array of unknown order")
    flat = np.frombuffer(data, dtype) if data else np.zeros(0, dtype)
    return flat.reshape(shape, order=order)


def whole_numbers(values: Any) -> tuple[int, ...]:
    """A shape, or strides: a few numbers from 0 on."""
    fits = isinstance(values, tuple | list) and len(values) <= 8
    if not fits or not all(type(v) is int and 0 <= v < 1 << 40 for v in values):
        raise Damaged("a shape that is none")
    return tuple(values)


def _format(code: Any, *_: Any) -> Format:
    if code not in FORMATS:
        raise Damaged("an array of something else than numbers")
    return Format(code)


def _scalar(form: Any, data: Any) -> Any:
    return shaped(_encode(data) if isinstance(data, str) else data, form, (), "C").item()


def _array_shell(*_: Any) -> NumpyArray:
    return NumpyArray()


def _array_from_buffer(data: Any, form: Any, shape: Any, order: Any) -> NumpyArray:
    return NumpyArray(shaped(data, form, shape, order))


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Damaged("a text in an unknown encoding")
    return text.encode("latin-1")


def _ordered(pairs: Any = ()) -> dict[Any, Any]:
    return {is_key(key): value for key, value in pairs}


def _set(items: Any = ()) -> set[Any]:
    return {is_key(item) for item in items}


def _tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, *_: Any
) -> TensorView:  # then requires_grad, hooks, metadata
    if not isinstance(storage, Storage):
        raise Damaged("a tensor without storage")
    (start,) = whole_numbers((offset,))
    shape, strides = whole_numbers(shape), whole_numbers(strides)
    if len(shape) != len(strides):
        raise Damaged("a tensor with more or fewer strides than axes")
    return TensorView(storage, start, shape, strides)


def _parameter(tensor: Any, *_: Any) -> TensorView:
    if not isinstance(tensor, TensorView):
        raise Damaged("a parameter without tensor")
    return tensor


def _persistent(meta: Any) -> Record:
    if not isinstance(meta, dict) or meta.get("type") != "class":
        raise Damaged("an object that is no class instance")
    record = Record(str(meta.get("class_name"))[:80])
    record.build(meta.get("state"))
    return record


def is_key(value: Any) -> Any:
    """A value that may be a key: short to compare, and without contrived collisions."""
    if isinstance(value, str | bytes | bool | None) or (
        type(value) is int and abs(value) < 1 << 60
    ):
        return value
    raise Damaged("a key that is neither text nor number")


def _record(name: str) -> StandIn:
    return StandIn(name, new=lambda: Record(name))


def _calls() -> Mapping[str, Callable[..., Any]]:
    return {
        "collections.OrderedDict": _ordered,
        "builtins.set": _set,
        "builtins.bytes": lambda: b"",  # what protocol 2 makes of empty bytes
        "_codecs.encode": _encode,
        "numpy.dtype": _format,
        "numpy.core.multiarray._reconstruct": _array_shell,
        "numpy.core.multiarray.scalar": _scalar,
        "numpy.core.numeric._frombuffer": _array_from_buffer,
        "torch._utils._rebuild_tensor_v2": _tensor,
        "torch._utils._rebuild_parameter": _parameter,
        "torch_utils.persistence._reconstruct_persistent_obj": _persistent,
    }


NETWORKS = ("dnnlib.tflib.network.Network", "tfutil.Network")
"""Classes of TensorFlow networks, of StyleGAN and of ProGAN."""

STORAGE_TABLE = {f"torch.{kind}Storage": StandIn(f"torch.{kind}Storage") for kind in STORAGES}
"""All that a single stored tensor may name."""

TABLE = {
    **{name: StandIn(name, call=call) for name, call in _calls().items()},
    **{name: _record(name) for name in (*NETWORKS, "argparse.Namespace")},
    "dnnlib.util.EasyDict": StandIn("dnnlib.util.EasyDict", new=lambda: {}),
    "numpy.ndarray": StandIn("numpy.ndarray"),
    **STORAGE_TABLE,
}
"""Everything that a network file may name. A module of that name need not exist here."""


def look_up(name: str, table: Mapping[str, StandIn]) -> StandIn | None:
    """The stand-in of a global, under any of the names that Python and numpy gave it."""
    name = name.replace("numpy._core.", "numpy.core.").replace("__builtin__.", "builtins.")
    return table.get(name)


def code_of(storage_type: Any) -> str:
    """The number format of a storage's type."""
    if not isinstance(storage_type, StandIn) or storage_type.name not in STORAGE_TABLE:
        raise Damaged("a storage of unknown type")
    return STORAGES[storage_type.name.removeprefix("torch.").removesuffix("Storage")]
