"""What the tests of compatibility look at, at d6de6e2 for the pins and in the present code."""

import inspect
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tests.compatibility import access
from tests.compatibility.compare import DATA, describe_file, digest, keys_of, layout, read_file

PHOTOS = DATA / "photos.zip"
"""Sixteen 16x16 pictures in two classes."""
LATENT, DIRECTION = DATA / "latent.safetensors", DATA / "direction.safetensors"
"""Of the stored run `tiny`, made by `generate --latents` and `edit --find weights`."""
SEEDS = [0, 1, 2, 100]
"""Of the images of `avatars`."""
CALIBRATION = "attribution/calibration.json"


def random_numbers(purposes: list[str]) -> dict[str, Any]:
    """The first numbers of purposes, and how keys are put together."""
    orders = [access.random_order(seed, branch, 8, "order", 5).tolist() for seed, branch in KEYS]
    return {
        "first": {purpose: access.random_number(0, 0, purpose) for purpose in purposes},
        "normal": {purpose: float(access.random_normal(0, 0, 1, purpose)) for purpose in purposes},
        "keys": [access.random_number(seed, branch, "generator", 5, 2) for seed, branch in KEYS],
        "uniform": [access.random_uniform(seed, branch, "mirror", 5) for seed, branch in KEYS],
        "order": orders,
    }


KEYS = [(0, 0), (1, 0), (0, 1), (0, -1), (7, 3)]
"""Seeds and branches."""


def network_layout(part: str, config: dict[str, Any]) -> dict[str, str]:
    """Names, types and shapes of a network's state."""
    with torch.device("meta"):
        return layout(access.build_network(part, config).state_dict())


def perception_layouts() -> dict[str, dict[str, str]]:
    """The same of the networks with published weights."""
    with torch.device("meta"):
        return {
            title: layout(build().state_dict())
            for title, build in access.perception_networks().items()
        }


@torch.no_grad()
def network_output(part: str, config: dict[str, Any]) -> tuple[str, Tensor]:
    """Hash of a network's first weights, and what it makes of fixed inputs with noise turned on."""
    network = access.build_network(part, config, seed=3)
    weights = digest(network.state_dict())
    for name, parameter in network.named_parameters():
        if name.endswith("noise_strength"):
            nn.init.constant_(parameter, 0.1)
    random = np.random.RandomState(0)
    label = torch.eye(config["label_size"])[:1] if config["label_size"] else None
    if part == "generator":
        z = torch.from_numpy(random.randn(1, config["mapping"]["z_dim"])).float()
        return weights, access.draw_images(network, z, label)
    height, width = (side << config["levels"] - 1 for side in config["base"])
    shape = (2, config["image_channels"], height, width)
    images = torch.from_numpy(random.uniform(-1, 1, shape)).float()
    labels = None if label is None else label.expand(2, -1)
    inputs: Tensor | list[Tensor] = images
    if config["connection"] == "multiscale":
        factors = [1 << level for level in reversed(range(config["levels"]))]
        inputs = [nn.functional.avg_pool2d(images, factor) for factor in factors]
    return weights, access.score_images(network, inputs, labels)


def some_values(output: Tensor) -> list[float]:
    """Up to 48 values, spread over a tensor."""
    flat = output.flatten()
    return flat[:: -(-len(flat) // 48)].tolist()


def command_tree(command: Any) -> dict[str, Any]:
    """Names, options, defaults and choices of a command and all below it."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    found: dict[str, Any] = {
        "arguments": {f"{i}": _parameter(argument) for i, argument in enumerate(arguments)},
        "options": {name: _parameter(option) for option in options for name in option.opts},
    }
    below = getattr(command, "commands", {})
    return found | {"commands": {name: command_tree(item) for name, item in below.items()}}


def _parameter(parameter: Any) -> dict[str, Any]:
    default, choices = parameter.default, access.choices(parameter)
    found = {
        "required": parameter.required,
        "nargs": parameter.nargs,
        "multiple": parameter.multiple,
        "is_flag": getattr(parameter, "is_flag", False),
        "default": default if isinstance(default, bool | int | float | None) else str(default),
        "range": [parameter.min, parameter.max],
        "off": dict.fromkeys(parameter.secondary_opts),
    }
    return found if choices is None else found | {"choices": dict.fromkeys(choices)}


def preset_json(name: str, cache: Path) -> dict[str, Any]:
    """The whole configuration of a preset, as the command line prints it."""
    return json.loads(access.run_command("presets", name, "--json", cache=cache))


TINY = [
    *("--preset", "tiny", "--set", "training.seed=1"),
    *("--set", "output.grid_kimg=0.016", "--set", "training.micro_batch=2"),
    *("--set", "training.ema_rampup=0.5"),
]
SMALL = [
    "generator.max_channels=4",
    "generator.mapping.z_dim=8",
    "generator.mapping.w_dim=8",
    "generator.mapping.layers=2",
    "discriminator.max_channels=4",
    "training.batch_size=4",
    "training.micro_batch=4",
    "training.precision=fp32",
    "training.generator_lr=0.002",
    "training.discriminator_lr=0.002",
    "training.ema_kimg=0.1",
    "training.growth.start=4",
    "training.growth.train_kimg=0.016",
    "training.growth.fade_kimg=0.016",
    "training.growth.repeats=2",
    "output.log_kimg=0.008",
    "output.grid_kimg=0.016",
    "output.grid_images=4",
    "output.snapshot_kimg=0.032",
]
"""Makes any of StyleGAN's rows small, and grow from 4x4 to 16x16 in 16 steps."""
GROWN = ["--kimg", "0.08", *(word for setting in SMALL for word in ("--set", setting))]
METRICS = (
    "fd_random_16,fd_random_mix2_16,kd_random_16,pr_random_16_3,nearest_random_16,"
    "pl2_random_wfull_8,pl_random_zend_8,pl_random_image_4"
)
WINNING = [
    *("--set", "training.generator_lr=1e-9", "--set", "training.discriminator_lr=0.02"),
    *("--set", "training.r1_gamma=0", "--set", "output.log_kimg=0.004"),
    *("--set", "training.precision=bf16"),
]
"""A discriminator that is soon right about every image, with a line of the log at every step."""
DIVERGING = ["--set", "training.generator_lr=1e35", "--set", "training.path_weight=2"]
MEASURED = ["--metrics", "fd_random_16", "--metrics-every", "0.008"]
RUNS: dict[str, tuple[str | None, list[str]]] = {
    "new": (None, [*TINY, "--kimg", "0.04"]),
    "tiny": ("tiny", ["--kimg", "0.064"]),
    "adain": ("adain", ["--kimg", "0.08", *MEASURED]),
    "traditional": ("traditional", ["--kimg", "0.08"]),
    "winning": ("tiny", ["--kimg", "0.2", *WINNING]),
    "diverged": ("adain", ["--kimg", "0.08", *DIVERGING]),
}
"""Short runs that take every path of training: the stored run that each goes on from, and options.

The one called `winning` gets a hint; `diverged` fails twice, and ends with that.
"""


def use_everything(folder: Path) -> dict[str, list[list[Any]]]:
    """Run commands that write every kind of file; returns the keys of their random numbers."""
    drawn: dict[str, list[list[Any]]] = {}
    words: list[object]
    for name, (stored_run, options) in RUNS.items():
        run = folder / name
        words = ["train", PHOTOS, *options, "--out", run]
        if stored_run:
            shutil.copytree(run_path(stored_run), run)
            words = ["train", PHOTOS, "--resume", run, *options]
        with access.drawn_keys() as keys:
            status, _, err = access.try_command(*words, "--device", "cpu", cache=folder / "cache")
        assert status == (1 if name == "diverged" else 0), err
        drawn[name] = sorted(map(list, keys))
    for title, words in _commands(folder).items():
        with access.drawn_keys() as keys:
            access.run_command(*words, cache=folder / "cache")
        drawn[title] = sorted(map(list, keys))
    access.write_classifier(folder / "others")
    access.write_projection_state(folder / "others" / "state.safetensors")
    return drawn


def _commands(folder: Path) -> dict[str, list[object]]:
    """Commands that use the runs, in order."""
    run, adain = folder / "new", folder / "adain"
    images, directions = folder / "images", folder / "directions"
    target = images / "seed0000.png"
    search = ["--steps", "2", "--distance", "pixels"]
    tune = [*search, "--tune", "--tune-steps", "2", "--out"]
    pair = ["--data", adain, "--metrics", "fd_random_16"]
    paths = ["--count", "20", "--distance", "random", "--out", folder / "paths.png"]
    attribution = ["--generated", "2", "--real", PHOTOS, "--out", folder / "attribution"]
    return {
        "data": ["data", "prepare", PHOTOS, folder / "small.zip", "--resolution", "8"],
        "generate": ["generate", run, "--seeds", "0-1", "--latents", "--out", images],
        "edit": ["edit", run, "--find", "weights", "--count", "2", "--out", directions],
        "evaluate": ["evaluate", run, "--metrics", METRICS, "--out", folder / "metrics.jsonl"],
        "evaluate pair": ["evaluate", adain, *pair],
        "project": ["project", run, target, *tune, folder / "projected"],
        "project class": ["project", adain, target, "--class", "1", *tune, folder / "by-class"],
        "attribution": ["attribution", run, *search, *attribution],
        "export": ["export", run, folder / "exported", "--format", "model"],
        "figure of paths": ["figure", "stylegan2-4", run, *paths],
        "figure of data": ["figure", "stylegan-7", run, "--out", folder / "data.png"],
    }


def formats(folder: Path) -> dict[str, Any]:
    """Keys of all that `use_everything` wrote, and names and shapes of tensors."""
    found: dict[str, Any] = {}
    for run in RUNS:
        found[f"{run}: config.json"] = keys_of(_json(folder / run / "config.json"))
        for record in read_lines(folder / run / "log.jsonl"):
            found.setdefault(f"{run}: log, {record['event']}", {}).update(keys_of(record))
        for path in (folder / run).glob("*/config.json"):
            found[f"{run}: {path.parent.name}/config.json"] = keys_of(_json(path))
        for place in ("checkpoints", "snapshots", "model", "best"):
            for path in sorted((folder / run / place).glob("*.safetensors"))[-1:]:
                found[f"{run}: {place}"] = describe_file(path)
        names = sorted(p.relative_to(folder / run).as_posix() for p in (folder / run).rglob("*"))
        found[f"{run}: files"] = dict.fromkeys(names)
    for line in read_lines(folder / "metrics.jsonl"):
        title = f"metric {line['protocol']} {line['part'] or ''}".strip()
        known = ("metric", "protocol", "samples", "reals", "network_hash", "data_hash", "seed")
        found[title] = {key: line[key] if key in known else None for key in line}
        found[title]["details"] = keys_of(line["details"])
    for place in (
        "images",
        "directions",
        "projected/seed0000",
        "projected/seed0000/tuned",
        "exported",
        "others",
    ):
        found[f"{place}: files"] = dict.fromkeys(sorted(p.name for p in (folder / place).iterdir()))
        for path in (folder / place).glob("*.safetensors"):
            found[f"{place}/{path.name}"] = describe_file(path)
        for path in (folder / place).glob("*.json"):
            found[f"{place}/{path.name}"] = keys_of(_json(path))
    found["settings of a latent"] = read_file(folder / "images/seed0000.safetensors")[1]["settings"]
    found["settings of a projection"] = _json(folder / "projected/seed0000/result.json")["made_by"]
    del found["settings of a projection"]["model"], found["settings of a projection"]["picture"]
    with zipfile.ZipFile(folder / "small.zip") as archive:
        found["data: files"] = dict.fromkeys(archive.namelist())
        found["data: dataset.json"] = json.loads(archive.read("dataset.json"))
    found["statistics: files"] = {p.name: None for p in (folder / "cache").rglob("*.safetensors")}
    for path in (folder / "cache").rglob("*.safetensors"):
        tensors, header = read_file(path)
        name = f"statistics, {header['key']['kind']}"
        found[name] = describe_file(path) | {"tensors": dict.fromkeys(tensors)}
    found[CALIBRATION] = keys_of(_json(folder / CALIBRATION))
    return found


def results(folder: Path) -> dict[str, Any]:
    """What came out of it: exact to the bit on machines of one kind, and there alone."""
    found: dict[str, Any] = {}
    for run in RUNS:
        found[f"end of {run}"] = part_digests(end_of(run, folder))
    for place in (
        "projected/seed0000/latent",
        "projected/seed0000/tuned/model",
        "images/seed0001",
        "directions/weights-all-01",
    ):
        found[place] = digest(read_file(folder / f"{place}.safetensors")[0])
    for line in read_lines(folder / "metrics.jsonl"):
        found[" ".join(filter(None, (line["protocol"], line["part"])))] = line["values"]
    found["calibration"] = _json(folder / CALIBRATION)["generated"]
    return found


def end_of(run: str, folder: Path) -> dict[str, Tensor]:
    """Tensors of the newest checkpoint of a run that `use_everything` trained."""
    (*_, newest) = sorted((folder / run / "checkpoints").iterdir())
    return read_file(newest)[0]


def part_digests(tensors: dict[str, Tensor]) -> dict[str, str]:
    """Hashes of the networks, optimizers and other parts of a checkpoint."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        parts.setdefault(name.partition(".")[0], {})[name] = tensor
    return {part: digest(of_part) for part, of_part in parts.items()}


def run_path(name: str) -> Path:
    """The folder of a stored run."""
    return DATA / "runs" / name


def drawings() -> dict[str, list[object]]:
    """Commands that draw with stored files, by the name of the image."""
    tiny = run_path("tiny")
    psi = ["--psi", "1"]
    return {
        "run-tiny": ["generate", tiny, "--seeds", "0-3", *psi],
        "run-tiny-random-noise": ["generate", tiny, "--seeds", "0-3", *psi, "--noise", "random"],
        "model-tiny": ["generate", tiny / "model", "--seeds", "0-3", "--psi-layers", "0-3"],
        "run-adain": ["generate", run_path("adain"), "--seeds", "0-3", "--class", "1", *psi],
        "run-traditional": ["generate", run_path("traditional"), "--seeds", "0-3", *psi],
        "latent": ["generate", tiny, "--seeds", f"{LATENT},4"],
        "direction": ["edit", tiny, "--seeds", f"3,{LATENT}", "--direction", DIRECTION],
        "channel": ["edit", tiny, "--seeds", "3", "--channel", "2:1"],
        "mix": ["mix", tiny, "--rows", "0-1", "--columns", f"2,{LATENT}", "--styles", "0-1"],
        "noise": ["noise", tiny, "--seeds", "0-1", "--draws", "10"],
    }


def draw(name: str, folder: Path) -> Path:
    """Run one of these commands; returns its image."""
    out = folder / f"{name}.png"
    access.run_command(*drawings()[name], "--out", out, "--device", "cpu", cache=folder)
    return out


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def avatar_images() -> dict[str, Tensor]:
    """Images of the shipped model by title, `(N, C, H, W)`."""
    return {
        f"avatars-psi{psi}-{noise}": access.sample("avatars", SEEDS, psi=psi, noise=noise)
        for psi in (0.7, 1)
        for noise in ("fixed", "none")
    }


def fixed_pixels() -> Tensor:
    """One image of noise, uint8 `(1, 3, 32, 32)`."""
    noise = np.random.RandomState(0).randint(0, 256, (1, 3, 32, 32), dtype=np.uint8)
    return torch.from_numpy(noise)


def parameters(signature: inspect.Signature) -> dict[str, Any]:
    """Names, kinds and defaults of what a function takes."""
    return {
        name: {
            "kind": str(parameter.kind),
            "default": None if parameter.default is parameter.empty else repr(parameter.default),
        }
        for name, parameter in signature.parameters.items()
        if name != "self"
    }
