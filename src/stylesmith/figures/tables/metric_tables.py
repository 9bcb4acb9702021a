"""The tables of metrics of both papers: columns, rows (presets) and published numbers."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from stylesmith.errors import UsageError, suggest_name
from stylesmith.metrics.protocol import Metric, parse_metric
from stylesmith.presets import PRESETS, Preset, find_preset
from stylesmith.presets.data_sets import FFHQ
from stylesmith.presets.published_results import PublishedValue
from stylesmith.presets.stylegan2_configs import CONNECTIONS

PathSpace = Literal["z", "w"]
PAPER_TITLES = {"stylegan": "StyleGAN", "stylegan2": "StyleGAN2"}


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
    """One table of a paper; without columns and rows, the one of compute cost."""

    id: str
    """`stylegan2-1`: the paper and the table's number."""
    caption: str
    labels: tuple[str, ...]
    """Above the labels of rows."""
    columns: tuple[MetricColumn, ...]
    rows: Sequence[TableRow]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The table as the paper numbers it."""
        paper, _, number = self.id.partition("-")
        return f"{PAPER_TITLES[paper]}, Table {number}"

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
    """What a number is about, whatever network and however many images it is from."""
    return metric.family, metric.mixed_latents, metric.space, metric.whole_path, metric.crop_to_face


def _read_values(text: str) -> tuple[PublishedValue, ...]:
    return tuple(map(PublishedValue.parse, text.split()))


PUBLISHED_MIXING = {
    # StyleGAN, Table 2: FID with 2, 3 and 4 latents, FFHQ.
    "stylegan-f-mix0": _read_values("~8.22 ~12.88 ~17.41"),
    "stylegan-f-mix50": _read_values("~6.10 ~8.71 ~11.61"),
    "stylegan-f-mix90": _read_values("~5.11 ~6.88 ~9.03"),
    "stylegan-f-mix100": _read_values("~5.17 ~6.63 ~8.40"),
}
PUBLISHED_COMPUTE_COSTS = {
    # StyleGAN2, Table 5: GPU years (of one V100) and MWh.
    "Initial exploration": _read_values("~20.25 ~58.94"),
    "Paper exploration": _read_values("~13.71 ~31.49"),
    "FFHQ config F": _read_values("~0.23 0.68"),
    "Other runs in paper": _read_values("~7.20 ~16.77"),
    "Backup runs left out": _read_values("~4.73 ~12.08"),
    "Video, figures, etc.": _read_values("~0.31 ~0.82"),
    "Public release": _read_values("~4.62 ~10.82"),
    "Total": _read_values("~51.05 131.61"),
}


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
MAIN_COLUMNS = (
    FID_COLUMN,
    MetricColumn("path length", "ppl2_wend_50k"),
    MetricColumn("precision", "pr50k3", "precision", larger_is_better=True),
    MetricColumn("recall", "pr50k3", "recall", larger_is_better=True),
)

FFHQ_NOTE = (
    "The published numbers of rows for any images are those on FFHQ at 1024x1024; measured ones "
    "are on the images of the run, which are named below."
)
CLASSIFIERS_NOTE = (
    "Separability needs attribute classifiers, which `stylesmith classifiers train` makes and "
    "`stylesmith evaluate --metrics ls --classifiers` takes."
)


METHODS_IN_Z = ("stylegan-b", "stylegan-b-map0", "stylegan-b-map8-z", "stylegan-f-map0")
"""Rows of StyleGAN, Tables 3 and 4, that were measured in Z."""


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


def _published_results(preset: Preset) -> tuple[PublishedValue | None, ...]:
    results = preset.results
    return results.fid, results.path_length, results.precision, results.recall


def _main_row(preset: Preset, columns: int) -> TableRow:
    """A row of Table 1, of FFHQ or of another data set."""
    data_set, summary = preset.data_set or FFHQ, preset.summary
    if preset.data_set:
        summary = find_preset(preset.name.removesuffix(f"-{data_set.key}")).summary
    configuration = f"{preset.row} {summary}" if len(preset.row) == 1 else summary
    return _table_row(
        preset.name, (data_set.title, configuration), _published_results(preset)[:columns]
    )


def _presets_of_table(paper: str, table: str) -> list[Preset]:
    """The presets of a table, those on FFHQ left out: they are rows for any images as well."""
    found = [preset for preset in PRESETS if (preset.paper, preset.table) == (paper, table)]
    return [preset for preset in found if preset.data_set is not FFHQ]


def _method_row(name: str, method: str, published: str) -> TableRow:
    """A row of StyleGAN, Table 3 or 4."""
    space: PathSpace = "z" if name in METHODS_IN_Z else "w"
    labels, preset = (method, space.upper()), name.removesuffix("-z")
    return _table_row(name, labels, _read_values(published), preset=preset, space=space)


CONNECTION_LABELS = {"orig": "original", "skip": "skips", "resid": "residual"}
METRIC_TABLES = (
    MetricTable(
        "stylegan-1",
        "FID of various generator designs; lower is better.",
        ("published on", "configuration"),
        (FID_COLUMN,),
        sorted(
            (_main_row(preset, 1) for preset in _presets_of_table("StyleGAN", "Table 1")),
            key=lambda row: row.labels[0],  # CelebA-HQ first, as printed
        ),
        (FFHQ_NOTE,),
    ),
    MetricTable(
        "stylegan-2",
        "FID of networks trained with mixing regularization for different shares of the training "
        "examples, stress-tested by randomizing 1 to 4 latents and the crossover points between "
        "them.",
        ("mixing",),
        (
            MetricColumn("FID, 1 latent", "fid50k"),
            *(MetricColumn(f"FID, {k} latents", f"fid_mix{k}_50k") for k in (2, 3, 4)),
        ),
        [
            _table_row(
                preset.name,
                (preset.name.split("mix")[1] + "%",),
                (preset.results.fid, *PUBLISHED_MIXING[preset.name]),
            )
            for preset in _presets_of_table("StyleGAN", "Table 2")
        ],
        (FFHQ_NOTE,),
    ),
    MetricTable(
        "stylegan-3",
        "Perceptual path lengths and separability of various generator designs; lower is better.",
        ("method", "space"),
        (FULL_PATH_COLUMN, PATH_END_COLUMN, SEPARABILITY_COLUMN),
        [
            _method_row("stylegan-b", "B traditional generator", "~412.0 ~415.3 ~10.78"),
            _method_row("stylegan-d", "D style-based generator", "~446.2 ~376.6 ~3.61"),
            _method_row("stylegan-e", "E + noise inputs", "~200.5 ~160.6 ~3.54"),
            _method_row("stylegan-f-mix50", "+ mixing 50%", "~231.5 ~182.1 ~3.51"),
            _method_row("stylegan-f", "F + mixing 90%", "~234.0 ~195.9 ~3.79"),
        ],
        (FFHQ_NOTE, CLASSIFIERS_NOTE),
    ),
    MetricTable(
        "stylegan-4",
        "The effect of a mapping network, by its depth; lower is better.",
        ("method", "space"),
        (FID_COLUMN, FULL_PATH_COLUMN, SEPARABILITY_COLUMN),
        [
            _method_row("stylegan-b-map0", "B traditional, 0 layers", "~5.25 ~412.0 ~10.78"),
            _method_row("stylegan-b-map8-z", "traditional, 8 layers", "~4.87 ~896.2 ~170.29"),
            _method_row("stylegan-b-map8", "traditional, 8 layers", "~4.87 ~324.5 ~6.52"),
            _method_row("stylegan-f-map0", "style-based, 0 layers", "~5.06 ~283.5 ~9.88"),
            _method_row("stylegan-f-map1", "style-based, 1 layer", "~4.60 ~219.9 ~6.81"),
            _method_row("stylegan-f-map2", "style-based, 2 layers", "~4.43 ~217.8 ~6.25"),
            _method_row("stylegan-f-map8", "F style-based, 8 layers", "4.40 ~234.0 ~3.79"),
        ],
        (FFHQ_NOTE, CLASSIFIERS_NOTE),
    ),
    MetricTable(
        "stylegan2-1",
        "Main results. Path length is measured at path ends in W, without a crop.",
        ("published on", "configuration"),
        MAIN_COLUMNS,
        [_main_row(preset, 4) for preset in _presets_of_table("StyleGAN2", "Table 1")],
        (FFHQ_NOTE, "The paper's numbers are means of ten measurements."),
    ),
    MetricTable(
        "stylegan2-2",
        "Generator and discriminator architectures without progressive growing.",
        ("generator", "discriminator"),
        MAIN_COLUMNS[:2],
        [
            _table_row(
                f"stylegan2-e-g{g}-d{d}",
                (CONNECTION_LABELS[g], CONNECTION_LABELS[d]),
                _published_results(find_preset(f"stylegan2-e-g{g}-d{d}"))[:2],
            )
            for g, d in itertools.product(CONNECTIONS, CONNECTIONS)
        ],
        (FFHQ_NOTE,),
    ),
    MetricTable(
        "stylegan2-3",
        "Improvement on LSUN data sets, from StyleGAN (A) to StyleGAN2 (F).",
        ("published on", "configuration"),
        MAIN_COLUMNS[:2],
        [
            *(_main_row(find_preset(f"stylegan2-{row}-car"), 2) for row in "af"),
            *(_main_row(preset, 2) for preset in _presets_of_table("StyleGAN2", "Table 3")),
        ],
    ),
    MetricTable(
        "stylegan2-4",
        "The effect of spectral normalization; F is StyleGAN2 without it.",
        ("configuration",),
        MAIN_COLUMNS,
        [
            _table_row("stylegan2-f", ("F",), _published_results(find_preset("stylegan2-f"))),
            *(
                _table_row(preset.name, (preset.summary,), (None,) * 4)
                for preset in _presets_of_table("StyleGAN2", "Table 4")
            ),
        ],
        (FFHQ_NOTE, "The published numbers of all rows but F are not known to this package."),
    ),
)
"""All tables but the one of compute cost (StyleGAN2, Table 5)."""

COMPUTE_COST_TABLE = MetricTable(
    "stylegan2-5", "Computational effort and electricity of runs.", ("item",), (), ()
)
"""The table of runs of any configuration; `compute_cost.py` fills it."""
TABLES = (*METRIC_TABLES, COMPUTE_COST_TABLE)


def find_table(name: str) -> MetricTable:
    """The table of that id.

    Raises:
        UsageError: If there is none; the nearest one is offered.
    """
    by_id = {table.id: table for table in TABLES}
    if name in by_id:
        return by_id[name]
    nearest = suggest_name(name, by_id)
    hint = f"did you mean {nearest!r}? " if nearest else ""
    raise UsageError(f"table {name!r}: unknown; {hint}`stylesmith table --list` shows all")
