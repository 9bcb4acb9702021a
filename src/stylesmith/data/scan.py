"""What is in a folder or zip: its images, and which of them cannot be read."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stylesmith.config import base_grid
from stylesmith.data.archive import Archive
from stylesmith.data.decode import IMAGE_SUFFIXES, ImageHeader, read_header
from stylesmith.data.parallel import ProgressCallback, report_progress
from stylesmith.errors import ConfigError, DataError

BadImage = tuple[str, str]
"""Name of a file, and why it cannot be used."""


@dataclass(frozen=True)
class ScanResult:
    """The headers of the good images, by name, and the bad ones."""

    headers: dict[str, ImageHeader]
    bad: list[BadImage]

    @property
    def channels(self) -> int:
        """1 if no image has color, else 3."""
        return 1 if all(header.is_gray for header in self.headers.values()) else 3


def image_names(archive: Archive) -> list[str]:
    """The files that are named like images, sorted.

    Raises:
        DataError: If there are none; the message says what is there.
    """
    names = [name for name in archive.sizes if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES]
    if names:
        return names
    if not archive.sizes:
        raise DataError(f"{archive.path}: is empty. Wanted PNG, JPEG or WebP images.")
    raise DataError(
        f"{archive.path}: holds no images, only {describe_other_files(archive)}. "
        "Wanted PNG, JPEG or WebP."
    )


def describe_other_files(archive: Archive, *, known: Collection[str] = ()) -> str:
    """The files that are no images, as `3 .txt, 1 .gif`; empty if there are none but `known`."""
    paths = [PurePosixPath(name) for name in archive.sizes]
    suffixes = [path.suffix.lower() for path in paths if path.name not in known]
    counts = Counter(
        suffix or "without suffix" for suffix in suffixes if suffix not in IMAGE_SUFFIXES
    )
    return ", ".join(f"{count} {suffix}" for suffix, count in counts.most_common(5))


def scan_images(
    archive: Archive, names: Sequence[str], on_progress: ProgressCallback | None = None
) -> ScanResult:
    """Look at the header and the end of every image."""
    headers: dict[str, ImageHeader] = {}
    bad: list[BadImage] = []
    for done, name in enumerate(names, start=1):
        try:
            headers[name] = read_header(archive, name)
        except DataError as error:
            bad.append((name, str(error)))
        report_progress(on_progress, done, len(names))
    return ScanResult(headers, bad)


def check_readable(path: Path, found: ScanResult, *, skip_bad: bool) -> None:
    """Refuse bad images, or a data set of nothing else.

    Raises:
        DataError: Naming the first bad images and their number.
    """
    total = len(found.headers) + len(found.bad)
    if found.bad and (not skip_bad or not found.headers):
        some = ", ".join(f"{name!r} ({reason})" for name, reason in found.bad[:5])
        more = f" and {len(found.bad) - 5} more" if len(found.bad) > 5 else ""
        advice = "Repair or remove them"
        advice += ", or leave them out with --skip-bad." if found.headers else "."
        raise DataError(
            f"{path}: {len(found.bad)} of {total} images cannot be read: {some}{more}. {advice}"
        )


def common_size(path: Path, headers: dict[str, ImageHeader]) -> tuple[int, int]:
    """The one size of all images, which must be one that a network can have.

    Raises:
        DataError: If there are several sizes or no network fits; with the command that helps.
    """
    name, first = next(iter(headers.items()))
    advice = f"Run `{prepare_command(path, headers)}` to crop and resize them."
    other = next((item for item in headers.items() if item[1].size != first.size), None)
    if other:
        count = len({header.size for header in headers.values()})
        raise DataError(
            f"{path}: images have {count} sizes, such as {format_image_size(first.size)} in {name!r} and "
            f"{format_image_size(other[1].size)} in {other[0]!r}; training needs one. {advice}"
        )
    try:
        base_grid(*first.size)
    except ConfigError as error:
        raise DataError(
            f"{path}: no network fits images such as {name!r}: {error}. {advice}"
        ) from (error)
    return first.size


def prepare_command(path: Path, headers: dict[str, ImageHeader]) -> str:
    """The command that makes images of one size, near the one that most of them have."""
    sides = sorted(min(header.size) for header in headers.values())
    middle = max(8, min(1024, sides[len(sides) // 2]))
    return f"stylesmith data prepare {path} out.zip --resolution {1 << (middle.bit_length() - 1)}"


def format_image_size(size: tuple[int, int]) -> str:
    """Height and width as people write them: `512x384` is 512 wide."""
    return f"{size[1]}x{size[0]}"
