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
from typing import Any, BinaryIO, NoReturn

from stylesmith.models.interop.allowed_globals import (
    AllowedGlobal,
    CorruptFileError,
    ReadBudget,
    UnknownObject,
    checked_key,
    find_global,
    short_repr,
)

MAX_PROTOCOL = 5
MAX_INTEGER = 1 << 512
MAX_MEMO_INDEX = 1 << 32

CONSTANT_OPCODES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}

NUMBER_OPCODES = (
    "INT",
    "BININT",
    "BININT1",
    "BININT2",
    "LONG",
    "LONG1",
    "LONG4",
    "FLOAT",
    "BINFLOAT",
)
BYTES_OPCODES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
TEXT_OPCODES = (
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
)
ARGUMENT_OPCODES = frozenset(NUMBER_OPCODES + BYTES_OPCODES + TEXT_OPCODES)
"""Opcodes that push what stands behind them."""


class PickleStack:
    """Values, marks between them, and the memo of values to be named again."""

    def __init__(self, session: ReadBudget):
        self.session = session
        self.values: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def dispatch(self, name: str, argument: Any) -> bool:
        """Do what an opcode wants, if it is one of data; says whether it was."""
        if name in CONSTANT_OPCODES:
            self.push(CONSTANT_OPCODES[name])
        elif name in ARGUMENT_OPCODES:
            self.push(self._checked_argument(argument))
        elif name in DATA_OPCODES:
            DATA_OPCODES[name](self, argument)
        else:
            return False
        return True

    def push(self, value: Any) -> None:
        """One more value."""
        self.values.append(value)

    def top(self) -> Any:
        """The topmost value, which must lie above the last mark."""
        if len(self.values) <= (self.marks[-1] if self.marks else 0):
            raise CorruptFileError("nothing on the stack")
        return self.values[-1]

    def pop(self) -> Any:
        """Take the topmost value."""
        value = self.top()
        del self.values[-1]
        return value

    def pop_mark(self) -> list[Any]:
        """Take all values above the last mark, and the mark."""
        if not self.marks:
            raise CorruptFileError("no mark on the stack")
        start = self.marks.pop()
        values = self.values[start:]
        del self.values[start:]
        self.session.count_steps(len(values))
        return values

    def mark(self) -> None:
        """Remember where the following values start."""
        self.marks.append(len(self.values))

    def discard_top(self) -> None:
        """Drop the topmost value, or the mark if nothing lies above it."""
        if self.marks and self.marks[-1] == len(self.values):
            self.marks.pop()
        else:
            self.pop()

    def make_tuple(self, count: int) -> None:
        """A tuple of the topmost values."""
        if len(self.values) - (self.marks[-1] if self.marks else 0) < count:
            raise CorruptFileError("too little on the stack")
        self.values[-count:] = [tuple(self.values[-count:])]

    def put(self, number: int) -> None:
        """Remember the topmost value under a number."""
        if not 0 <= number < MAX_MEMO_INDEX:
            raise CorruptFileError("a memo number out of range")
        self.memo[number] = self.top()

    def get(self, number: int) -> None:
        """Push what was remembered."""
        if not 0 <= number < MAX_MEMO_INDEX or number not in self.memo:
            raise CorruptFileError("a memo number that nothing has")
        self.push(self.memo[number])

    def extend(self, values: list[Any]) -> None:
        """Add values to the list on top."""
        target = self.top()
        if type(target) is list:
            target.extend(values)
        elif not isinstance(target, UnknownObject):
            raise CorruptFileError("values for a list that is none")

    def update(self, values: list[Any]) -> None:
        """Add keys and values, in turn, to the dictionary on top."""
        target = self.top()
        if isinstance(target, UnknownObject):
            return
        if type(target) is not dict or len(values) % 2:
            raise CorruptFileError("values for a dictionary that is none")
        for i in range(0, len(values), 2):
            target[checked_key(values[i])] = values[i + 1]

    def add(self, values: list[Any]) -> None:
        """Add values to the set on top."""
        target = self.top()
        if type(target) is set:
            target.update(checked_key(value) for value in values)
        elif not isinstance(target, UnknownObject):
            raise CorruptFileError("values for a set that is none")

    def make_dict(self) -> None:
        """A dictionary of the values above the last mark."""
        values = self.pop_mark()
        self.push({})
        self.update(values)

    def _checked_argument(self, value: Any) -> Any:
        if isinstance(value, str | bytes | bytearray):
            self.session.count_bytes(len(value))
        elif type(value) is int and abs(value) > MAX_INTEGER:
            raise CorruptFileError("a number beyond all measure")
        return value


def _check_protocol(number: int) -> None:
    if number > MAX_PROTOCOL:
        raise CorruptFileError(f"pickle protocol {number}, wanted at most {MAX_PROTOCOL}")


DATA_OPCODES: dict[str, Callable[[PickleStack, Any], None]] = {
    "PROTO": lambda stack, argument: _check_protocol(argument),
    "FRAME": lambda stack, _: None,
    "MARK": lambda stack, _: stack.mark(),
    "POP": lambda stack, _: stack.discard_top(),
    "POP_MARK": lambda stack, _: stack.pop_mark().clear(),
    "DUP": lambda stack, _: stack.push(stack.top()),
    "EMPTY_LIST": lambda stack, _: stack.push([]),
    "EMPTY_TUPLE": lambda stack, _: stack.push(()),
    "EMPTY_DICT": lambda stack, _: stack.push({}),
    "EMPTY_SET": lambda stack, _: stack.push(set()),
    "LIST": lambda stack, _: stack.push(stack.pop_mark()),
    "TUPLE": lambda stack, _: stack.push(tuple(stack.pop_mark())),
    "TUPLE1": lambda stack, _: stack.make_tuple(1),
    "TUPLE2": lambda stack, _: stack.make_tuple(2),
    "TUPLE3": lambda stack, _: stack.make_tuple(3),
    "DICT": lambda stack, _: stack.make_dict(),
    "FROZENSET": lambda stack, _: stack.push({checked_key(value) for value in stack.pop_mark()}),
    "APPEND": lambda stack, _: stack.extend([stack.pop()]),
    "APPENDS": lambda stack, _: stack.extend(stack.pop_mark()),
    "SETITEM": lambda stack, _: stack.update([stack.pop(), stack.pop()][::-1]),
    "SETITEMS": lambda stack, _: stack.update(stack.pop_mark()),
    "ADDITEMS": lambda stack, _: stack.add(stack.pop_mark()),
    "PUT": lambda stack, argument: stack.put(argument),
    "BINPUT": lambda stack, argument: stack.put(argument),
    "LONG_BINPUT": lambda stack, argument: stack.put(argument),
    "MEMOIZE": lambda stack, _: stack.put(len(stack.memo)),
    "GET": lambda stack, argument: stack.get(argument),
    "BINGET": lambda stack, argument: stack.get(argument),
    "LONG_BINGET": lambda stack, argument: stack.get(argument),
}
"""What opcodes of data do."""


REFUSED_OPCODES = {
    "EXT1": "names a registered extension",
    "EXT2": "names a registered extension",
    "EXT4": "names a registered extension",
    "OBJ": "makes an object",
    "NEWOBJ_EX": "makes an object",
    "NEXT_BUFFER": "wants a buffer from outside the file",
    "READONLY_BUFFER": "wants a buffer from outside the file",
}
"""Opcodes that no network file needs, and what they would do."""

CORRUPTION_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,  # Damaged among them
    struct.error,
)
"""What reading a damaged file may raise."""

PersistentLoad = Callable[[Any], Any]
"""From a persistent id to the value that it stands for."""


class RestrictedUnpickler:
    """Reads one pickle of a stream and stops behind it."""

    def __init__(
        self,
        stream: BinaryIO,
        budget: ReadBudget,
        *,
        allowed: Mapping[str, AllowedGlobal],
        persistent_load: PersistentLoad | None = None,
        location: str = "",
    ):
        self.stream, self.budget, self.allowed = stream, budget, allowed
        self.persistent_load, self.location = persistent_load, location
        self.stack = PickleStack(budget)
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
            text = short_repr((str(error) or type(error).__name__).splitlines()[0], 160)[1:-1]
            problem = f"damaged or not a network file, at {self.where}: {text}"
            raise self.budget.file_error(problem) from None

    def _load(self) -> Any:
        self.position = self.stream.tell()
        for opcode, argument, position in pickletools.genops(self.stream):
            self.position = position or 0
            self.budget.count_steps()
            if opcode.name == "STOP":
                return self.stack.pop()
            if not self.stack.dispatch(opcode.name, argument):
                self._dispatch(opcode.name, argument)
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

    def _dispatch(self, name: str, argument: Any) -> None:
        """Opcodes that would do something elsewhere."""
        if name in REFUSED_OPCODES:
            self._refuse(f"opcode {name} {REFUSED_OPCODES[name]}")
        OBJECT_OPCODES[name](self, argument)

    def _find_class(self, module: Any, name: Any) -> AllowedGlobal:
        """The allowed global."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise CorruptFileError("a global without name")
        full = f"{module}.{name}"
        self.budget.count_bytes(len(full))
        self.budget.named_globals.setdefault(full, self.where)
        found = find_global(full, self.allowed)
        if found:
            return found
        self.budget.refused_globals.add(full)
        if not self.budget.inspect_only:
            self._refuse(f"it wants the global {_printable(full)}")
        return AllowedGlobal(
            full, call=lambda *_: UnknownObject(full), new=lambda *_: UnknownObject(full)
        )

    def load_global(self, argument: str) -> None:
        """Push the global that an opcode names."""
        module, _, name = argument.partition(" ")
        self.stack.push(self._find_class(module, name))

    def load_stack_global(self) -> None:
        """Push the global that two texts on the stack name."""
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.push(self._find_class(module, name))

    def load_inst(self, argument: str) -> None:
        """The oldest way to make an object, which no network file needs."""
        self.stack.pop_mark()
        module, _, name = argument.partition(" ")
        what = self._find_class(module, name)
        if not self.budget.inspect_only:
            self._refuse(f"opcode INST makes a {_printable(what.name)}")
        self.stack.push(UnknownObject(what.name))

    def load_reduce(self) -> None:
        """Push the result of an allowed global called with arguments."""
        arguments, what = self.stack.pop(), self.stack.pop()
        self.stack.push(self._call(getattr(what, "call", None), what, arguments))

    def load_newobj(self) -> None:
        """Push a new instance of an allowed class."""
        arguments, what = self.stack.pop(), self.stack.pop()
        self.stack.push(self._call(getattr(what, "new", None), what, arguments))

    def build(self) -> None:
        """Give a state to the object on top."""
        state, target = self.stack.pop(), self.stack.top()
        if isinstance(target, dict):  # attributes of an ordered dict are notes of its library
            return
        if isinstance(target, AllowedGlobal):
            self._refuse(f"a change of {_printable(target.name)}")
        if isinstance(state, tuple):
            self._count_arguments(state)
        target.build(state)

    def load_persid(self, key: Any) -> None:
        """Push the value of a persistent id, in the one kind of file that has them."""
        if self.persistent_load is not None:
            self.stack.push(self.persistent_load(key))
        elif self.budget.inspect_only:
            self.stack.push(UnknownObject("persistent id"))
        else:
            shown = f" {_printable(key)}" if isinstance(key, str) else ""
            self._refuse(f"a persistent id{shown}")

    def _call(self, function: Callable[..., Any] | None, what: Any, arguments: Any) -> Any:
        if not isinstance(what, AllowedGlobal) or not isinstance(arguments, tuple):
            raise CorruptFileError("a call of something that is no global")
        if function is None:
            self._refuse(f"a call of {_printable(what.name)}")
        self._count_arguments(arguments)
        return function(*arguments)

    def _count_arguments(self, values: tuple[Any, ...]) -> None:
        """Pay for reading values once more."""
        for value in values:
            if isinstance(value, str | bytes | bytearray):
                self.budget.count_bytes(len(value))
            elif isinstance(value, tuple | list | dict | set):
                self.budget.count_steps(len(value))


OBJECT_OPCODES: dict[str, Callable[[RestrictedUnpickler, Any], None]] = {
    "GLOBAL": RestrictedUnpickler.load_global,
    "STACK_GLOBAL": lambda machine, _: machine.load_stack_global(),
    "INST": RestrictedUnpickler.load_inst,
    "REDUCE": lambda machine, _: machine.load_reduce(),
    "NEWOBJ": lambda machine, _: machine.load_newobj(),
    "BUILD": lambda machine, _: machine.build(),
    "PERSID": RestrictedUnpickler.load_persid,
    "BINPERSID": lambda machine, _: machine.load_persid(machine.stack.pop()),
}
"""What the remaining opcodes do; one that is nowhere is unknown."""


def _printable(name: str) -> str:
    return short_repr(name, 100)[1:-1]
