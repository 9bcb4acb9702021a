"""Published weight files: the list of them, download, checksum, and strict loading."""

import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stylesmith import files
from stylesmith.callbacks import ProgressCallback
from stylesmith.errors import ModelError, OutputError, RunError, UsageError

WEIGHTS_VARIABLE = "STYLESMITH_WEIGHTS"
"""Environment variable that names another folder, such as one that a group shares."""

PARTIAL_SUFFIX = ".part"
"""What a download that is not complete has at the end of its name."""


@dataclass(frozen=True)
class WeightFile:
    """A file that others published, unchanged."""

    name: str
    file_name: str
    url: str
    sha256: str
    size: int
    """Bytes."""
    used_for: str
    license: str


@dataclass(frozen=True)
class LocatedWeights:
    """A file on this machine, and what it really holds."""

    path: Path
    sha256: str


WEIGHT_FILES: dict[str, WeightFile] = {
    file.name: file
    for file in (
        WeightFile(
            name="inception",
            file_name="pt_inception-2015-12-05-6726825d.pth",
            url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
            "pt_inception-2015-12-05-6726825d.pth",
            sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            size=95_628_359,
            used_for="FID, KID, Inception Score",
            license="Apache-2.0 (TensorFlow's Inception, converted by pytorch-fid)",
        ),
        WeightFile(
            name="vgg16",
            file_name="vgg16-397923af.pth",
            url="https://download.pytorch.org/models/vgg16-397923af.pth",
            sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            size=553_433_881,
            used_for="precision and recall; trunk of LPIPS",
            license="BSD-3-Clause (torchvision), trained on ImageNet",
        ),
        WeightFile(
            name="lpips",
            file_name="lpips-v0.1-vgg.pth",
            url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/"
            "lpips/weights/v0.1/vgg.pth",
            sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
            size=7_289,
            used_for="path length, projection (with vgg16)",
            license="BSD-2-Clause (LPIPS)",
        ),
    )
}
"""By the names that `stylesmith weights` uses."""


def find_weight_file(name: str) -> WeightFile:
    """The public file of that name.

    Raises:
        UsageError: If there is none.
    """
    if name not in WEIGHT_FILES:
        raise UsageError(f"{name!r}: no such weights. There are: {', '.join(WEIGHT_FILES)}.")
    return WEIGHT_FILES[name]


def default_weights_folder() -> Path:
    """Where weights lie: `STYLESMITH_WEIGHTS`, or the user's cache folder."""
    if chosen := os.environ.get(WEIGHTS_VARIABLE):
        return Path(chosen).expanduser()
    return files.cache_folder() / "weights"


def locate_weights(
    names: Sequence[str], folder: Path | None = None, *, purpose: str
) -> list[LocatedWeights]:
    """Weight files that something needs; a note tells if one is not the published file.

    Raises:
        ModelError: If any is missing: which, where, how to get it, and what works without.
    """
    folder = folder or default_weights_folder()
    wanted = [find_weight_file(name) for name in names]
    missing = [file for file in wanted if not (folder / file.file_name).is_file()]
    if missing:
        raise _missing_weights_error(missing, folder, purpose)
    return [_hash_weights(folder / file.file_name, file) for file in wanted]


def _missing_weights_error(wanted: Sequence[WeightFile], folder: Path, purpose: str) -> ModelError:
    paths = " and ".join(str(folder / file.file_name) for file in wanted)
    names = " ".join(file.name for file in wanted)
    size = format_bytes(sum(file.size for file in wanted))
    return ModelError(
        f"{paths}: not there; {purpose} needs it. Get it with `stylesmith weights fetch {names}` "
        f"({size}), or from a file that you have with `stylesmith weights add {wanted[0].name} "
        "FILE`; 'random' works without any."
    )


def _hash_weights(path: Path, file: WeightFile) -> LocatedWeights:
    try:
        found = sha256(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}).") from error
    if found != file.sha256:
        warnings.warn(
            f"{path} is not the published file (sha256 {found[:8]}, published {file.sha256[:8]}): "
            "results do not compare with published ones.",
            stacklevel=4,
        )
    return LocatedWeights(path, found)


def add_weight_file(file: WeightFile, source: Path, folder: Path, *, force: bool = False) -> Path:
    """Copy a file that the user has into the folder.

    Raises:
        ModelError: If it cannot be read, or is not the published file.
        OutputError: If it is there already, or cannot be written.
    """
    target = folder / file.file_name
    files.check_absent(target, force=force)
    check_weight_file(source, file)
    files.write_atomically(target, lambda temporary: _copy(source, temporary))
    return target


def check_weight_file(path: Path, file: WeightFile) -> None:
    """Hold a file to its published checksum.

    Raises:
        ModelError: If it is another, saying what it seems to be.
    """
    try:
        found, size = sha256(path), path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(512)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}).") from error
    if found == file.sha256:
        return
    if looks_like_html(start):
        what = "is a web page, not a weights file; perhaps a sign-in or proxy page was saved"
    elif size < file.size:
        found, wanted = format_bytes(size), format_bytes(file.size)
        what = f"is {found}, where {wanted} are wanted: perhaps incomplete"
    else:
        what = f"has sha256 {found[:16]}..., wanted {file.sha256[:16]}..."
    raise ModelError(
        f"{path}: {what}. `stylesmith weights fetch {file.name} --force` gets the "
        f"published file, {file.url}"
    )


def looks_like_html(start: bytes) -> bool:
    """Whether a file begins as HTML does."""
    return start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head"))


def sha256(path: Path) -> str:
    """Checksum of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def format_bytes(size: int) -> str:
    """Bytes in words, such as "95.6 MB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


CHUNK_BYTES = 1 << 18
TIMEOUT = 30.0
"""Seconds without an answer after which the network counts as gone."""


def fetch_weight_file(
    file: WeightFile,
    folder: Path,
    *,
    force: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Download a weight file, or the rest of it, and check it.

    What has arrived stays in `NAME.part`; the file has its name once its checksum is right. A file
    that is there already is only checked, unless `force` asks for it anew.

    Raises:
        RunError: If the network or the server fails; another call goes on where this one stopped.
        ModelError: If what arrives, or what is there, is not the published file.
        OutputError: If the folder cannot be written, or the disk is full.
    """
    target = folder / file.file_name
    if target.is_file() and not force:
        check_weight_file(target, file)
        return target
    partial = target.with_name(target.name + PARTIAL_SUFFIX)
    with _disk_errors(partial):
        folder.mkdir(parents=True, exist_ok=True)
        there = partial.stat().st_size if partial.exists() else 0
        if there != file.size:
            _download(file, partial, there, on_progress)
        _check_download(partial, file)
        partial.replace(target)
    return target


def _download(
    file: WeightFile, partial: Path, there: int, on_progress: ProgressCallback | None
) -> None:
    response = _request(file, there)
    goes_on = response.status == http.HTTPStatus.PARTIAL_CONTENT  # else it starts from the top
    with response, partial.open("ab" if goes_on else "wb") as stream:
        for chunk in _read_chunks(response, file):
            if stream.tell() == 0 and looks_like_html(chunk):
                raise _web_page_error(file)
            stream.write(chunk)
            if on_progress:
                on_progress(stream.tell(), file.size)
        arrived = stream.tell()
    if arrived < file.size:
        raise RunError(
            f"{file.url}: the connection ended after {format_bytes(arrived)} of "
            f"{format_bytes(file.size)}. Run the command again to go on from there."
        )


def _request(file: WeightFile, there: int) -> http.client.HTTPResponse:
    """Ask for what is missing; a partial file longer than the whole is begun anew."""
    request = urllib.request.Request(file.url, headers={"User-Agent": "stylesmith"})
    if 0 < there < file.size:
        request.add_header("Range", f"bytes={there}-")
    with _network_errors(file):
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    if response.headers.get_content_type() == "text/html":
        response.close()
        raise _web_page_error(file)
    return response


def _read_chunks(response: http.client.HTTPResponse, file: WeightFile) -> Iterator[bytes]:
    with _network_errors(file):
        while chunk := response.read(CHUNK_BYTES):
            yield chunk


def _check_download(partial: Path, file: WeightFile) -> None:
    """Hold the complete download to its checksum; a wrong one would spoil every later attempt."""
    try:
        check_weight_file(partial, file)
    except ModelError:
        partial.unlink()
        raise


def _web_page_error(file: WeightFile) -> ModelError:
    return ModelError(
        f"{file.url}: a web page came instead of the file; perhaps a proxy or sign-in page. "
        f"Fetch it with a browser, then `stylesmith weights add {file.name} FILE`."
    )


@contextmanager
def _network_errors(file: WeightFile) -> Iterator[None]:
    elsewhere = f"fetch it on another machine, then `stylesmith weights add {file.name} FILE`"
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise RunError(
            f"{file.url}: the server answered {error.code} ({error.reason}). "
            f"Try later, or {elsewhere}."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise RunError(
            f"{file.url}: cannot be reached ({reason}). Run the command again when there is a "
            f"network; what has arrived is kept. Or {elsewhere}."
        ) from error


@contextmanager
def _disk_errors(partial: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{partial}: cannot be written ({error.strerror or error}). Free some space, or name "
            "another folder with STYLESMITH_WEIGHTS; what has arrived is kept."
        ) from error
