"""Write the pinned values. Run at commit d6de6e2 (version 0.1.0), and to be run there alone:

    python -m tests.compatibility.make_pins             writes all of data/
    python -m tests.compatibility.make_pins --machine   adds hashes for another kind of machine

A test of compatibility that fails has found that a format moved, or that old files or seeds give
other results: that is to be mended in the code. Pins are never made anew to let a test pass.
"""

import gzip
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file

from tests.compatibility import access, observe
from tests.compatibility.compare import DATA, digest, machine, pinned, to_pixels
from tests.support import make_photos

CONNECTIONS = ("grow", "orig", "skip", "resid", "multiscale")
PYRAMID = {"levels": 3, "max_channels": 8}
MAPPING = {"z_dim": 8, "w_dim": 8, "layers": 2}
TRADITIONAL = {"kind": "traditional", "connection": "grow", "constant_input": False}
ADAIN = {"kind": "adain", "connection": "grow"}
EMBEDDED = {"label_size": 3, "mapping": {**MAPPING, "label_mode": "embed"}}
GENERATORS: dict[str, dict[str, Any]] = {
    "traditional": TRADITIONAL,
    "traditional, no blur, no mapping": {
        **TRADITIONAL,
        "blur": False,
        "noise": False,
        "mapping": {**MAPPING, "layers": 0},
    },
    "traditional, labels": {**TRADITIONAL, "label_size": 3},
    "adain": ADAIN,
    "adain, linear input": {**ADAIN, "constant_input": False},
    "adain, no noise, no blur": {**ADAIN, "noise": False, "blur": False},
    "adain, labels": {**ADAIN, "label_size": 3},
    "adain, labels embedded": {**ADAIN, **EMBEDDED},
    "adain, labels, no mapping": {
        **ADAIN,
        "label_size": 3,
        "mapping": {**MAPPING, "layers": 0},
    },
    "adain, 12x16, gray": {**ADAIN, "base": [3, 4], "image_channels": 1},
    "modulated, no noise": {"noise": False},
    "modulated, no demodulation": {"demodulate": False},
    "modulated, labels": {"label_size": 3},
    "modulated, labels embedded": EMBEDDED,
    "modulated, 12x16, RGBA": {"base": [3, 4], "image_channels": 4},
}
for _connection in CONNECTIONS:
    GENERATORS[f"modulated, {_connection}"] = {"connection": _connection}
    GENERATORS[f"modulated, {_connection}, spectral norm"] = {
        "connection": _connection,
        "spectral_norm": True,
    }
DISCRIMINATORS: dict[str, dict[str, Any]] = {
    "no deviations": {"stddev_features": 0},
    "[1,2,1]": {"resample": "[1,2,1]"},
    "12x16, gray": {"base": [3, 4], "image_channels": 1},
}
for _connection in CONNECTIONS:
    _plain: dict[str, Any] = {"connection": _connection}
    DISCRIMINATORS[_connection] = _plain
    DISCRIMINATORS[f"{_connection}, spectral norm"] = {**_plain, "spectral_norm": True}
    DISCRIMINATORS[f"{_connection}, labels"] = {**_plain, "label_size": 3}
    DISCRIMINATORS[f"{_connection}, labels projected, box"] = {
        **_plain,
        "label_size": 3,
        "label_mode": "projection",
        "label_layers": 2,
        "resample": "box",
    }
WHOLE_PURPOSES = [
    *("generator", "generator label", "generator mixing", "generator cutoff"),
    *("discriminator", "discriminator label", "discriminator mixing", "discriminator cutoff"),
    *("path", "path label", "path mixing", "path cutoff", "path directions"),
    *("wgan", "order", "mirror"),
    *("kernel real", "kernel fake", "place"),
    *("noise on w", "first noise", "real images", "z", "label"),
    *("end", "low", "high", "figure"),
]
ROLE_PURPOSES = [
    *("z", "label", "noise", "mixed z 1", "mixed z 2", "crossover 1", "crossover 2"),
    *("other z", *(f"other z {direction}" for direction in range(16))),
]
PURPOSES = [
    *WHOLE_PURPOSES,
    *(f"{role} {purpose}" for role in ("fake", "real") for purpose in ROLE_PURPOSES),
]
"""Every purpose in the source at d6de6e2; those of a number have two of it."""
RUNS: dict[str, list[str]] = {
    "tiny": [*observe.TINY, "--kimg", "0.064"],
    "adain": ["--preset", "stylegan-f", "--conditional", "--mirror", *observe.GROWN],
    "traditional": ["--preset", "stylegan-a", *observe.GROWN],
}
STOPPED_AT = {"tiny": 40, "adain": 28, "traditional": 28}
"""Images that the stored runs have seen; the second level of the latter two was fading in."""


def main() -> None:
    """Write all pins, or only the hashes of this machine."""
    torch.set_num_threads(1)
    if sys.argv[1:] != ["--machine"]:
        shutil.rmtree(DATA, ignore_errors=True)
        DATA.mkdir()
        write("exact", {})
        make_files()
        make_tables()
    with tempfile.TemporaryDirectory() as folder:
        make_results(Path(folder))


def make_tables() -> None:
    """Pins that are the same on every machine."""
    source = "\n".join(p.read_text() for p in sorted(access.SOURCE.rglob("*.py")))
    literals = [p for p in PURPOSES if re.search(f'"{re.escape(p)}"', source)]
    write("random_numbers", observe.random_numbers(PURPOSES) | {"literals": literals})
    write("commands", observe.command_tree(access.commands()))
    with tempfile.TemporaryDirectory() as folder:
        listing = access.run_command("figure", "--list", cache=Path(folder))
        names = access.preset_names()
        presets = {name: observe.preset_json(name, Path(folder)) for name in names}
    write("figures", re.findall(r"^ (stylegan2?-\d+)", listing, re.MULTILINE))
    write("presets", presets, compressed=True)
    write("default_config", access.default_config())
    write("networks", networks(presets), compressed=True)
    write("perception", observe.perception_layouts(), compressed=True)
    write(
        "random_features",
        {
            "hashes": access.random_network_hashes(),
            "features": access.random_features(observe.fixed_pixels())[0, ::8].tolist(),
        },
    )
    write("python", {n: observe.parameters(s) for n, s in access.python_interface().items()})
    write("avatars", access.hash_of("avatars"))


def networks(presets: dict[str, Any]) -> list[dict[str, Any]]:
    """Every network of a preset once, and small ones of every kind with what they make."""
    found: dict[str, dict[str, Any]] = {}
    for name, preset in presets.items():
        for part in ("generator", "discriminator"):
            key = json.dumps([part, preset[part]], sort_keys=True)
            entry = {"title": f"{part} of {name}", "part": part, "config": preset[part]}
            found.setdefault(key, entry)
    small = [("generator", title, {"mapping": MAPPING, **c}) for title, c in GENERATORS.items()]
    small += [("discriminator", title, c) for title, c in DISCRIMINATORS.items()]
    entries = list(found.values())
    for part, title, config in small:
        whole = access.whole_config(part, {**PYRAMID, **config})
        entries.append({"title": f"small {part}: {title}", "part": part, "config": whole})
    classifier = access.classifier_network(256, 3, 512)
    entries.append({"title": "classifier", "part": "discriminator", "config": classifier})
    for entry in entries:
        entry["tensors"] = observe.network_layout(entry["part"], entry["config"])
        if entry["title"].startswith("small"):
            _, output = observe.network_output(entry["part"], entry["config"])
            entry["output"] = observe.some_values(output)
    return entries


def make_files() -> None:
    """Data, runs that were stopped on the way, a latent file and a direction."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = make_photos(folder / "photos", size=16)
        prepare = ["data", "prepare", photos, observe.PHOTOS, "--resolution", "16"]
        access.run_command(*prepare, cache=folder)
        for run, options in RUNS.items():
            train(run, options, folder)
        tiny = observe.run_path("tiny")
        latents = ["--seeds", "5", "--psi", "0.8", "--noise", "random", "--latents"]
        access.run_command("generate", tiny, *latents, "--out", folder / "latents", cache=folder)
        shutil.copy(folder / "latents" / "seed0005.safetensors", observe.LATENT)
        find = ["--find", "weights", "--layers", "0-3", "--count", "1"]
        access.run_command("edit", tiny, *find, "--out", folder / "directions", cache=folder)
        shutil.copy(folder / "directions" / "weights-0-3-01.safetensors", observe.DIRECTION)


def train(name: str, options: list[Any], folder: Path) -> None:
    """Train a run with a checkpoint at every step, and keep it as it was on the way."""
    often = ["--set", "output.checkpoint_minutes=1e-9", "--set", "output.keep_checkpoints=99"]
    run, kept = folder / name, observe.run_path(name)
    words = ["train", observe.PHOTOS, *options, *often, "--device", "cpu", "--out", run]
    access.run_command(*words, cache=folder)
    checkpoint = f"{STOPPED_AT[name]:09d}.safetensors"
    (kept / "checkpoints").mkdir(parents=True)
    shutil.copy(run / "checkpoints" / checkpoint, kept / "checkpoints")
    lines = (run / "log.jsonl").read_text().splitlines()
    lines = [x for x in lines if json.loads(x)["images_seen"] <= STOPPED_AT[name]]
    (kept / "log.jsonl").write_text("".join(f"{line}\n" for line in lines))
    config = json.loads((run / "config.json").read_text())
    config["output"]["checkpoint_minutes"] = 10.0
    config["data"]["path"] = "/data/photos.zip"
    (kept / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    if name == "tiny":  # a model folder, of the end
        shutil.copytree(run / "model", kept / "model")


def make_results(folder: Path) -> None:
    """Images, ends of runs and measurements: hashes for machines of this kind; values for all."""
    everything = sys.argv[1:] != ["--machine"]
    here: dict[str, Any] = {"images": True}
    for title, images in observe.avatar_images().items():
        if everything:
            save_image(to_pixels(images), title)
        here[title] = digest({"images": images})
    for name in observe.drawings():
        found = observe.draw(name, folder)
        if everything:
            shutil.copy(found, DATA / "images")
    for entry in pinned("networks"):
        if "output" in entry:
            weights, output = observe.network_output(entry["part"], entry["config"])
            here[entry["title"]] = [weights, digest({"output": output})]
    drawn = observe.use_everything(folder / "used")
    here["results"] = observe.results(folder / "used")
    for name in RUNS if everything else ():
        tensors = observe.end_of(name, folder / "used")
        ema = {key: value for key, value in tensors.items() if key.startswith("ema.")}
        save_file(ema, DATA / "runs" / f"{name}-end.safetensors")
    if everything:
        write("drawn", drawn)
        write("formats", observe.formats(folder / "used"), compressed=True)
    write("exact", pinned("exact") | {machine(): here})


def save_image(pixels: Any, name: str) -> None:
    """Write `images/NAME.png`."""
    (DATA / "images").mkdir(exist_ok=True)
    Image.fromarray(pixels).save(DATA / "images" / f"{name}.png", optimize=True)


def write(name: str, value: Any, *, compressed: bool = False) -> None:
    """Write a file of pinned values."""
    text = json.dumps(value, indent=None if compressed else 1) + "\n"
    if compressed:
        content = gzip.compress(text.encode(), mtime=0)
        (DATA / f"{name}.json.gz").write_bytes(content)
    else:
        (DATA / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
