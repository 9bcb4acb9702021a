"""A machine that reads pickles and can do nothing else: no imports, no calls, no code.

The standard library cuts the file into opcodes (`pickletools.genops` reads, it does not execute);
this machine builds plain values of them, and stand-ins where the file names a global. What has no
stand-in is refused with its name and place.
"""

import pickletools
import struct
import warnings
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NoReturn

from stylesmith.models.interop.session import ReadBudget, short_repr
from stylesmith.models.interop.stack import PickleStack
from stylesmith.models.interop.standins import (
    AllowedGlobal,
    CorruptFileError,
    UnknownObject,
    find_global,
)

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
        """The stand-in for a global."""
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
        """Push what a stand-in makes of arguments."""
        arguments, what = self.stack.pop(), self.stack.pop()
        self.stack.push(self._call(getattr(what, "call", None), what, arguments))

    def load_newobj(self) -> None:
        """Push the instance that a stand-in makes."""
        arguments, what = self.stack.pop(), self.stack.pop()
        self.stack.push(self._call(getattr(what, "new", None), what, arguments))

    def build(self) -> None:
        """Give a state to the stand-in on top."""
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
