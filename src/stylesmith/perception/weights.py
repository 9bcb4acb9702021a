"""Published weight files: the list of them, download, checksum, and strict loading."""

import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stylesmith import files
from stylesmith.callbacks import ProgressCallback
from stylesmith.errors import ModelError, OutputError, RunError, UsageError
from stylesmith.file_kinds import WEB_PAGE, identify_file, looks_like_html
from stylesmith.formatting import format_bytes, format_command

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
        return files.user_path(chosen)
    return files.cache_folder() / "weights"


def locate_weights(
    names: Sequence[str], folder: Path | None = None, *, purpose: str
) -> list[LocatedWeights]:
    """Weight files that something needs; a warning if one is not the published file.

    Raises:
        ModelError: If any is missing: which, where, how to get it, and what works without.
    """
    folder = folder or default_weights_folder()
    wanted = [find_weight_file(name) for name in names]
    paths = [folder / file.file_name for file in wanted]
    missing = [file for file, path in zip(wanted, paths, strict=True) if not path.is_file()]
    if missing:
        raise _missing_weights_error(missing, folder, purpose)
    located = [LocatedWeights(path, sha256(path)) for path in paths]
    for file, found in zip(wanted, located, strict=True):
        if found.sha256 != file.sha256:
            warnings.warn(
                f"{found.path} is not the published file (sha256 {found.sha256[:8]}, published "
                f"{file.sha256[:8]}): results do not compare with published ones.",
                stacklevel=3,
            )
    return located


def _missing_weights_error(wanted: Sequence[WeightFile], folder: Path, purpose: str) -> ModelError:
    paths = " and ".join(str(folder / file.file_name) for file in wanted)
    fetch = format_command("weights", "fetch", *(file.name for file in wanted))
    add = format_command("weights", "add", wanted[0].name, "FILE")
    size = format_bytes(sum(file.size for file in wanted))
    return ModelError(
        f"{paths}: not there; {purpose} needs it. Get it with `{fetch}` "
        f"({size}), or from a file that you have with `{add}`; 'random' works without any."
    )


def add_weight_file(file: WeightFile, source: Path, folder: Path, *, force: bool = False) -> Path:
    """Copy a file that the user has into the folder.

    Raises:
        ModelError: If it cannot be read, or is not the published file.
        OutputError: If it is there already, or cannot be written.
    """
    target = folder / file.file_name
    files.check_absent(target, force=force)
    check_weight_file(source, file)
    files.write_atomically(target, lambda temporary: shutil.copyfile(source, temporary))
    return target


def check_weight_file(path: Path, file: WeightFile) -> None:
    """Hold a file to its published checksum.

    Raises:
        ModelError: If it is another, saying what it seems to be.
    """
    found = sha256(path)
    if found == file.sha256:
        return
    size = path.stat().st_size
    if kind := identify_file(path):
        what = f"is {kind.name}, not a weights file"
        what += "; perhaps a sign-in or proxy page was saved" if kind is WEB_PAGE else ""
    elif size < file.size:
        found, wanted = format_bytes(size), format_bytes(file.size)
        what = f"is {found}, where {wanted} are wanted: perhaps incomplete"
    else:
        what = f"has sha256 {found[:16]}..., wanted {file.sha256[:16]}..."
    fetch = format_command("weights", "fetch", file.name, "--force")
    raise ModelError(f"{path}: {what}. `{fetch}` gets the published file, {file.url}")


def sha256(path: Path) -> str:
    """Checksum of a file, in hexadecimal digits.

    Raises:
        ModelError: If it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}).") from error


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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = partial.stat().st_size if partial.exists() else 0
        if there != file.size:
            _download(file, partial, there, on_progress)
        try:
            check_weight_file(partial, file)
        except ModelError:
            partial.unlink()  # it would spoil every later attempt
            raise
        partial.replace(target)
    except OSError as error:
        raise OutputError(
            f"{partial}: cannot be written ({error.strerror or error}). Free some space, or name "
            "another folder with STYLESMITH_WEIGHTS; what has arrived is kept."
        ) from error
    return target


def _download(
    file: WeightFile, partial: Path, there: int, on_progress: ProgressCallback | None
) -> None:
    arrived = there
    for start, chunk in _receive(file, there):
        with partial.open("ab") as stream:
            stream.truncate(start)  # 0 where the server sends the whole file again
            stream.write(chunk)
        arrived = start + len(chunk)
        if on_progress:
            on_progress(arrived, file.size)
    if arrived < file.size:
        raise RunError(
            f"{file.url}: the connection ended after {format_bytes(arrived)} of "
            f"{format_bytes(file.size)}. Run the command again to go on from there."
        )


def _receive(file: WeightFile, there: int) -> Iterator[tuple[int, bytes]]:
    """What is missing of a file, in chunks with the byte that each starts at.

    A partial file that is longer than the whole is begun anew.
    """
    request = urllib.request.Request(file.url, headers={"User-Agent": "stylesmith"})
    if 0 < there < file.size:
        request.add_header("Range", f"bytes={there}-")
    add = format_command("weights", "add", file.name, "FILE")
    elsewhere = f"fetch it on another machine, then `{add}`"
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            is_html = response.headers.get_content_type() == "text/html"
            start = there if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
            while chunk := response.read(CHUNK_BYTES):
                if is_html or (start == 0 and looks_like_html(chunk)):
                    raise ModelError(
                        f"{file.url}: a web page came instead of the file; perhaps a proxy or "
                        f"sign-in page. Fetch it with a browser, then `{add}`."
                    )
                yield start, chunk
                start += len(chunk)
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
