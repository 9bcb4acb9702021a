"""Parser and checker of docs/paper-map.md, and readers of the values that it states."""

import ast
import inspect
import math
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
import torch

from stylesmith.config import DataConfig, RunConfig
from stylesmith.config.training import at_level
from stylesmith.inversion.projection_variables import normalize_noise
from stylesmith.metrics.classifiers import TRAINING_IMAGES, classifier_config
from stylesmith.metrics.protocol import parse_metric
from stylesmith.networks import Generator, build_discriminator, build_generator
from stylesmith.networks.build import parameter_count
from stylesmith.networks.layer_indices import format_layers
from stylesmith.networks.layers import EqualizedLinear, StyledConv2d
from stylesmith.networks.stylegan import AdaINLayer
from stylesmith.ops import instance_norm
from stylesmith.presets import find_preset
from stylesmith.training.losses import wgan_penalty
from stylesmith.training.train_state import TrainState, lazy_adam

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/paper-map.md"
LINK = re.compile(r"\[([^\]]+)\]\(([^)#]+)#?([^)]*)\)")
IMPLEMENTATION = re.compile(rf"  - {LINK.pattern}(?:: (`[\w.]+`(?:, `[\w.]+`)*))?")


@dataclass
class Entry:
    paper: str
    group: str
    name: str
    text: str
    values: list[str] = field(default_factory=list)
    implementations: list[tuple[str, str, list[str]]] = field(default_factory=list)
    """Path and address of a file, and the names that the page gives in it."""


def parse(text: str) -> list[Entry]:
    """The entries of the page; a ValueError if a line has none of the forms that it explains."""
    entries: list[Entry] = []
    paper = group = ""
    for line in re.sub(r"\n +(?! |- )", " ", text[text.index("\n## ") :]).splitlines():
        if line.startswith("## "):
            paper = line[3:]
        elif line.startswith("### "):
            group = line[4:]
        elif match := re.fullmatch(r"- \*\*(.+?)\*\*: ((?:(?!` = |\.py\)).)+)", line):
            entries.append(Entry(paper, group, *match.groups()))
        elif match := IMPLEMENTATION.fullmatch(line):
            names = re.findall(r"`(.+?)`", match[4] or "")
            entries[-1].implementations.append((match[1], match[2], names))
            entries[-1].text += f" [{match[1]}]({match[2]}#{match[3]})"
        elif re.fullmatch(r"  - [^\[].* = .+", line):
            entries[-1].values.append(line[4:])
        elif line:
            raise ValueError(f"cannot be read: {line}")
    return entries


def problems(text: str) -> list[str]:
    """Links that lead nowhere, and stated values that the code does not have."""
    introduction = text[: text.index("\n## ")]
    found = [f"introduction: {problem}" for problem in link_problems(introduction)]
    for entry in parse(text):
        checks = [link_problems(entry.text)]
        checks += [implementation_problems(*each) for each in entry.implementations]
        checks += [value_problems(line) for line in entry.values]
        found += [f"{entry.paper}, {entry.name}: {line}" for check in checks for line in check]
    return found


def link_problems(text: str) -> Iterator[str]:
    for _, address, anchor in LINK.findall(text):
        path = PAGE.parent / address
        if not path.is_file():
            yield f"{address}: there is no such file"
        elif anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
            if anchor not in {heading.lower().replace(" ", "-") for heading in headings}:
                yield f"{address}: there is no heading {anchor}"


def implementation_problems(shown: str, address: str, names: Sequence[str]) -> Iterator[str]:
    path = (PAGE.parent / address).resolve()
    if path not in (ROOT / "src/stylesmith" / shown, ROOT / shown):
        yield f"{shown}: leads to {address}"
    if path.suffix == ".py" and not names:
        yield f"{shown}: names nothing in the file"
    for name in names:
        if path.is_file() and name not in definitions(path):
            yield f"{shown}: does not define {name}"


@cache
def definitions(path: Path) -> set[str]:
    """What a Python file itself defines, such as `name` and `Class.member`; no imports."""

    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [(f"{node.name}.", node) for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        prefix + getattr(target, "name", getattr(target, "id", ""))
        for prefix, parent in [("", tree), *classes]
        for node in parent.body
        for target in getattr(node, "targets", [getattr(node, "target", node)])
    }


def value_problems(line: str) -> Iterator[str]:
    name, _, stated = line.rpartition(" = ")
    readers = [(re.fullmatch(pattern, name), reader) for pattern, reader in READERS.items()]
    match, reader = next((pair for pair in readers if pair[0]), (None, None))
    if not match:
        yield f"{name} is none of the phrases in tests/paper_map.py"
        return
    try:
        found = reader(*match.groups())
    except Exception as error:
        yield f"{name} cannot be read: {error}"
        return
    wanted = value(stated)
    if isinstance(wanted, float | list | dict):
        wanted = pytest.approx(wanted, rel=1e-9, abs=0)
    if found != wanted:
        yield f"{name} is {found!r}, stated is {stated}"


def value(text: str) -> object:
    """What a stated value means: numbers as floats, sequences as lists, `4: 1, 8: 2` as a dict."""
    items = text.split(", ")
    if ": " in text:
        return {int(key): value(item) for key, item in (item.split(": ") for item in items)}
    if len(items) > 1:
        return [value(item) for item in items]
    try:
        return float(re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))
    except ValueError:
        return {"yes": True, "no": False, "none": None}.get(text, text)


def presets_of(pattern: str) -> list[str]:
    """`stylegan-{a,b}` as a shell expands it."""
    start, _, rows = pattern.rstrip("}").partition("{")
    return [start + row for row in rows.split(",")]


@cache
def config_of(preset: str) -> RunConfig:
    """Its configuration, at the size of its paper."""
    found = find_preset(preset)
    size = found.data_set.size if found.data_set else found.example_size
    return found.build(DataConfig(size=size), torch.device("cpu"))


@cache
def networks(preset: str) -> dict[str, torch.nn.Module]:
    """Both of them, without memory for their parameters."""
    with torch.device("meta"):
        generator = build_generator(config_of(preset).generator)
        discriminator = build_discriminator(config_of(preset).discriminator)
    return {"generator": generator, "discriminator": discriminator}


@cache
def small_generator(kind: str) -> Generator:
    """A fresh generator of three narrow levels."""
    config = config_of({"AdaIN": "stylegan-f", "modulated": "stylegan2-f"}[kind]).generator
    mapping = config.mapping.model_copy(update={"layers": 1, "z_dim": 32, "w_dim": 32})
    update = {"levels": 3, "channel_base": 1024, "max_channels": 128, "mapping": mapping}
    return build_generator(config.model_copy(update=update))


def setting(presets: str, path: str) -> object:
    """A setting of presets, once where they have it alike."""
    values: list = [config_of(preset) for preset in presets_of(presets)]
    for part in path.split("."):
        values = [v[int(part)] if isinstance(v, dict) else getattr(v, part) for v in values]
    return values[0] if all(found == values[0] for found in values) else values


def styled_layers(preset: str) -> int:
    """Convolutions with demodulation, and the last toRGB: the affine maps that the paper counts."""
    modules = networks(preset)["generator"].modules()
    return sum(isinstance(module, StyledConv2d) for module in modules) + 1


def left_out(preset: str) -> list[str] | None:
    """Layers of a kind that the paper does without."""
    modules = [module for network in networks(preset).values() for module in network.modules()]
    kinds = {type(module).__name__ for module in modules}
    return [k for k in kinds if re.search("BatchNorm|SpectralNorm|Attention|Dropout", k)] or None


def adam(preset: str, quantity: str, network: str) -> object:
    """What the optimizer of a network is built with."""
    training, level = config_of(preset).training, config_of(preset).generator.levels - 1
    interval, rates = training.r1_interval, training.discriminator_lr
    if network == "generator":
        interval, rates = training.path_interval, training.generator_lr
    lr = at_level(rates, level, 8)
    optimizer = lazy_adam(torch.nn.Linear(1, 1), training, lr=lr, interval=interval)
    key = {"learning rate": "lr", "decays": "betas", "epsilon": "eps"}[quantity]
    return optimizer.param_groups[0][key]


PARAMETERS = {
    "constant": "const",
    "kernels": "source.weight",
    "weights": "synthesis.*weight",
    "affine weights": "affine.weight",
    "biases": "bias$",
    "biases of layers": r"synthesis(?!.*affine).*bias$",
    "biases of styles": "affine.bias",
    "noise scales": "noise_strength",
}
"""What the page calls parameters, as regular expressions of their names."""


def fresh(kind: str, names: str) -> list[torch.Tensor]:
    named = small_generator(kind).named_parameters()
    return [p.detach().flatten() for n, p in named if re.search(PARAMETERS[names], n)]


def first_values(kind: str, names: str) -> object:
    values = sorted(set(torch.cat(fresh(kind, names)).tolist()))
    return values[0] if len(values) == 1 else values


def zero_style_normalizes() -> bool:
    """Whether AdaIN by a fresh affine map of w = 0 has scale 1 and shift 0."""
    layer, x = AdaINLayer(torch.nn.Identity(), 2, 4, noise=False), torch.randn(1, 2, 4, 4)
    return torch.equal(layer.normalize(x, torch.zeros(1, 4)), instance_norm(x))


def wanted_norm() -> float:
    """By WGAN-GP: the root of its penalty where scores never change."""
    images = torch.zeros(1, 1, 2, 2, requires_grad=True)
    return wgan_penalty((images * 0).sum(dim=(1, 2, 3)), [images]).sqrt().item()


def first_path_mean() -> float:
    config = find_preset("tiny").build(DataConfig(size=(16, 16)), torch.device("cpu"))
    return float(TrainState.create(config, torch.device("cpu")).quantities["path_mean"])


def path_weight(resolution: str) -> float:
    """The paper sums squared gradients over 2 log2(r) - 2 layers; ours averages over them and
    scales directions by 1 / r. That takes the paper's weight times r^2 times the layers."""
    r = int(resolution)
    return math.log(2) / (r**2 * (math.log(r) - math.log(2))) * r**2 * (2 * math.log2(r) - 2)


def renormalized_moments() -> tuple[float, float]:
    noise = normalize_noise(3 + 2 * torch.randn(1, 1, 16, 16))
    return round(abs(noise.mean().item()), 5), round(noise.var(correction=0).item(), 5)


NETWORK = "(generator|discriminator)"
READERS: dict[str, Callable[..., object]] = {
    r"`(stylegan[\w{},-]+)`: `([\w.]+)`": setting,
    r"`(\w+)`: `(\w+)`": lambda name, attribute: getattr(parse_metric(name), attribute),
    r"`(stylesmith\.[\w.]+)`": pkgutil.resolve_name,
    r"`(stylesmith\.[\w.]+)\((\w+)\)`": lambda function, parameter: (
        inspect.signature(pkgutil.resolve_name(function)).parameters[parameter].default
    ),
    rf"(\S+): parameters of the {NETWORK}": lambda preset, n: parameter_count(networks(preset)[n]),
    rf"(\S+): feature maps of the {NETWORK}": lambda preset, network: [
        getattr(config_of(preset), network).channels(level)
        for level in range(getattr(config_of(preset), network).levels)
    ],
    r"(\S+): noise inputs": lambda preset: len(config_of(preset).generator.noise_shapes),
    r"(\S+): styled layers": styled_layers,
    r"(\S+): layers of these kinds": left_out,
    r"(\S+): kimg until 1024x1024": lambda preset: config_of(preset).training.growth.grown_kimg(
        config_of(preset).generator.levels
    ),
    rf"(\S+): Adam's (learning rate|decays|epsilon) for the {NETWORK}": adam,
    r"(AdaIN|modulated) generator: standard deviation of ([\w ]+) at first": lambda *what: round(
        torch.cat(fresh(*what)).std().item(), 1
    ),
    r"(AdaIN|modulated) generator: ([\w ]+) at first": first_values,
    r"(modulated) generator: numbers in (noise scales)": lambda *what: max(map(len, fresh(*what))),
    r"AdaIN with a style of zeros only normalizes": zero_style_normalizes,
    r"run-time factor of weights for 64 inputs": lambda: EqualizedLinear(64, 1).weight_gain,
    r"gradient norm that WGAN-GP wants": wanted_norm,
    r"running mean of path lengths at first": first_path_mean,
    r"path_weight by Eq\. 5 at (\d+)x\1": path_weight,
    r"mean and variance of a noise map after a step": renormalized_moments,
    r"classifier: stddev_features": lambda: classifier_config((256, 256), 3).stddev_features,
    r"classifier: images by the paper's protocol": lambda: TRAINING_IMAGES["paper"],
    r"(coarse|middle|fine) layers at 1024x1024": lambda name: format_layers(
        config_of("stylegan-f").generator.layer_groups()[name]
    ),
}
"""What computes a stated value, by the regular expression of what the page calls it."""
