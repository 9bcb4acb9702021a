"""A page that draws in the browser: a folder for any static file server, with all it needs."""

import json
from collections.abc import Mapping
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import stylesmith
from stylesmith.models.deploy.runtime import RUNTIME_VERSION, WebRuntime
from stylesmith.models.deploy.staging import staging_folder
from stylesmith.models.deploy.write import ExportedFile, write_mapping_and_synthesis
from stylesmith.networks import Generator

PAGE_FILES = ("index.html", "page.js", "worker.js", "latents.js")

PAGE_LAYER_GROUPS = {"coarse": (0, 3), "middle": (4, 7), "fine": (8, 23)}
"""First and last layer of each range of StyleGAN, section 3.1: up to 8x8, 32x32, and the rest."""

RUNTIME_NOTICE = f"""ort.js and ort.wasm are ONNX Runtime Web {RUNTIME_VERSION}.

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def write_page(
    folder: Path,
    generator: Generator,
    runtime: WebRuntime,
    *,
    title: str,
    about: Mapping[str, Any] | None = None,
) -> list[ExportedFile]:
    """Write a page with controls for seed, truncation, class and mixing.

    Seeds are those of this package: the same seed is the same picture. Noise is the network's own.

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
    with staging_folder(folder) as temporary:
        written = write_mapping_and_synthesis(temporary, "onnx", generator, about=about)
        for name in PAGE_FILES:
            source = package_files("stylesmith.models.deploy").joinpath("web", name)
            (temporary / name).write_bytes(source.read_bytes())
        for name, content in runtime.items():
            (temporary / name).write_bytes(content)
        (temporary / "NOTICE.txt").write_text(RUNTIME_NOTICE, encoding="utf-8")
        described = json.dumps(describe_model(generator, title, about), indent=2)
        (temporary / "model.json").write_text(described + "\n", encoding="utf-8")
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
    config, growth = generator.config, generator.growth
    if config.num_ws == 1:
        return [{"name": "all", "first": 0, "last": 0, "note": ""}]
    top = growth.level if growth else config.levels - 1
    groups = []
    for name, (first, last) in PAGE_LAYER_GROUPS.items():
        last = min(last, 2 * top + 1)
        if first <= last:
            low, high = (max(config.size(layer // 2)) for layer in (first, last))
            note = f"{low} to {high} pixels" if low < high else f"{low} pixels"
            groups.append({"name": name, "first": first, "last": last, "note": note})
    return groups
