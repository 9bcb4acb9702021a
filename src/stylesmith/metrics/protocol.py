"""The names of metrics: what `fid50k_full` or `ppl2_wend` mean, and how many images they take."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from stylesmith.choices import ProtocolName
from stylesmith.errors import UsageError

MetricFamily = Literal["fd", "kd", "is", "pr", "nearest", "ppl", "ppl_image", "ls"]

PUBLISHED_NAMES = {
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

DEFAULT_COUNTS: dict[ProtocolName, dict[str, int]] = {
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

MAX_REALS = {"kd": 1_000_000, "pr": 200_000}
"""Of the variants called full; their tables of features are kept in memory."""

DIRECTIONS_PER_IMAGE = 16
"""Second ends for each image of `ppl_image`; the paper names no number."""


@dataclass(frozen=True)
class Metric:
    """One measurement, as its name says it."""

    family: MetricFamily
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
        published, network = PUBLISHED_NAMES[self.family]
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


KNOWN_METRIC_NAMES = [
    *("fid", "fid50k", "fid10k", "fid50k_full", "kid", "kid50k", "kid50k_full", "is", "is50k"),
    *("pr", "pr50k3", "pr50k3_full", "nearest", "nearest10k", "ls", "ppl_image"),
    *(f"{ppl}_{where}" for ppl in ("ppl", "ppl2") for where in ("zfull", "wfull", "zend", "wend")),
    *("fid_mix2", "fd_random", "kd_random", "pr_random", "nearest_random", "pl2_random_wend"),
]
"""Names that are offered when one is misspelled."""

_COUNT_PATTERN = r"(?:_?(?P<count>\d+)(?P<thousands>k?))?"
_NETWORK_PATTERN = r"(?:_(?P<network>(?!full|image|mix|[zw](?:full|end))[a-z]\w*?))?"
_MIXING_PATTERN = r"(?:_mix(?P<latents>[2-9]))?"
_IMAGE_SET_METRIC = re.compile(
    rf"(?P<stem>fid|kid|fd|kd|is|nearest){_NETWORK_PATTERN}{_MIXING_PATTERN}{_COUNT_PATTERN}(?P<full>_full)?"
)
_PRECISION_RECALL_METRIC = re.compile(
    rf"(?P<stem>pr){_NETWORK_PATTERN}{_MIXING_PATTERN}(?:_?(?P<count>\d+)(?P<thousands>k|(?=_))_?(?P<k>\d+))?"
    r"(?P<full>_full)?"
)
_PATH_LENGTH_METRIC = re.compile(
    rf"(?P<stem>ppl|pl)(?P<whole>2?){_NETWORK_PATTERN}_(?P<space>[zw])(?P<where>full|end){_COUNT_PATTERN}"
)
_PER_IMAGE_METRIC = re.compile(rf"(?P<stem>ppl|pl){_NETWORK_PATTERN}_image{_COUNT_PATTERN}")
_SEPARABILITY_METRIC = re.compile(rf"(?P<stem>ls){_COUNT_PATTERN}")

_FAMILY_OF_NAME: dict[str, MetricFamily] = {
    "fid": "fd",
    "fd": "fd",
    "kid": "kd",
    "kd": "kd",
    "is": "is",
    "pr": "pr",
    "nearest": "nearest",
}


def parse_metrics(
    text: str, *, extractor: str | None = None, protocol: ProtocolName = "paper"
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


def parse_metric(
    name: str, *, extractor: str | None = None, protocol: ProtocolName = "paper"
) -> Metric:
    """One metric from its name; see `parse_metrics`."""
    forms: list[tuple[re.Pattern[str], Callable[..., Metric]]] = [
        (_IMAGE_SET_METRIC, _image_set_metric),
        (_PRECISION_RECALL_METRIC, _image_set_metric),
        (_PATH_LENGTH_METRIC, _path_length_metric),
        (_PER_IMAGE_METRIC, _per_image_metric),
        (_SEPARABILITY_METRIC, _separability_metric),
    ]
    for pattern, build in forms:
        match = pattern.fullmatch(name)
        if match:
            metric = build(match, extractor, DEFAULT_COUNTS[protocol])
            if metric.count < 2 or metric.k < 1:
                raise UsageError(f"--metrics {name}: wanted 2 images or more, neighbors from 1 on")
            return metric
    near = difflib.get_close_matches(name, KNOWN_METRIC_NAMES, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KNOWN_METRIC_NAMES)}."
    raise UsageError(f"--metrics {name}: there is no such metric; {hint}")


def _image_set_metric(
    match: re.Match[str], extractor: str | None, counts: dict[str, int]
) -> Metric:
    found = match.groupdict()
    family = _FAMILY_OF_NAME[found["stem"]]
    network = found["network"] or extractor or PUBLISHED_NAMES[family][1]
    metric = Metric(
        family,
        network,
        _parse_count(found, counts[family]),
        all_reals=bool(found["full"]),
        mixed_latents=int(found["latents"] or 1),
    )
    if metric.all_reals or family == "nearest":
        metric = replace(metric, max_reals=MAX_REALS.get(family))
    else:
        metric = replace(metric, max_reals=metric.count)
    return replace(metric, k=int(found["k"])) if found.get("k") else metric


def _path_length_metric(
    match: re.Match[str], extractor: str | None, counts: dict[str, int]
) -> Metric:
    found = match.groupdict()
    return Metric(
        "ppl",
        found["network"] or _distance_name(extractor),
        _parse_count(found, counts["ppl"]),
        space="z" if found["space"] == "z" else "w",
        whole_path=found["where"] == "full",
        crop_to_face=not found["whole"],
    )


def _per_image_metric(
    match: re.Match[str], extractor: str | None, counts: dict[str, int]
) -> Metric:
    found = match.groupdict()
    network = found["network"] or _distance_name(extractor)
    return Metric("ppl_image", network, _parse_count(found, counts["ppl_image"]))


def _separability_metric(
    match: re.Match[str], extractor: str | None, counts: dict[str, int]
) -> Metric:
    return Metric("ls", "classifiers", _parse_count(match.groupdict(), counts["ls"]))


def _distance_name(extractor: str | None) -> str:
    """The distance that needs no more weights than the extractor does."""
    return extractor if extractor == "random" else "lpips"


def _parse_count(found: dict[str, str | None], default: int) -> int:
    if not found["count"]:
        return default
    return int(found["count"]) * (1000 if found["thousands"] else 1)
