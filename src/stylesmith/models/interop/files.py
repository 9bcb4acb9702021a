"""What a foreign file is: the networks in it, or everything it wants, for those who look first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stylesmith.errors import ModelError
from stylesmith.models.interop import ada, rosinality, tensorflow
from stylesmith.models.interop.reading import open_read_budget, read_values
from stylesmith.models.interop.report import (
    ExternalFile,
    ExternalFormat,
    ExternalNetwork,
    NetworkRole,
)
from stylesmith.models.interop.session import ReadBudget
from stylesmith.models.interop.standins import CorruptFileError

Recognizer = Callable[[Any, str], dict[NetworkRole, ExternalNetwork] | None]

RECOGNIZERS: dict[ExternalFormat, Recognizer] = {
    "tensorflow": tensorflow.recognize,
    "ada": ada.recognize,
    "rosinality": rosinality.recognize,
}


@dataclass
class FileInspection:
    """What a file holds and wants, found without running anything."""

    path: Path
    size: int
    named_globals: dict[str, str] = field(default_factory=dict)
    """Names it wants, and where each stands first."""
    refused: set[str] = field(default_factory=set)
    """Those that an import refuses."""
    file: ExternalFile | None = None
    problem: str | None = None
    """Why it can't be imported, if it can't be read to its end."""


def read_external(path: Path) -> ExternalFile:
    """The networks of a TensorFlow pickle, a StyleGAN2-ADA pickle or a rosinality checkpoint.

    Raises:
        ModelError: If the file is missing, damaged, of another kind, or wants anything but data;
            nothing in it is run in any case.
    """
    return _recognize_networks(open_read_budget(path))


def inspect_file(path: Path) -> FileInspection:
    """Look at a file without refusing what it wants.

    Raises:
        ModelError: If the file is missing, or plainly something else.
    """
    session = open_read_budget(path, survey=True)
    found = FileInspection(path, session.size, session.named_globals, session.refused_globals)
    try:
        found.file = _recognize_networks(session)
    except ModelError as error:
        found.problem = str(error)
    return found


def _recognize_networks(session: ReadBudget) -> ExternalFile:
    value, source = read_values(session), str(session.path)
    try:
        for kind, recognize in RECOGNIZERS.items():
            networks = recognize(value, source)
            if networks:
                return ExternalFile(kind, networks, session.size)
    except CorruptFileError as error:
        raise session.file_error(f"damaged: it holds {error}.") from None
    raise session.file_error(
        "holds no network that stylesmith knows; wanted a pickle of ProGAN, StyleGAN, StyleGAN2 "
        "or StyleGAN2-ADA, or a rosinality checkpoint."
    )
