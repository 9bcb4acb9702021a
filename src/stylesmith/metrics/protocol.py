"""The names of metrics: what `fid50k_full` or `ppl2_wend` mean, and how many images they take."""

import re
from dataclasses import dataclass
from typing import Literal

from stylesmith.choices import ProtocolName, check_choices
from stylesmith.errors import UsageError, suggest_name

MetricFamily = Literal["fd", "kd", "is", "pr", "nearest", "copies", "ppl", "ppl_image", "ls"]

_FAMILY_DEFAULTS: dict[MetricFamily, tuple[str, str, int, int]] = {
    "fd": ("fid", "inception", 50_000, 5_000),
    "kd": ("kid", "inception", 50_000, 5_000),
    "is": ("is", "inception", 50_000, 5_000),
    "pr": ("pr", "vgg16", 50_000, 5_000),
    "nearest": ("nearest", "vgg16", 10_000, 1_000),
    "copies": ("copies", "vgg16", 1_000, 200),
    "ppl": ("ppl", "lpips", 50_000, 2_000),
    "ppl_image": ("ppl", "lpips", 2_000, 100),
    "ls": ("ls", "classifiers", 200_000, 20_000),
}
"""Published name, network, and images (or pairs) of the protocols `paper` and `small`."""

PUBLISHED_NAMES = {family: (name, net) for family, (name, net, *_) in _FAMILY_DEFAULTS.items()}
"""The published name of each family, which it has with this network alone."""

_IMAGE_FAMILIES = frozenset({"fd", "kd", "is", "pr", "nearest", "copies"})
"""Families whose metrics are of images, not of latents."""

WHOLE_DATA_FAMILIES = frozenset({"nearest", "copies"})
"""Families that always take all real images."""

DEFAULT_COUNTS: dict[ProtocolName, dict[MetricFamily, int]] = {
    "paper": {family: paper for family, (_, _, paper, _) in _FAMILY_DEFAULTS.items()},
    "small": {family: small for family, (_, _, _, small) in _FAMILY_DEFAULTS.items()},
}
"""Images, or pairs of them, where the name gives no number."""

MAX_REALS = {"kd": 1_000_000, "pr": 200_000}
"""Of the variants called full; their tables of features are kept in memory."""

DIRECTIONS_PER_IMAGE = 16
"""Second ends for each image of `ppl_image`; the paper names no number."""


@dataclass(frozen=True)
class Metric:
    """One measurement, as its name defines it."""

    family: MetricFamily
    network: str
    """Extractor or distance."""
    count: int
    """Samples or pairs."""
    max_reals: int | None = None
    """Maximum number of real images; None is all."""
    all_reals: bool = False
    """Whether `reals` is as many as there are, where it could be as many as samples."""
    k: int = 3
    """The ball around an image reaches to its k-th nearest neighbor (pr)."""
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
        stem, network = PUBLISHED_NAMES[self.family]
        parts = []
        if self.network != network:
            stem = {"fid": "fd", "kid": "kd", "ppl": "pl"}.get(stem, stem)
            parts.append(self.network)
        if self.family == "ppl":
            stem += "" if self.crop_to_face else "2"
            parts.append(f"{self.space}{'full' if self.whole_path else 'end'}")
        elif self.family == "ppl_image":
            parts.append("image")
        elif self.mixed_latents > 1:
            parts.append(f"mix{self.mixed_latents}")
        return "_".join([stem, *parts])

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
    *("pr", "pr50k3", "pr50k3_full", "nearest", "nearest10k", "copies", "ls", "ppl_image"),
    *(f"{ppl}_{where}" for ppl in ("ppl", "ppl2") for where in ("zfull", "wfull", "zend", "wend")),
    *(
        "fid_mix2",
        "fd_random",
        "kd_random",
        "pr_random",
        "nearest_random",
        "copies_random",
        "pl2_random_wend",
    ),
]
"""Names that are offered when one is misspelled."""

_COUNT_PATTERN = r"(?:_?(?P<count>\d+)(?P<thousands>k?))?"
_NETWORK_PATTERN = r"(?:_(?P<network>(?!full|image|mix|[zw](?:full|end))[a-z]\w*?))?"
_MIXING_PATTERN = r"(?:_mix(?P<latents>[2-9]))?"
_NAME_PATTERNS = [
    re.compile(pattern)
    for pattern in (
        rf"(?P<stem>fid|kid|fd|kd|is|nearest|copies){_NETWORK_PATTERN}{_MIXING_PATTERN}{_COUNT_PATTERN}"
        r"(?P<full>_full)?",
        rf"(?P<stem>pr){_NETWORK_PATTERN}{_MIXING_PATTERN}"
        r"(?:_?(?P<count>\d+)(?P<thousands>k|(?=_))_?(?P<k>\d+))?(?P<full>_full)?",
        rf"(?P<stem>ppl|pl)(?P<whole_image>2?){_NETWORK_PATTERN}"
        rf"_(?P<space>[zw])(?P<place>full|end){_COUNT_PATTERN}",
        rf"(?P<stem>ppl|pl){_NETWORK_PATTERN}_(?P<image>image){_COUNT_PATTERN}",
        rf"(?P<stem>ls){_COUNT_PATTERN}",
    )
]

_FAMILY_OF_STEM: dict[str, MetricFamily] = {
    **{"fid": "fd", "fd": "fd", "kid": "kd", "kd": "kd", "is": "is", "pr": "pr"},
    **{"nearest": "nearest", "copies": "copies", "ppl": "ppl", "pl": "ppl", "ls": "ls"},
}


@check_choices
def parse_metrics(
    text: str, *, extractor: str | None = None, protocol: ProtocolName = "paper"
) -> list[Metric]:
    """Metrics from their names, separated by commas; each once.

    Args:
        text: Such as `fid50k,pr50k3,ppl_wend`.
        extractor: The network for those whose name has none; they are then no longer called by
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


@check_choices
def parse_metric(
    name: str, *, extractor: str | None = None, protocol: ProtocolName = "paper"
) -> Metric:
    """One metric from its name; see `parse_metrics`."""
    for pattern in _NAME_PATTERNS:
        if match := pattern.fullmatch(name):
            metric = _metric_of_name(match.groupdict(), extractor, DEFAULT_COUNTS[protocol])
            if metric.count < 2 or metric.k < 1:
                raise UsageError(f"--metrics {name}: wanted 2 images or more, neighbors from 1 on")
            return metric
    near = suggest_name(name, KNOWN_METRIC_NAMES, cutoff=0.4)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(KNOWN_METRIC_NAMES)}."
    raise UsageError(f"--metrics {name}: there is no such metric; {hint}")


def _metric_of_name(
    found: dict[str, str | None], extractor: str | None, counts: dict[MetricFamily, int]
) -> Metric:
    """The metric of the parts of its name; parts that its form does not have are missing."""
    family = "ppl_image" if found.get("image") else _FAMILY_OF_STEM[found["stem"] or ""]
    network = found.get("network")
    # A path length takes no other extractor than `random`: it needs no more weights than that.
    if not network and family != "ls" and (family in _IMAGE_FAMILIES or extractor == "random"):
        network = extractor
    count, full = counts[family], bool(found.get("full"))
    if found["count"]:
        count = int(found["count"]) * (1000 if found["thousands"] else 1)
    max_reals = MAX_REALS.get(family) if full or family in WHOLE_DATA_FAMILIES else count
    return Metric(
        family,
        network or PUBLISHED_NAMES[family][1],
        count,
        max_reals=max_reals if family in _IMAGE_FAMILIES else None,
        all_reals=full,
        k=int(found.get("k") or 3),
        space="z" if found.get("space") == "z" else "w",
        whole_path=found.get("place") == "full",
        crop_to_face=found.get("whole_image") == "",
        mixed_latents=int(found.get("latents") or 1),
    )
