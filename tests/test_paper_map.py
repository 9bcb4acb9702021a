"""The map of the papers is whole, alive and true."""

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from stylesmith.config import DiscriminatorConfig, GeneratorConfig, MappingConfig, TrainingConfig
from stylesmith.config.training import GrowthConfig
from stylesmith.figures import FIGURES
from stylesmith.figures.tables.catalog import EXPENSE_ID, METRIC_TABLES

FOLDER = Path(__file__).parents[1] / "benchmarks"

SECTIONS = {
    "StyleGAN": "1 2 2.1 2.2 3 3.1 3.2 3.3 4 4.1 4.2 5 A B C D E",
    "StyleGAN2": "1 2 2.1 2.2 3 3.1 3.2 4 4.1 4.2 5 5.1 6 A B C C.1 C.2 D E F",
}
COUNTS = {
    "StyleGAN": {"Eq.": 3, "Figure": 12, "Table": 4},
    "StyleGAN2": {"Eq.": 10, "Figure": 18, "Table": 5},
}
"""What has a number or letter in each paper."""

NOTHING_TO_IMPLEMENT = {
    "StyleGAN": {"1", "2.2", "3.3", "4", "5"},
    "StyleGAN2": {"1", "6", "C", "C.2", "Eq. 8", "Eq. 9", "Eq. 10"},
}

PYRAMID = {"levels", "image_channels", "channel_base", "max_channels", "label_size"}
OURS = {
    "generator": PYRAMID,
    "generator.mapping": {"label_mode", "w_avg_beta"},
    "discriminator": PYRAMID | {"base", "label_mode", "label_layers", "label_lr_multiplier"},
    "training": {"micro_batch", "seed", "precision", "order", "ema_rampup"},
    "training.growth": {"repeats"},
}
"""Settings that the papers give no value: they follow the data or the machine, or come from other
papers or the published code. Feature maps are counted instead."""


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """A function that imports a part of the map as its own command line would."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module
    for name in [name for name in sys.modules if name.startswith("paper_map")]:
        sys.modules.pop(name)


def names(entries: Iterable) -> list[str]:
    return [entry.name for entry in entries]


def test_no_entry_is_dead_and_every_value_is_that_of_the_code(load):
    assert load("paper_map").problems() == []


def test_the_page_is_what_the_command_writes(load):
    paper_map = load("paper_map")
    written = paper_map.PAGE.read_text(encoding="utf-8")
    assert written == paper_map.page(), "python benchmarks/paper_map.py --write"


def test_links_of_the_page_lead_somewhere(load):
    page = load("paper_map").PAGE
    links = set(re.findall(r"\]\(([^)#]+)#?([^)]*)", page.read_text(encoding="utf-8")))
    assert len(links) > 40
    for link, part in links:
        heads = re.findall(r"^#+ (.*)$", (page.parent / link).read_text(encoding="utf-8"), re.M)
        assert not part or part in {head.lower().replace(" ", "-") for head in heads}, link


def test_all_that_has_a_number_is_there_in_order(load):
    for paper in load("paper_map").PAPERS:
        for kind, count in COUNTS[paper.title].items():
            numbered = [name for name in names(paper.entries) if name.startswith(f"{kind} ")]
            assert numbered == [f"{kind} {i}" for i in range(1, count + 1)]
        sections = SECTIONS[paper.title].split()
        there = names(paper.groups["Sections and appendices"])
        assert [name for name in there if name in sections] == sections


def test_only_words_and_derivations_have_nothing_to_implement(load):
    for paper in load("paper_map").PAPERS:
        without = {entry.name for entry in paper.entries if not entry.targets}
        assert without == NOTHING_TO_IMPLEMENT[paper.title]


def test_every_hyper_parameter_states_a_value(load):
    for paper in load("paper_map").PAPERS:
        groups = [group for title, group in paper.groups.items() if title.startswith("Hyper")]
        entries = [entry for group in groups for entry in group]
        assert len(entries) > 30
        assert names(entry for entry in entries if not entry.values) == []


def test_every_figure_and_table_of_the_catalogs_is_there(load):
    targets = {
        target
        for paper in load("paper_map").PAPERS
        for entry in paper.entries
        for target in entry.targets
    }
    assert {f"figure {figure.id}" for figure in FIGURES} <= targets
    assert {f"table {table.id}" for table in METRIC_TABLES} | {f"table {EXPENSE_ID}"} <= targets


def stated_settings(paper_map: ModuleType) -> str:
    """All that values say of themselves."""
    entries = [entry for paper in paper_map.PAPERS for entry in paper.entries]
    return " ".join(value.words for entry in entries for value in entry.values)


@pytest.mark.parametrize(
    ("prefix", "config"),
    [
        ("generator", GeneratorConfig),
        ("generator.mapping", MappingConfig),
        ("discriminator", DiscriminatorConfig),
        ("training", TrainingConfig),
        ("training.growth", GrowthConfig),
    ],
)
def test_every_setting_that_the_papers_give_a_value_is_stated(load, prefix, config):
    words = stated_settings(load("paper_map"))
    stated = set(re.findall(rf"`{re.escape(prefix)}\.(\w+)", words))
    assert set(config.model_fields) - stated == OURS[prefix]


def test_values_are_stated_for_every_row_of_table_1(load):
    words = stated_settings(load("paper_map"))
    stated = set(re.findall(r"`(stylegan2?-[\w-]+)`", words))
    for paper, rows in re.findall(r"`(stylegan2?)-\{(.*?)\}`", words):
        stated |= {f"{paper}-{row}" for row in rows.split(",")}
    assert {f"stylegan{paper}-{row}" for paper in ("", "2") for row in "abcdef"} <= stated


def wrong(load: Callable[[str], ModuleType], **parts: object) -> list[str]:
    """What the map says of a paper with one such entry."""
    records = load("paper_map_records")
    entry = records.Entry("Eq. 1", "something", **parts)
    return load("paper_map").problems([records.Paper("A paper", {"Equations": [entry]})])


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("stylesmith.ops.modulate.nothing", "there is no nothing"),
        ("stylesmith.nowhere.at_all", "there is no nowhere"),
        ("nowhere.at_all", "there is no such module"),
        ("stylesmith.ops.adain", "is defined in stylesmith.ops.normalize"),
        ("stylesmith.config.training.TrainingConfig.r1_gama", "there is no r1_gama"),
        ("figure stylegan-99", "is not in the catalog"),
        ("table stylegan-99", "is not in the catalog"),
        ("docs/nothing.md", "there is no such document"),
    ],
)
def test_a_dead_target_is_found(load, target, says):
    assert wrong(load, targets=(target,)) == [f"A paper, Eq. 1: {target}: {says}"]


def test_a_value_that_the_code_does_not_have_is_found(load):
    records = load("paper_map_records")
    setting, constant, default = records.setting, records.constant, records.default
    slope, variation = "stylesmith.ops.activate.SLOPE", "stylesmith.sampling.variation.vary"
    right = (
        setting("stylegan2-f stylegan2-d", "training.r1_gamma", 10.0),
        constant(slope, 0.2),
        default(variation, "draws", 100),
    )
    assert wrong(load, values=right) == []
    untrue = (
        setting("stylegan2-f stylegan2-e", "training.r1_gamma", 10.0),
        constant(slope, 0.1),
        default(variation, "draws", 10),
        setting("stylegan2-f", "training.r1_gama", 10.0),
        setting("stylegan2-x", "training.r1_gamma", 10.0),
    )
    found = [text.removeprefix("A paper, Eq. 1: ") for text in wrong(load, values=untrue)]
    assert found[:3] == [
        "`stylegan2-{f,e}`: `training.r1_gamma` is [10.0, 100.0], stated is 10.0",
        "`ops.activate.SLOPE` is 0.2, stated is 0.1",
        "`sampling.variation.vary(draws)` is 100, stated is 10",
    ]
    assert "r1_gama" in found[3] and "cannot be read" in found[3]
    assert "there is no such preset" in found[4]
