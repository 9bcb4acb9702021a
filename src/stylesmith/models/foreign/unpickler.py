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

from stylesmith.models.foreign.session import Session, brief
from stylesmith.models.foreign.stack import Stack
from stylesmith.models.foreign.standins import Damaged, Opaque, StandIn, look_up

REFUSED = {
    "EXT1": "names a registered extension",
    "EXT2": "names a registered extension",
    "EXT4": "names a registered extension",
    "OBJ": "makes an object",
    "NEWOBJ_EX": "makes an object",
    "NEXT_BUFFER": "wants a buffer from outside the file",
    "READONLY_BUFFER": "wants a buffer from outside the file",
}
"""Opcodes that no network file needs, and what they would do."""

ERRORS = (
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

Resolve = Callable[[Any], Any]
"""From a persistent id to the value that it stands for."""


class Machine:
    """Reads one pickle of a stream and stops behind it."""

    def __init__(
        self,
        stream: BinaryIO,
        session: Session,
        *,
        table: Mapping[str, StandIn],
        resolve: Resolve | None = None,
        place: str = "",
    ):
        self.stream, self.session, self.table = stream, session, table
        self.resolve, self.place = resolve, place
        self.stack = Stack(session)
        self.position = 0

    def run(self) -> Any:
        """The value of the pickle.

        Raises:
            ModelError: If it is damaged, too large, or wants anything but data; one line that
                names what, and the byte.
        """
        try:
            with warnings.catch_warnings():  # about escapes in a text of protocol 0
                warnings.simplefilter("ignore")
                return self._run()
        except ERRORS as error:
            text = brief((str(error) or type(error).__name__).splitlines()[0], 160)[1:-1]
            problem = f"damaged or not a network file, at {self.where}: {text}"
            raise self.session.fail(problem) from None

    def _run(self) -> Any:
        self.position = self.stream.tell()
        for opcode, argument, position in pickletools.genops(self.stream):
            self.position = position or 0
            self.session.step()
            if opcode.name == "STOP":
                return self.stack.pop()
            if not self.stack.handle(opcode.name, argument):
                self._act(opcode.name, argument)
        raise Damaged("no end")

    @property
    def where(self) -> str:
        """The byte of the present opcode."""
        return f"byte {self.position}{self.place}"

    def _refuse(self, what: str) -> NoReturn:
        raise self.session.fail(
            f"refused: {what} at {self.where}, which is not data of a network. Nothing was run; "
            "`stylesmith inspect` shows what the file wants."
        )

    def _act(self, name: str, argument: Any) -> None:
        """Opcodes that would do something elsewhere."""
        if name in REFUSED:
            self._refuse(f"opcode {name} {REFUSED[name]}")
        ACTIONS[name](self, argument)

    def _name(self, module: Any, name: Any) -> StandIn:
        """The stand-in for a global."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise Damaged("a global without name")
        full = f"{module}.{name}"
        self.session.spend(len(full))
        self.session.wanted.setdefault(full, self.where)
        found = look_up(full, self.table)
        if found:
            return found
        self.session.refused.add(full)
        if not self.session.survey:
            self._refuse(f"it wants the global {_printable(full)}")
        return StandIn(full, call=lambda *_: Opaque(full), new=lambda *_: Opaque(full))

    def name_in_text(self, argument: str) -> None:
        """Push the global that an opcode names."""
        module, _, name = argument.partition(" ")
        self.stack.push(self._name(module, name))

    def name_on_stack(self) -> None:
        """Push the global that two texts on the stack name."""
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.push(self._name(module, name))

    def make_instance(self, argument: str) -> None:
        """The oldest way to make an object, which no network file needs."""
        self.stack.pop_many()
        module, _, name = argument.partition(" ")
        what = self._name(module, name)
        if not self.session.survey:
            self._refuse(f"opcode INST makes a {_printable(what.name)}")
        self.stack.push(Opaque(what.name))

    def reduce(self) -> None:
        """Push what a stand-in makes of arguments."""
        arguments, what = self.stack.pop(), self.stack.pop()
        self.stack.push(self._apply(getattr(what, "call", None), what, arguments))

    def new_object(self) -> None:
        """Push the instance that a stand-in makes."""
        arguments, what = self.stack.pop(), self.stack.pop()
        self.stack.push(self._apply(getattr(what, "new", None), what, arguments))

    def build(self) -> None:
        """Give a state to the stand-in on top."""
        state, target = self.stack.pop(), self.stack.top()
        if isinstance(target, dict):  # attributes of an ordered dict are notes of its library
            return
        if isinstance(target, StandIn):
            self._refuse(f"a change of {_printable(target.name)}")
        if isinstance(state, tuple):
            self._charge(state)
        target.build(state)

    def persistent(self, key: Any) -> None:
        """Push the value of a persistent id, in the one kind of file that has them."""
        if self.resolve is not None:
            self.stack.push(self.resolve(key))
        elif self.session.survey:
            self.stack.push(Opaque("persistent id"))
        else:
            shown = f" {_printable(key)}" if isinstance(key, str) else ""
            self._refuse(f"a persistent id{shown}")

    def _apply(self, function: Callable[..., Any] | None, what: Any, arguments: Any) -> Any:
        if not isinstance(what, StandIn) or not isinstance(arguments, tuple):
            raise Damaged("a call of something that is no global")
        if function is None:
            self._refuse(f"a call of {_printable(what.name)}")
        self._charge(arguments)
        return function(*arguments)

    def _charge(self, values: tuple[Any, ...]) -> None:
        """Pay for reading values once more."""
        for value in values:
            if isinstance(value, str | bytes | bytearray):
                self.session.spend(len(value))
            elif isinstance(value, tuple | list | dict | set):
                self.session.step(len(value))


ACTIONS: dict[str, Callable[[Machine, Any], None]] = {
    "GLOBAL": Machine.name_in_text,
    "STACK_GLOBAL": lambda machine, _: machine.name_on_stack(),
    "INST": Machine.make_instance,
    "REDUCE": lambda machine, _: machine.reduce(),
    "NEWOBJ": lambda machine, _: machine.new_object(),
    "BUILD": lambda machine, _: machine.build(),
    "PERSID": Machine.persistent,
    "BINPERSID": lambda machine, _: machine.persistent(machine.stack.pop()),
}
"""What the remaining opcodes do; one that is nowhere is unknown."""


def _printable(name: str) -> str:
    return brief(name, 100)[1:-1]
