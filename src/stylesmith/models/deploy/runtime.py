"""onnxruntime-web, which draws in browsers: copied from a package that is there, never unasked.

A page needs two files of it. Their checksums are those of the version named here, whether they come
from a folder that npm installed, a package that it made, or the download.
"""

import hashlib
import os
import tarfile
import urllib.request
import zlib
from pathlib import Path

from stylesmith import files
from stylesmith.errors import ModelError, RunError

RUNTIME_VERSION = "1.30.0"
RUNTIME_ARCHIVE = f"onnxruntime-web-{RUNTIME_VERSION}.tgz"
RUNTIME_URL = f"https://registry.npmjs.org/onnxruntime-web/-/{RUNTIME_ARCHIVE}"
RUNTIME_DOWNLOAD_BYTES = 33_106_585
DOWNLOAD_TIMEOUT = 30.0
"""Seconds without an answer after which the network counts as gone."""

RUNTIME_FILES = {
    "ort.js": (
        "dist/ort.wasm.bundle.min.mjs",
        "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    ),
    "ort.wasm": (
        "dist/ort-wasm-simd-threaded.wasm",
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    ),
}
"""Name beside the page (`.mjs` is unknown to some servers), name in the package, SHA-256."""

WebRuntime = dict[str, bytes]
"""The files, by their names beside the page."""


def find_runtime(package: Path | None = None, *, fetch: bool = False) -> WebRuntime:
    """The files of onnxruntime-web.

    Args:
        package: A folder (`node_modules/onnxruntime-web`) or a `.tgz` of `npm pack`; None is the
            download that is kept, or the folder in the current one.
        fetch: Download it if it is not there.

    Raises:
        ModelError: If there is none, or it is of another version.
        RunError: If it cannot be downloaded.
    """
    kept = runtime_cache_folder() / RUNTIME_ARCHIVE
    if package is None:
        places = [kept, Path("node_modules/onnxruntime-web")]
        package = next((place for place in places if place.exists()), None)
    if package is None and fetch:
        package = _download_runtime(kept)
    if package is None:
        raise ModelError(
            f"{kept}: not there; a page needs onnxruntime-web {RUNTIME_VERSION} (MIT). Add --fetch-runtime "
            f"to download it once ({RUNTIME_DOWNLOAD_BYTES // 1_000_000} MB), or name the package that "
            f"`npm pack onnxruntime-web@{RUNTIME_VERSION}` makes with --runtime."
        )
    return {name: _read_runtime_file(package, *part) for name, part in RUNTIME_FILES.items()}


def runtime_cache_folder() -> Path:
    """Where the download is kept: the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "stylesmith" / "web"


def _read_runtime_file(package: Path, name: str, sha256: str) -> bytes:
    try:
        content = (
            (package / name).read_bytes()
            if package.is_dir()
            else _read_archive_member(package, name)
        )
    except (OSError, KeyError, EOFError, zlib.error, tarfile.TarError) as error:
        raise ModelError(
            f"{package}: cannot be read as onnxruntime-web, a folder or .tgz of npm ({error})."
        ) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(
            f"{package}: its {name} is not that of onnxruntime-web {RUNTIME_VERSION}. "
            f"`npm pack onnxruntime-web@{RUNTIME_VERSION}` makes the one that is wanted."
        )
    return content


def _read_archive_member(package: Path, name: str) -> bytes:
    with tarfile.open(package) as archive:
        member = archive.extractfile(f"package/{name}")
        if member is None:  # a folder of that name
            raise KeyError(name)
        return member.read()


def _download_runtime(target: Path) -> Path:
    """Fetch the package; its parts are held to their checksums before it has its name."""
    request = urllib.request.Request(RUNTIME_URL, headers={"User-Agent": "stylesmith"})
    try:
        with urllib.request.urlopen(request, timeout=DOWNLOAD_TIMEOUT) as response:
            content = response.read()
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise RunError(
            f"{RUNTIME_URL}: cannot be downloaded ({reason}). Try again when there is a network, or fetch "
            "it on another machine and name it with --runtime."
        ) from error

    def write(temporary: Path) -> None:
        temporary.write_bytes(content)
        for part in RUNTIME_FILES.values():
            _read_runtime_file(temporary, *part)

    files.write_atomically(target, write)
    return target
