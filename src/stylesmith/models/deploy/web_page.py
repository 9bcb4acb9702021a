"""A web page that generates images in the browser with onnxruntime-web.

It is a folder for any static file server.

The page needs two files of onnxruntime-web. Their checksums are those of the version named here,
whether they come from a folder that npm installed, a package that it made, or a download.
"""

import hashlib
import tarfile
import urllib.request
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import stylesmith
from stylesmith import files
from stylesmith.errors import ModelError, RunError
from stylesmith.models.deploy.export import ExportedFile, write_programs
from stylesmith.networks import Generator

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
    kept = files.cache_folder() / "web" / RUNTIME_ARCHIVE
    if package is None:
        places = [kept, Path("node_modules/onnxruntime-web")]
        package = next((place for place in places if place.exists()), None)
    if package is None and fetch:
        package = _download_runtime(kept)
    if package is None:
        raise ModelError(
            f"{kept}: not there; a page needs onnxruntime-web {RUNTIME_VERSION} (MIT). Add "
            f"--fetch-runtime to download it once ({RUNTIME_DOWNLOAD_BYTES // 1_000_000} MB), or "
            f"name the package that `npm pack onnxruntime-web@{RUNTIME_VERSION}` makes with "
            "--runtime."
        )
    return {name: _read_runtime_file(package, *part) for name, part in RUNTIME_FILES.items()}


def _read_runtime_file(package: Path, name: str, sha256: str) -> bytes:
    try:
        if package.is_dir():
            content = (package / name).read_bytes()
        else:
            with tarfile.open(package) as archive:
                member = archive.extractfile(f"package/{name}")
                if member is None:  # a folder of that name
                    raise KeyError(name)
                content = member.read()
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


def _download_runtime(target: Path) -> Path:
    """Fetch the package; its parts are held to their checksums before it has its name."""
    request = urllib.request.Request(RUNTIME_URL, headers={"User-Agent": "stylesmith"})
    try:
        with urllib.request.urlopen(request, timeout=DOWNLOAD_TIMEOUT) as response:
            content = response.read()
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise RunError(
            f"{RUNTIME_URL}: cannot be downloaded ({reason}). Try again when there is a network, "
            "or fetch it on another machine and name it with --runtime."
        ) from error

    def write(temporary: Path) -> None:
        temporary.write_bytes(content)
        for part in RUNTIME_FILES.values():
            _read_runtime_file(temporary, *part)

    files.write_atomically(target, write)
    return target


WEB_FOLDER = Path(__file__).parent / "web"
PAGE_FILES = ("index.html", "page.js", "worker.js", "latents.js", "NOTICE.txt")
"""Files of this package; the last is the license of onnxruntime-web."""


def write_page(
    folder: Path,
    generator: Generator,
    runtime: WebRuntime,
    *,
    title: str,
    about: Mapping[str, Any] | None = None,
) -> list[ExportedFile]:
    """Write a page with controls for seed, truncation, class and mixing.

    Seeds are those of this package: the same seed is the same image. Noise is the network's own.

    Args:
        folder: Where to.
        generator: On the CPU, in evaluation mode.
        runtime: What `find_runtime` gives.
        title: Of the page.
        about: Where the model comes from.

    Returns:
        The two programs in it, checked.

    Raises:
        UsageError: If a package is missing.
        RunError: If a program draws something else; then nothing is written.
        OutputError: If the page cannot be written.
    """
    about = about or {}
    with files.staging_folder(folder) as temporary:
        written = write_programs(temporary, "onnx", generator, about=about)
        page = {name: (WEB_FOLDER / name).read_bytes() for name in PAGE_FILES}
        for name, content in {**page, **runtime}.items():
            (temporary / name).write_bytes(content)
        files.write_json(temporary / "model.json", describe_model(generator, title, about))
    return written


def describe_model(generator: Generator, title: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """What the page has to know of a model."""
    config, (height, width) = generator.config, generator.image_size
    facts = [f"{width}x{height}", f"preset {about['preset']}" if "preset" in about else None]
    facts += [about.get("licence"), f"made with stylesmith {stylesmith.__version__}"]
    return {
        "title": title,
        "about": " · ".join(fact for fact in facts if fact),
        "size": [height, width],
        "z_dim": config.mapping.z_dim,
        "w_dim": config.w_dim,
        "num_ws": config.num_ws,
        "classes": config.label_size,
        "groups": layer_groups(generator),
    }


def layer_groups(generator: Generator) -> list[dict[str, Any]]:
    """Ranges of layers to mix, with their resolutions; of the levels in use."""
    config = generator.config
    if config.num_ws == 1:
        return [{"name": "all", "first": 0, "last": 0, "note": ""}]
    groups = []
    for name, layers in config.layer_groups(generator.top_level).items():
        first, last = layers[0], layers[-1]
        low, high = (max(config.size(layer // config.layers_per_level)) for layer in (first, last))
        note = f"{low} to {high} pixels" if low < high else f"{low} pixels"
        groups.append({"name": name, "first": first, "last": last, "note": note})
    return groups
