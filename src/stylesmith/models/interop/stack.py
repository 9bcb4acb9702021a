"""The stack of a pickle: opcodes that push, gather and remember plain values, and nothing more."""

from collections.abc import Callable
from typing import Any

from stylesmith.models.interop.session import ReadBudget
from stylesmith.models.interop.standins import CorruptFileError, UnknownObject, checked_key

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
