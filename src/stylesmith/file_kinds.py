"""What a file is by its content, for errors about one of another kind than was wanted."""

import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path


@dataclass(frozen=True)
class FileKind:
    """A kind of file that none of stylesmith's readers of weights takes."""

    name: str
    """A noun phrase, such as `a PNG image`."""
    advice: str = ""
    """A sentence on what to do, where it does not depend on what was wanted."""

    def instead_of(self, wanted: str) -> str:
        """What was found in place of what was wanted, and what to do."""
        return f"{self.name}, not {wanted}. {self.advice}".rstrip()


_UNPACK = "Unpack it first, and name the file that was in it."
_DATA = "Images are data: `stylesmith train` learns from them, `stylesmith project` finds their w."
_ARRAY = "stylesmith reads no weights from numpy files; import the checkpoint that they come from."
_PROGRAM = "A program for inference cannot be opened again; name the model that it was made of."

WEB_PAGE = FileKind(
    "a web page",
    "The download was refused or wants a confirmation: open the address in a browser and save the "
    "file from there.",
)
SIGNATURES: tuple[tuple[int, bytes, FileKind], ...] = (
    (0, b"version https://git-lfs", FileKind("a Git LFS pointer", "`git lfs pull` gets the file.")),
    (0, b"\x89PNG\r\n", FileKind("a PNG image", _DATA)),
    (0, b"\xff\xd8\xff", FileKind("a JPEG image", _DATA)),
    (0, b"GIF8", FileKind("a GIF image", _DATA)),
    (0, b"BM", FileKind("a BMP image", _DATA)),
    (0, b"II*\0", FileKind("a TIFF image", _DATA)),
    (0, b"MM\0*", FileKind("a TIFF image", _DATA)),
    (8, b"WEBP", FileKind("a WebP image", _DATA)),
    (4, b"ftypavif", FileKind("an AVIF image", _DATA)),
    (4, b"ftyphei", FileKind("an HEIC image", _DATA)),
    (4, b"ftyp", FileKind("a video")),
    (8, b"AVI ", FileKind("a video")),
    (0, b"\x1a\x45\xdf\xa3", FileKind("a video")),
    (0, b"%PDF", FileKind("a PDF document")),
    (0, b"\x1f\x8b", FileKind("compressed with gzip", _UNPACK)),
    (0, b"BZh", FileKind("compressed with bzip2", _UNPACK)),
    (0, b"\xfd7zXZ\0", FileKind("compressed with xz", _UNPACK)),
    (0, b"\x28\xb5\x2f\xfd", FileKind("compressed with zstandard", _UNPACK)),
    (0, b"7z\xbc\xaf\x27\x1c", FileKind("a 7z archive", _UNPACK)),
    (0, b"Rar!", FileKind("a RAR archive", _UNPACK)),
    (257, b"ustar", FileKind("a tar archive", _UNPACK)),
    (0, b"\x93NUMPY", FileKind("a numpy array", _ARRAY)),
    (0, b"\x89HDF", FileKind("an HDF5 file, as of Keras or MATLAB")),
)
"""Kinds by their bytes at an offset, the first that fits."""

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_HEAD_BYTES = 512
_MAX_NAMES = 1000
"""Names of a zip or a folder that are looked at."""


def identify_file(path: Path) -> FileKind | None:
    """The kind of a file; None for weights (safetensors, pickles, torch zips) and unknown content.

    A file that cannot be read has no kind.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            file.seek(max(0, size - 1))
            last = file.read(1)
    except OSError:
        return None
    if size == 0:
        return FileKind("an empty file", "Download or write it again.")
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:  # safetensors
        return None
    if looks_like_html(head):
        return WEB_PAGE
    for offset, signature, kind in SIGNATURES:
        if head.startswith(signature, offset):
            return kind
    if head.startswith(b"PK"):
        return _identify_zip(path)
    if head[:1] == b"\x08" and path.suffix.lower() == ".onnx":
        return FileKind("an ONNX file", _PROGRAM)
    return _identify_text(head) if last != b"." else None  # which ends a pickle in text


def looks_like_html(start: bytes) -> bool:
    """Whether a file begins as HTML does."""
    return start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head"))


def identify_folder(path: Path) -> FileKind | None:
    """A folder of images; None for any other."""
    names = (entry.name for entry in islice(path.rglob("*"), _MAX_NAMES))
    return FileKind("a folder of images", _DATA) if _mostly_images(names) else None


def web_address_problem(path: str | Path) -> str | None:
    """What to say of a path that is a web address, which as a path has lost a slash."""
    found = re.match(r"(https?|ftp|s3|gs|hf):/+", str(path))
    if not found:
        return None
    address = f"{found[1]}://{str(path)[found.end() :]}"
    return f"{address}: a web address; download the file first, and name it here."


def _identify_zip(path: Path) -> FileKind | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:_MAX_NAMES]
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return None  # damaged; its reader says so
    if any(name.endswith("/archive_format") or name == "archive_format" for name in names):
        return FileKind("a program of torch.export", _PROGRAM)
    if any(name.endswith("data.pkl") for name in names):
        return None
    if names and all(name.endswith(".npy") for name in names):
        return FileKind("a file of numpy arrays (.npz)", _ARRAY)
    return FileKind("a zip of images", _DATA) if _mostly_images(names) else None


def _mostly_images(names: Iterable[str]) -> bool:
    """Whether half of the names, of folders aside, are those of images."""
    suffixes = Counter(Path(name).suffix.lower() for name in names)
    images = sum(suffixes[suffix] for suffix in IMAGE_SUFFIXES)
    return 0 < images >= (suffixes.total() - suffixes[""]) / 2


def _identify_text(head: bytes) -> FileKind | None:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if len(head) < _HEAD_BYTES or error.start < len(head) - 3:  # not cut within a letter
            return None
        text = head[: error.start].decode()
    if not all(letter.isprintable() or letter.isspace() for letter in text):
        return None
    return FileKind("a JSON file" if text.lstrip()[:1] in ("{", "[") else "a text file")
