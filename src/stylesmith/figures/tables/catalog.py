"""Every table of metrics of both papers; its rows are presets."""

import difflib
import itertools
from collections.abc import Iterable

from stylesmith.errors import UsageError
from stylesmith.figures.tables.published import (
    PUBLISHED_MAPPING_DEPTHS,
    PUBLISHED_MIXING,
    PUBLISHED_SMOOTHNESS,
)
from stylesmith.figures.tables.table import MetricColumn, MetricTable, PathSpace, TableRow
from stylesmith.presets import PRESETS, Preset, find_preset
from stylesmith.presets.data_sets import FFHQ
from stylesmith.presets.published import PublishedValue
from stylesmith.presets.stylegan2 import CONNECTIONS

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
