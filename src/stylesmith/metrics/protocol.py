"""The names of metrics: what `fid50k_full` or `ppl2_wend` mean, and how many images they take."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from stylesmith.errors import UsageError

Family = Literal["fd", "kd", "is", "pr", "nearest", "ppl", "ppl_image", "ls"]
Scale = Literal["paper", "small"]

PUBLISHED = {
    "fd": ("fid", "inception"),
    "kd": ("kid", "inception"),
    "is": ("is", "inception"),
    "pr": ("pr", "vgg16"),
    "nearest": ("nearest", "vgg16"),
    "ppl": ("ppl", "lpips"),
    "ppl_image": ("ppl", "lpips"),
    "ls": ("ls", "classifiers"),
}
"""The published name of each family, which it has with this network alone."""

COUNTS: dict[Scale, dict[str, int]] = {
    "paper": {
        "fd": 50_000,
        "kd": 50_000,
        "is": 50_000,
        "pr": 50_000,
        "nearest": 10_000,
        "ppl": 50_000,
        "ppl_image": 2_000,
        "ls": 200_000,
    },
    "small": {
        "fd": 5_000,
        "kd": 5_000,
        "is": 5_000,
        "pr": 5_000,
        "nearest": 1_000,
        "ppl": 2_000,
        "ppl_image": 100,
        "ls": 20_000,
    },
}
"""Images, or pairs of them, where the name gives no number."""

MOST_REALS = {"kd": 1_000_000, "pr": 200_000}
"""Of the variants called full; their tables of features are kept in memory."""

DIRECTIONS = 16
"""Second ends for each image of `ppl_image`; the paper names no number."""


@dataclass(frozen=True)
class Metric:
    """One measurement, as its name says it."""

    family: Family
    network: str
    """Extractor, or distance, that looks at the images."""
    count: int
    """Samples or pairs."""
    max_reals: int | None = None
    """Most real images; None is all."""
    all_reals: bool = False
    """Whether `reals` is as many as there are, where it could be as many as samples."""
    k: int = 3
    """Which neighbor is on the ball (pr)."""
    space: Literal["z", "w"] = "w"
    """Latent space of the paths (ppl)."""
    whole_path: bool = False
    """Places anywhere on the path, not only at its beginning (ppl)."""
    crop_to_face: bool = False
    """Compare only the part with the face (ppl)."""
    mixed_latents: int = 1
    """How many are mixed in each image, with crossovers at random (StyleGAN, Table 2)."""

    @property
    def title(self) -> str:
        """The name without numbers: `fid`, `fd_random`, `ppl2_wend`, `pr_random`."""
        published, network = PUBLISHED[self.family]
        stem = published
        if self.network != network:
            unpublished = {"fid": "fd", "kid": "kd", "ppl": "pl"}
            stem = f"{unpublished.get(published, published)}_{self.network}"
        if self.family == "ppl":
            head, _, network = stem.partition("_")
            part = f"{self.space}{'full' if self.whole_path else 'end'}"
            parts = [head if self.crop_to_face else f"{head}2", network, part]
            return "_".join(part for part in parts if part)
        mixed = f"_mix{self.mixed_latents}" if self.mixed_latents > 1 else ""
        return f"{stem}_image" if self.family == "ppl_image" else f"{stem}{mixed}"

    @property
    def name(self) -> str:
        """The exact name, which `parse_metric` reads."""
        count = f"{self.count // 1000}k" if self.count % 1000 == 0 else str(self.count)
        neighbors = ""
        if self.family == "pr":
            neighbors = f"{self.k}" if count.endswith("k") else f"_{self.k}"
        joint = "" if "_" not in self.title and self.family != "ls" else "_"
        return f"{self.title}{joint}{count}{neighbors}{'_full' if self.all_reals else ''}"


EXAMPLES = [
    *("fid", "fid50k", "fid10k", "fid50k_full", "kid", "kid50k", "kid50k_full", "is", "is50k"),
    *("pr", "pr50k3", "pr50k3_full", "nearest", "nearest10k", "ls", "ppl_image"),
    *(f"{ppl}_{where}" for ppl in ("ppl", "ppl2") for where in ("zfull", "wfull", "zend", "wend")),
    *("fid_mix2", "fd_random", "kd_random", "pr_random", "nearest_random", "pl2_random_wend"),
]
"""Names that are offered when one is misspelled."""

_NUMBER = r"(?:_?(?P<count>\d+)(?P<thousands>k?))?"
_NETWORK = r"(?:_(?P<network>(?!full|image|mix|[zw](?:full|end))[a-z]\w*?))?"
_MIXED = r"(?:_mix(?P<latents>[2-9]))?"
_SET = re.compile(rf"(?P<stem>fid|kid|fd|kd|is|nearest){_NETWORK}{_MIXED}{_NUMBER}(?P<full>_full)?")
_NEIGHBORS = re.compile(
    rf"(?P<stem>pr){_NETWORK}{_MIXED}(?:_?(?P<count>\d+)(?P<thousands>k|(?=_))_?(?P<k>\d+))?"
    r"(?P<full>_full)?"
)
_PATH = re.compile(
    rf"(?P<stem>ppl|pl)(?P<whole>2?){_NETWORK}_(?P<space>[zw])(?P<where>full|end){_NUMBER}"
)
_IMAGE = re.compile(rf"(?P<stem>ppl|pl){_NETWORK}_image{_NUMBER}")
_SEPARABILITY = re.compile(rf"(?P<stem>ls){_NUMBER}")

_FAMILIES: dict[str, Family] = {
    "fid": "fd",
    "fd": "fd",
    "kid": "kd",
    "kd": "kd",
    "is": "is",
    "pr": "pr",
    "nearest": "nearest",
}


def parse_metrics(
    text: str, *, extractor: str | None = None, protocol: Scale = "paper"
) -> list[Metric]:
    """Metrics from their names, separated by commas; each once.

    Args:
        text: Such as `fid50k,pr50k3,ppl_wend`.
        extractor: The network for those whose name tells none; they are then no longer called by
            the published name. None is the published one.
        protocol: Decides counts that names leave open.

    Raises:
        UsageError: If a name is unknown; the nearest one is offered.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError(f"--metrics {text!r}: wanted names such as fid50k,pr50k3,ppl2_wend")
    metrics = [parse_metric(name, extractor=extractor, protocol=protocol) for name in names]
    return list(dict.fromkeys(metrics))


def parse_metric(name: str, *, extractor: str | None = None, protocol: Scale = "paper") -> Metric:
    """One metric from its name; see `parse_metrics`."""
    forms: list[tuple[re.Pattern[str], Callable[..., Metric]]] = [
        (_SET, _set),
        (_NEIGHBORS, _set),
        (_PATH, _path),
        (_IMAGE, _image),
        (_SEPARABILITY, _ls),
    ]
    for pattern, build in forms:
        match = pattern.fullmatch(name)
        if match:
            metric = build(match, extractor, COUNTS[protocol])
            if metric.count < 2 or metric.k < 1:
                raise UsageError(f"--metrics {name}: wanted 2 images or more, neighbors from 1 on")
            return metric
    near = difflib.get_close_matches(name, EXAMPLES, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(EXAMPLES)}."
    raise UsageError(f"--metrics {name}: there is no such metric; {hint}")


def _set(match: re.Match[str], extractor: str | None, counts: dict[str, int]) -> Metric:
    found = match.groupdict()
    family = _FAMILIES[found["stem"]]
    network = found["network"] or extractor or PUBLISHED[family][1]
    metric = Metric(
        family,
        network,
        _count(found, counts[family]),
        all_reals=bool(found["full"]),
        mixed_latents=int(found["latents"] or 1),
    )
    if metric.all_reals or family == "nearest":
        metric = replace(metric, max_reals=MOST_REALS.get(family))
    else:
        metric = replace(metric, max_reals=metric.count)
    return replace(metric, k=int(found["k"])) if found.get("k") else metric


def _path(match: re.Match[str], extractor: str | None, counts: dict[str, int]) -> Metric:
    found = match.groupdict()
    return Metric(
        "ppl",
        found["network"] or _distance(extractor),
        _count(found, counts["ppl"]),
        space="z" if found["space"] == "z" else "w",
        whole_path=found["where"] == "full",
        crop_to_face=not found["whole"],
    )


def _image(match: re.Match[str], extractor: str | None, counts: dict[str, int]) -> Metric:
    found = match.groupdict()
    network = found["network"] or _distance(extractor)
    return Metric("ppl_image", network, _count(found, counts["ppl_image"]))


def _ls(match: re.Match[str], extractor: str | None, counts: dict[str, int]) -> Metric:
    return Metric("ls", "classifiers", _count(match.groupdict(), counts["ls"]))


def _distance(extractor: str | None) -> str:
    """The distance that needs no more weights than the extractor does."""
    return extractor if extractor == "random" else "lpips"


def _count(found: dict[str, str | None], default: int) -> int:
    if not found["count"]:
        return default
    return int(found["count"]) * (1000 if found["thousands"] else 1)
