"""What reading one foreign file may cost, and what the file asked for."""

from dataclasses import dataclass, field
from pathlib import Path

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
    every step and every byte is paid for here before it is spent.
    """

    path: Path
    size: int
    inspect_only: bool = False
    """List unknown globals instead of refusing them; what they would build stays opaque."""
    named_globals: dict[str, str] = field(default_factory=dict)
    """Globals that the file names, and where each comes first."""
    refused_globals: set[str] = field(default_factory=set)
    """Those that have no stand-in."""
    steps_taken: int = 0
    bytes_taken: int = 0

    def count_steps(self, count: int = 1) -> None:
        """Pay for steps of reading.

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
        """Pay for bytes.

        Raises:
            ModelError: If they are together much larger than the file.
        """
        self.bytes_taken += count
        if self.bytes_taken > MAX_FILE_COPIES * self.size + EXTRA_BYTES:
            raise ModelError(
                f"{self.path}: refused: unfolds to more than {MAX_FILE_COPIES} times its size; it is "
                "damaged or meant to exhaust this machine."
            )

    def file_error(self, problem: str) -> ModelError:
        """An error about this file."""
        return ModelError(f"{self.path}: {problem}")


def short_repr(value: object, limit: int = 60) -> str:
    """A name or value from a file as one short line of printable ASCII."""
    text = ascii(value) if isinstance(value, str | int | float | bool | None) else "..."
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
