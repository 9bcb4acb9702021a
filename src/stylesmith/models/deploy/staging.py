"""Files that appear together or not at all."""

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from stylesmith import files
from stylesmith.errors import OutputError


@contextmanager
def staging_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder, whose files move to `folder` once the block has ended well.

    Raises:
        OutputError: If something cannot be written.
    """
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as name:
            yield Path(name)
            for path in sorted(Path(name).iterdir()):
                files.write_atomically(folder / path.name, partial(_move_file, path))
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be written ({error.strerror or error}). Free some space or choose "
            "another place."
        ) from error
    finally:
        if new:
            with contextlib.suppress(OSError):  # it is not empty: all went well
                folder.rmdir()


def _move_file(source: Path, target: Path) -> None:
    source.replace(target)
