"""A restricted unpickler for network weights: no imports, no calls, no code execution.

`pickletools.genops` cuts the file into opcodes and executes nothing; `RestrictedUnpickler` builds
plain values of them, and inert objects where the file names an allowed global. A global that is not
allowed is refused with its name and position. `pickle.Unpickler` with `find_class` is not enough:
it crashes, hangs or takes gigabytes on the hostile files of the tests.
"""

import pickletools
import struct
import warnings
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Literal, NoReturn

from stylesmith.models.interop.allowed_globals import (
    AllowedGlobal,
    CorruptFileError,
    ReadBudget,
    UnknownObject,
    checked_key,
    ensure,
    find_global,
    keys_as_set,
    short_text,
)

MAX_PROTOCOL = 5
MAX_INTEGER = 1 << 512
MAX_MEMO_INDEX = 1 << 32

ARGUMENT_OPCODES = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
)
"""Opcodes that push what stands behind them: numbers, bytes and texts."""

REFUSED_OPCODES = {
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), "names a registered extension"),
    **dict.fromkeys(("OBJ", "NEWOBJ_EX"), "makes an object"),
    **dict.fromkeys(("NEXT_BUFFER", "READONLY_BUFFER"), "wants a buffer from outside the file"),
}
"""Opcodes that no network file needs, and what they would do."""

CORRUPTION_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,  # CorruptFileError among them
    struct.error,
)
"""What reading a damaged file may raise."""

COLLECTION_NAMES: dict[type, str] = {list: "list", dict: "dictionary", set: "set"}

PersistentLoad = Callable[[Any], Any]
"""From a persistent id to the value that it stands for."""


class RestrictedUnpickler:
    """Reads one pickle of a stream and stops behind it.

    It keeps a stack of values, the marks between them, and a memo of values to be named again.
    """

    def __init__(
        self,
        stream: BinaryIO,
        budget: ReadBudget,
        *,
        allowed: Mapping[str, AllowedGlobal] | None = None,
        persistent_load: PersistentLoad | None = None,
        location: str = "",
    ):
        self.stream, self.budget, self.allowed = stream, budget, allowed or {}
        self.persistent_load, self.location = persistent_load, location
        self.values: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.position = 0

    def load(self) -> Any:
        """The value of the pickle.

        Raises:
            ModelError: If it is damaged, too large, or wants anything but data; one line that
                names what, and the byte.
        """
        try:
            with warnings.catch_warnings():  # about escapes in a text of protocol 0
                warnings.simplefilter("ignore")
                return self._load()
        except CORRUPTION_ERRORS as error:
            text = short_text((str(error) or type(error).__name__).splitlines()[0], 160)
            problem = f"damaged or not a network file, at {self.where}: {text}"
            raise self.budget.file_error(problem) from None

    def _load(self) -> Any:
        self.position = self.stream.tell()
        for opcode, argument, position in pickletools.genops(self.stream):
            self.position = position or 0
            self.budget.count_steps()
            if opcode.name == "STOP":
                return self.pop()
            if opcode.name in REFUSED_OPCODES:
                self._refuse(f"opcode {opcode.name} {REFUSED_OPCODES[opcode.name]}")
            OPCODES[opcode.name](self, argument)
        raise CorruptFileError("no end")

    @property
    def where(self) -> str:
        """The byte of the present opcode."""
        return f"byte {self.position}{self.location}"

    def _refuse(self, what: str) -> NoReturn:
        raise self.budget.file_error(
            f"refused: {what} at {self.where}, which is not data of a network. Nothing was run; "
            "`stylesmith inspect` shows what the file wants."
        )

    def push(self, value: Any) -> None:
        """Push a value."""
        self.values.append(value)

    def push_argument(self, value: Any) -> None:
        """Push what stands behind an opcode, within the budget."""
        self._count_arguments(value)
        if type(value) is int:
            ensure(abs(value) <= MAX_INTEGER, "a number beyond all measure")
        self.push(value)

    def top(self) -> Any:
        """The topmost value, which must lie above the last mark."""
        self._ensure_values(1)
        return self.values[-1]

    def pop(self) -> Any:
        """Take the topmost value."""
        value = self.top()
        del self.values[-1]
        return value

    def pop_mark(self) -> list[Any]:
        """Take all values above the last mark, and the mark."""
        ensure(bool(self.marks), "no mark on the stack")
        start = self.marks.pop()
        values = self.values[start:]
        del self.values[start:]
        self.budget.count_steps(len(values))
        return values

    def discard_top(self) -> None:
        """Drop the topmost value, or the mark if nothing lies above it."""
        if self.marks and self.marks[-1] == len(self.values):
            self.marks.pop()
        else:
            self.pop()

    def make_tuple(self, count: int) -> None:
        """Replace the topmost values by a tuple of them."""
        self._ensure_values(count)
        self.values[-count:] = [tuple(self.values[-count:])]

    def _ensure_values(self, count: int) -> None:
        """Refuse to take more values than lie above the last mark."""
        present = len(self.values) - (self.marks[-1] if self.marks else 0)
        ensure(present >= count, "too little on the stack")

    def memo_put(self, number: int) -> None:
        """Remember the topmost value under a number."""
        ensure(0 <= number < MAX_MEMO_INDEX, "a memo number out of range")
        self.memo[number] = self.top()

    def memo_get(self, number: int) -> None:
        """Push what was remembered."""
        ensure(number in self.memo, "a memo number that nothing has")
        self.push(self.memo[number])

    def add_items(self, kind: type[Any], values: list[Any]) -> None:
        """Add values to the collection on top; to a dictionary, keys and values in turn."""
        target = self.top()
        if isinstance(target, UnknownObject):
            return
        fits = type(target) is kind and not (kind is dict and len(values) % 2)
        ensure(fits, f"values for a {COLLECTION_NAMES[kind]} that is none")
        if kind is list:
            target.extend(values)
        elif kind is set:
            target.update(keys_as_set(values))
        else:
            target.update(zip(map(checked_key, values[::2]), values[1::2], strict=True))

    def make_dict(self) -> None:
        """Push a dictionary of the values above the last mark."""
        values = self.pop_mark()
        self.push({})
        self.add_items(dict, values)

    def push_global(self, module: Any, name: Any) -> None:
        """Push the allowed global of a module and a name."""
        ensure(isinstance(module, str) and isinstance(name, str), "a global without name")
        full = f"{module}.{name}"
        self.budget.count_bytes(len(full))
        self.budget.named_globals.setdefault(full, self.where)
        found = find_global(full, self.allowed)
        if found is None:
            self.budget.refused_globals.add(full)
            if not self.budget.tolerant:
                self._refuse(f"it wants the global {short_text(full, 100)}")
            found = AllowedGlobal(
                full, call=lambda *_: UnknownObject(full), new=lambda *_: UnknownObject(full)
            )
        self.push(found)

    def load_inst(self, argument: str) -> None:
        """The oldest way to make an object, which no network file needs."""
        self.pop_mark()
        self.push_global(*argument.partition(" ")[::2])
        name = self.pop().name
        if not self.budget.tolerant:
            self._refuse(f"opcode INST makes a {short_text(name, 100)}")
        self.push(UnknownObject(name))

    def call_global(self, use: Literal["call", "new"]) -> None:
        """Push the result of calling an allowed global, or a new instance of an allowed class."""
        arguments, what = self.pop(), self.pop()
        callable_ = isinstance(what, AllowedGlobal) and isinstance(arguments, tuple)
        ensure(callable_, "a call of something that is no global")
        function = what.call if use == "call" else what.new
        if function is None:
            self._refuse(f"a call of {short_text(what.name, 100)}")
        self._count_arguments(*arguments)
        self.push(function(*arguments))

    def load_build(self) -> None:
        """Give a state to the object on top."""
        state, target = self.pop(), self.top()
        if isinstance(target, dict):  # attributes of an ordered dict are notes of its library
            return
        if isinstance(target, AllowedGlobal):
            self._refuse(f"a change of {short_text(target.name, 100)}")
        if isinstance(state, tuple):
            self._count_arguments(*state)
        target.build(state)

    def load_persid(self, key: Any) -> None:
        """Push the value of a persistent id, in the one kind of file that has them."""
        if self.persistent_load is not None:
            self.push(self.persistent_load(key))
        elif self.budget.tolerant:
            self.push(UnknownObject("persistent id"))
        else:
            shown = f" {short_text(key, 100)}" if isinstance(key, str) else ""
            self._refuse(f"a persistent id{shown}")

    def _count_arguments(self, *values: Any) -> None:
        """Count the bytes or parts of values before they are used."""
        for value in values:
            if isinstance(value, str | bytes | bytearray):
                self.budget.count_bytes(len(value))
            elif isinstance(value, tuple | list | dict | set):
                self.budget.count_steps(len(value))


OPCODES: dict[str, Callable[[RestrictedUnpickler, Any], None]] = {
    **dict.fromkeys(ARGUMENT_OPCODES, RestrictedUnpickler.push_argument),
    "PROTO": lambda _, number: ensure(
        number <= MAX_PROTOCOL, f"pickle protocol {number}, wanted at most {MAX_PROTOCOL}"
    ),
    "FRAME": lambda reader, _: None,
    "NONE": lambda reader, _: reader.push(None),
    "NEWTRUE": lambda reader, _: reader.push(True),
    "NEWFALSE": lambda reader, _: reader.push(False),
    "MARK": lambda reader, _: reader.marks.append(len(reader.values)),
    "POP": lambda reader, _: reader.discard_top(),
    "POP_MARK": lambda reader, _: reader.pop_mark().clear(),
    "DUP": lambda reader, _: reader.push(reader.top()),
    "EMPTY_LIST": lambda reader, _: reader.push([]),
    "EMPTY_TUPLE": lambda reader, _: reader.push(()),
    "EMPTY_DICT": lambda reader, _: reader.push({}),
    "EMPTY_SET": lambda reader, _: reader.push(set()),
    "LIST": lambda reader, _: reader.push(reader.pop_mark()),
    "TUPLE": lambda reader, _: reader.push(tuple(reader.pop_mark())),
    "TUPLE1": lambda reader, _: reader.make_tuple(1),
    "TUPLE2": lambda reader, _: reader.make_tuple(2),
    "TUPLE3": lambda reader, _: reader.make_tuple(3),
    "DICT": lambda reader, _: reader.make_dict(),
    "FROZENSET": lambda reader, _: reader.push(keys_as_set(reader.pop_mark())),
    "APPEND": lambda reader, _: reader.add_items(list, [reader.pop()]),
    "APPENDS": lambda reader, _: reader.add_items(list, reader.pop_mark()),
    "SETITEM": lambda reader, _: reader.add_items(dict, [reader.pop(), reader.pop()][::-1]),
    "SETITEMS": lambda reader, _: reader.add_items(dict, reader.pop_mark()),
    "ADDITEMS": lambda reader, _: reader.add_items(set, reader.pop_mark()),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), RestrictedUnpickler.memo_put),
    "MEMOIZE": lambda reader, _: reader.memo_put(len(reader.memo)),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), RestrictedUnpickler.memo_get),
    "GLOBAL": lambda reader, argument: reader.push_global(*argument.partition(" ")[::2]),
    "STACK_GLOBAL": lambda reader, _: reader.push_global(*[reader.pop(), reader.pop()][::-1]),
    "INST": RestrictedUnpickler.load_inst,
    "REDUCE": lambda reader, _: reader.call_global("call"),
    "NEWOBJ": lambda reader, _: reader.call_global("new"),
    "BUILD": lambda reader, _: reader.load_build(),
    "PERSID": RestrictedUnpickler.load_persid,
    "BINPERSID": lambda reader, _: reader.load_persid(reader.pop()),
}
"""What opcodes do; one that is nowhere is unknown."""
