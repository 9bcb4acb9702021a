"""The tables of metrics of both papers: columns, rows (presets) and published numbers."""

import difflib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from stylesmith.errors import UsageError
from stylesmith.metrics.protocol import Metric, parse_metric
from stylesmith.presets import PRESETS, Preset, find_preset
from stylesmith.presets.data_sets import FFHQ
from stylesmith.presets.published_results import PublishedValue
from stylesmith.presets.stylegan2_configs import CONNECTIONS

PathSpace = Literal["z", "w"]


@dataclass(frozen=True)
class MetricColumn:
    """One number of each row."""

    title: str
    """As the paper calls it."""
    metric: str
    """What the paper measured, by its exact name."""
    part: str | None = None
    larger_is_better: bool = False
    by_latent_space: bool = False
    """Whether it is measured in the latent space that the row names."""

    def measured_by(self, space: PathSpace) -> tuple[Metric, str | None]:
        """The metric and its part that the paper has in rows of this latent space."""
        metric = parse_metric(self.metric)
        if not self.by_latent_space:
            return metric, self.part
        if metric.family == "ls":
            return metric, space
        return replace(metric, space=space), None

    def accepts(self, metric: Metric, part: str | None, space: PathSpace) -> bool:
        """Whether a number belongs here, be it by another network or from other counts."""
        wanted, wanted_part = self.measured_by(space)
        return _comparison_key(metric) == _comparison_key(wanted) and part == wanted_part

    @property
    def heading(self) -> str:
        """The title, with an arrow towards the better."""
        return f"{self.title} {'↑' if self.larger_is_better else '↓'}"


@dataclass(frozen=True)
class TableRow:
    """One configuration."""

    name: str
    """What users call it."""
    labels: tuple[str, ...]
    """What stands left of its numbers."""
    published: tuple[PublishedValue | None, ...]
    """By column; None where the paper gives nothing that we know of."""
    presets: tuple[str, ...]
    """The configurations whose runs belong here; the first is the one to train."""
    space: PathSpace = "w"


@dataclass(frozen=True)
class MetricTable:
    """One table of a paper."""

    id: str
    """`stylegan2-1`: the paper and the table's number."""
    title: str
    caption: str
    labels: tuple[str, ...]
    """Above the labels of rows."""
    columns: tuple[MetricColumn, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def metrics(self) -> list[Metric]:
        """All that the paper measured, each once."""
        spaces: Sequence[PathSpace] = list(dict.fromkeys(row.space for row in self.rows))
        found = [column.measured_by(space)[0] for column in self.columns for space in spaces]
        return list(dict.fromkeys(found))

    def rows_of(self, preset: str) -> list[TableRow]:
        """The rows that runs with this preset fill; mostly one or none."""
        return [row for row in self.rows if preset in row.presets]


def _comparison_key(metric: Metric) -> tuple[object, ...]:
    """What a number is about, whoever looked and however often."""
    return metric.family, metric.mixed_latents, metric.space, metric.whole_path, metric.crop_to_face


_MIXING_TEXT = {
    # StyleGAN, Table 2: FID with 2, 3 and 4 latents, FFHQ.
    "stylegan-f-mix0": "~8.22 ~12.88 ~17.41",
    "stylegan-f-mix50": "~6.10 ~8.71 ~11.61",
    "stylegan-f-mix90": "~5.11 ~6.88 ~9.03",
    "stylegan-f-mix100": "~5.17 ~6.63 ~8.40",
}
_SMOOTHNESS_TEXT = {
    # StyleGAN, Table 3: path length, full and end, and separability, FFHQ.
    "stylegan-b": "~412.0 ~415.3 ~10.78",
    "stylegan-d": "~446.2 ~376.6 ~3.61",
    "stylegan-e": "~200.5 ~160.6 ~3.54",
    "stylegan-f-mix50": "~231.5 ~182.1 ~3.51",
    "stylegan-f": "~234.0 ~195.9 ~3.79",
}
_MAPPING_DEPTH_TEXT = {
    # StyleGAN, Table 4: FID, path length (full), separability, FFHQ.
    "stylegan-b-map0": "~5.25 ~412.0 ~10.78",
    "stylegan-b-map8-z": "~4.87 ~896.2 ~170.29",
    "stylegan-b-map8": "~4.87 ~324.5 ~6.52",
    "stylegan-f-map0": "~5.06 ~283.5 ~9.88",
    "stylegan-f-map1": "~4.60 ~219.9 ~6.81",
    "stylegan-f-map2": "~4.43 ~217.8 ~6.25",
    "stylegan-f-map8": "4.40 ~234.0 ~3.79",
}
_COMPUTE_COST_TEXT = {
    # StyleGAN2, Table 5: GPU years (of one V100) and MWh.
    "Initial exploration": "~20.25 ~58.94",
    "Paper exploration": "~13.71 ~31.49",
    "FFHQ config F": "~0.23 0.68",
    "Other runs in paper": "~7.20 ~16.77",
    "Backup runs left out": "~4.73 ~12.08",
    "Video, figures, etc.": "~0.31 ~0.82",
    "Public release": "~4.62 ~10.82",
    "Total": "~51.05 131.61",
}


def _read_values(texts: dict[str, str]) -> dict[str, tuple[PublishedValue, ...]]:
    return {name: tuple(map(PublishedValue.parse, text.split())) for name, text in texts.items()}


PUBLISHED_MIXING, PUBLISHED_SMOOTHNESS, PUBLISHED_MAPPING_DEPTHS, PUBLISHED_COMPUTE_COSTS = map(
    _read_values, (_MIXING_TEXT, _SMOOTHNESS_TEXT, _MAPPING_DEPTH_TEXT, _COMPUTE_COST_TEXT)
)


COMPUTE_COST_ID = "stylegan2-5"
EQUIVALENT_PRESETS = (
    ("stylegan-e", "stylegan-f-mix0"),
    ("stylegan-f", "stylegan-f-mix90", "stylegan-f-map8"),
    ("stylegan-b", "stylegan-b-map0"),
    ("stylegan2-e", "stylegan2-e-gskip-dresid"),
)
"""Presets that are one configuration, named by another table."""

FID_COLUMN = MetricColumn("FID", "fid50k")
FULL_PATH_COLUMN = MetricColumn("path length, full", "ppl_wfull_100k", by_latent_space=True)
PATH_END_COLUMN = MetricColumn("path length, end", "ppl_wend_100k", by_latent_space=True)
SEPARABILITY_COLUMN = MetricColumn("separability", "ls_200k", by_latent_space=True)
PATH_LENGTH_COLUMN = MetricColumn("path length", "ppl2_wend_50k")
PRECISION_COLUMN = MetricColumn("precision", "pr50k3", "precision", larger_is_better=True)
RECALL_COLUMN = MetricColumn("recall", "pr50k3", "recall", larger_is_better=True)
MAIN_COLUMNS = (FID_COLUMN, PATH_LENGTH_COLUMN, PRECISION_COLUMN, RECALL_COLUMN)

FFHQ_NOTE = (
    "The published numbers of rows for any images are those on FFHQ at 1024x1024; measured ones "
    "are on the images of the run, which are named below."
)
CLASSIFIERS_NOTE = (
    "Separability needs attribute classifiers, which `stylesmith classifiers train` makes and "
    "`stylesmith evaluate --metrics ls --classifiers` takes."
)


def _table_row(
    name: str,
    labels: tuple[str, ...],
    published: Iterable[PublishedValue | None],
    *,
    preset: str | None = None,
    space: PathSpace = "w",
) -> TableRow:
    preset = preset or name
    same = next((group for group in EQUIVALENT_PRESETS if preset in group), ())
    known = {each.name for each in PRESETS}
    twins = [preset, *(other for other in same if other != preset)]
    on_ffhq = [twin for twin in (f"{name}-{FFHQ.key}" for name in twins) if twin in known]
    return TableRow(name, labels, tuple(published), (*twins, *on_ffhq), space)


def _main_row(preset: Preset, columns: int) -> TableRow:
    """A row of Table 1, of FFHQ or of another data set."""
    data_set, base = preset.data_set, preset
    if data_set:
        base = find_preset(preset.name.removesuffix(f"-{data_set.key}"))
    results = preset.results
    numbers = results.fid, results.path_length, results.precision, results.recall
    title = (data_set or FFHQ).title
    letter = preset.row if len(preset.row) == 1 else ""
    words = f"{letter} {base.summary}".strip()
    return _table_row(preset.name, (title, words), numbers[:columns])


def _presets_of_table(paper: str, table: str) -> list[Preset]:
    """The presets of a table, those on FFHQ left out: they are rows for any images as well."""
    found = [preset for preset in PRESETS if (preset.paper, preset.table) == (paper, table)]
    return [preset for preset in found if preset.data_set is not FFHQ]


def _stylegan_1() -> MetricTable:
    rows = [_main_row(preset, 1) for preset in _presets_of_table("StyleGAN", "Table 1")]
    return MetricTable(
        "stylegan-1",
        "StyleGAN, Table 1",
        "FID of various generator designs; lower is better.",
        ("published on", "configuration"),
        (FID_COLUMN,),
        tuple(sorted(rows, key=lambda row: row.labels[0])),  # CelebA-HQ first, as printed
        (FFHQ_NOTE,),
    )


def _stylegan_2() -> MetricTable:
    rows = [
        _table_row(preset.name, (preset.name.split("mix")[1] + "%",), published)
        for preset in _presets_of_table("StyleGAN", "Table 2")
        for published in [(preset.results.fid, *PUBLISHED_MIXING[preset.name])]
    ]
    more = [MetricColumn(f"FID, {k} latents", f"fid_mix{k}_50k") for k in (2, 3, 4)]
    return MetricTable(
        "stylegan-2",
        "StyleGAN, Table 2",
        "FID of networks trained with mixing regularization for different shares of the training "
        "examples, stress-tested by randomizing 1 to 4 latents and the crossover points between "
        "them.",
        ("mixing",),
        (MetricColumn("FID, 1 latent", "fid50k"), *more),
        tuple(rows),
        (FFHQ_NOTE,),
    )


def _stylegan_3() -> MetricTable:
    words: dict[str, tuple[str, PathSpace]] = {
        "stylegan-b": ("B traditional generator", "z"),
        "stylegan-d": ("D style-based generator", "w"),
        "stylegan-e": ("E + noise inputs", "w"),
        "stylegan-f-mix50": ("+ mixing 50%", "w"),
        "stylegan-f": ("F + mixing 90%", "w"),
    }
    rows = [
        _table_row(name, (method, space.upper()), PUBLISHED_SMOOTHNESS[name], space=space)
        for name, (method, space) in words.items()
    ]
    return MetricTable(
        "stylegan-3",
        "StyleGAN, Table 3",
        "Perceptual path lengths and separability of various generator designs; lower is better.",
        ("method", "space"),
        (FULL_PATH_COLUMN, PATH_END_COLUMN, SEPARABILITY_COLUMN),
        tuple(rows),
        (FFHQ_NOTE, CLASSIFIERS_NOTE),
    )


def _stylegan_4() -> MetricTable:
    words: dict[str, tuple[str, PathSpace]] = {
        "stylegan-b-map0": ("B traditional, 0 layers", "z"),
        "stylegan-b-map8-z": ("traditional, 8 layers", "z"),
        "stylegan-b-map8": ("traditional, 8 layers", "w"),
        "stylegan-f-map0": ("style-based, 0 layers", "z"),
        "stylegan-f-map1": ("style-based, 1 layer", "w"),
        "stylegan-f-map2": ("style-based, 2 layers", "w"),
        "stylegan-f-map8": ("F style-based, 8 layers", "w"),
    }
    rows = [
        _table_row(
            name,
            (method, space.upper()),
            PUBLISHED_MAPPING_DEPTHS[name],
            preset=name.removesuffix("-z"),
            space=space,
        )
        for name, (method, space) in words.items()
    ]
    return MetricTable(
        "stylegan-4",
        "StyleGAN, Table 4",
        "The effect of a mapping network, by its depth; lower is better.",
        ("method", "space"),
        (FID_COLUMN, FULL_PATH_COLUMN, SEPARABILITY_COLUMN),
        tuple(rows),
        (FFHQ_NOTE, CLASSIFIERS_NOTE),
    )


def _stylegan2_1() -> MetricTable:
    rows = [_main_row(preset, 4) for preset in _presets_of_table("StyleGAN2", "Table 1")]
    return MetricTable(
        "stylegan2-1",
        "StyleGAN2, Table 1",
        "Main results. Path length is measured at path ends in W, without a crop.",
        ("published on", "configuration"),
        MAIN_COLUMNS,
        tuple(rows),
        (FFHQ_NOTE, "The paper's numbers are means of ten measurements."),
    )


def _stylegan2_2() -> MetricTable:
    words = {"orig": "original", "skip": "skips", "resid": "residual"}
    presets = [
        (find_preset(f"stylegan2-e-g{g}-d{d}"), (words[g], words[d]))
        for g, d in itertools.product(CONNECTIONS, CONNECTIONS)
    ]
    rows = [
        _table_row(preset.name, labels, (preset.results.fid, preset.results.path_length))
        for preset, labels in presets
    ]
    return MetricTable(
        "stylegan2-2",
        "StyleGAN2, Table 2",
        "Generator and discriminator architectures without progressive growing.",
        ("generator", "discriminator"),
        (FID_COLUMN, PATH_LENGTH_COLUMN),
        tuple(rows),
        (FFHQ_NOTE,),
    )


def _stylegan2_3() -> MetricTable:
    presets = [find_preset(f"stylegan2-{row}-car") for row in "af"] + _presets_of_table(
        "StyleGAN2", "Table 3"
    )
    return MetricTable(
        "stylegan2-3",
        "StyleGAN2, Table 3",
        "Improvement on LSUN data sets, from StyleGAN (A) to StyleGAN2 (F).",
        ("published on", "configuration"),
        (FID_COLUMN, PATH_LENGTH_COLUMN),
        tuple(_main_row(preset, 2) for preset in presets),
    )


def _stylegan2_4() -> MetricTable:
    first = find_preset("stylegan2-f").results
    published = (first.fid, first.path_length, first.precision, first.recall)
    rest = [
        _table_row(preset.name, (preset.summary,), (None,) * 4)
        for preset in _presets_of_table("StyleGAN2", "Table 4")
    ]
    return MetricTable(
        "stylegan2-4",
        "StyleGAN2, Table 4",
        "The effect of spectral normalization; F is StyleGAN2 without it.",
        ("configuration",),
        MAIN_COLUMNS,
        (_table_row("stylegan2-f", ("F",), published), *rest),
        (FFHQ_NOTE, "The published numbers of all rows but F are not known to this package."),
    )


METRIC_TABLES = (
    _stylegan_1(),
    _stylegan_2(),
    _stylegan_3(),
    _stylegan_4(),
    _stylegan2_1(),
    _stylegan2_2(),
    _stylegan2_3(),
    _stylegan2_4(),
)
"""All but the expense of the whole project (StyleGAN2, Table 5)."""


def find_table(name: str) -> MetricTable | None:
    """The table of that id; None for the one about expense.

    Raises:
        UsageError: If there is none; the nearest one is offered.
    """
    by_id = {table.id: table for table in METRIC_TABLES}
    if name in by_id or name == COMPUTE_COST_ID:
        return by_id.get(name)
    near = difflib.get_close_matches(name, [*by_id, COMPUTE_COST_ID], n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UsageError(f"table {name!r}: unknown; {hint}`stylesmith table --list` shows all")
