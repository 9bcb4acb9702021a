"""The map of the papers, docs/paper-map.md, is complete, and its links and values are right."""

import re

import pytest

from stylesmith.config import ConvolutionalConfig, MappingConfig, ModulatedConfig, TrainingConfig
from stylesmith.config.training import GrowthConfig
from stylesmith.figures import FIGURES
from stylesmith.figures.tables.compute_cost import compute_cost_table
from stylesmith.figures.tables.metric_tables import COMPUTE_COST_TABLE, METRIC_TABLES, find_table
from tests.paper_map import LINK, PAGE, parse, presets_of, problems

TEXT = PAGE.read_text(encoding="utf-8")
ENTRIES = parse(TEXT)
SECTIONS = {
    "StyleGAN": "1 2 2.1 2.2 3 3.1 3.2 3.3 4 4.1 4.2 5 A B C D E",
    "StyleGAN2": "1 2 2.1 2.2 3 3.1 3.2 4 4.1 4.2 5 5.1 6 A B C C.1 C.2 D E F",
}
COUNTS = {
    "StyleGAN": {"Eq.": 3, "Figure": 12, "Table": 4},
    "StyleGAN2": {"Eq.": 10, "Figure": 18, "Table": 5},
}
NOTHING_TO_IMPLEMENT = {
    "StyleGAN": {"1", "2.2", "3.3", "4", "5"},
    "StyleGAN2": {"1", "6", "C", "C.2", "Eq. 8", "Eq. 9", "Eq. 10"},
}

PYRAMID = {"levels", "image_channels", "channel_base", "max_channels", "label_size"}
LABELS = {"label_mode", "label_layers", "label_lr_multiplier"}
OURS = {
    "generator": (ModulatedConfig, PYRAMID),
    "generator.mapping": (MappingConfig, {"label_mode", "w_avg_beta"}),
    "discriminator": (ConvolutionalConfig, PYRAMID | LABELS | {"base", "kind"}),
    "training": (
        TrainingConfig,
        {"micro_batch", "seed", "precision", "order", "ema_rampup"}
        | {"source", "freeze_d", "augment", "strength"},
    ),
    "training.growth": (GrowthConfig, {"repeats"}),
}
"""Settings that the papers give no value: they follow the data or the machine, or come from other
papers or the published code. Feature maps are counted instead."""

SETTINGS = re.findall(r"^  - `(stylegan.*)`: `(.*)` = ", TEXT.partition("\n## ")[2], re.M)
"""Presets, and which of their settings, of each value that is one."""


def test_every_link_leads_somewhere_and_every_value_is_that_of_the_code():
    assert problems(TEXT) == problems("\n## Example" + TEXT.split("```")[1]) == []
    assert len(set(LINK.findall(TEXT))) > 40


@pytest.mark.parametrize("paper", SECTIONS)
def test_the_page_has_all_of_a_paper(paper):
    entries = [entry for entry in ENTRIES if entry.paper == paper]
    for kind, count in COUNTS[paper].items():
        numbered = [entry.name for entry in entries if entry.name.startswith(f"{kind} ")]
        assert numbered == [f"{kind} {i}" for i in range(1, count + 1)]
    there, wanted = [e.name for e in entries if e.group.startswith("Sec")], SECTIONS[paper].split()
    assert [name for name in there if name in wanted] == wanted
    without = {entry.name for entry in entries if not entry.implementations}
    assert without == NOTHING_TO_IMPLEMENT[paper]
    hyper_parameters = [entry for entry in entries if entry.group.startswith("Hyper")]
    assert len(hyper_parameters) > 30
    assert [entry.name for entry in hyper_parameters if not entry.values] == []


def home(function) -> tuple[str, str]:
    """File and name of what draws a figure."""
    path = function.__module__.removeprefix("stylesmith.").replace(".", "/")
    return f"{path}.py", function.__qualname__.partition(".<locals>")[0]  # which builds figures


def test_every_figure_and_table_of_the_catalogs_is_there():
    by_hand, filled = ("docs/architectures.md", ""), home(find_table)[0]
    wanted = {f"{f.id} Figure": home(f.draw) if f.draw else by_hand for f in FIGURES}
    wanted |= {f"{table.id} Table": (filled, "METRIC_TABLES") for table in METRIC_TABLES}
    wanted[f"{COMPUTE_COST_TABLE.id} Table"] = home(compute_cost_table)
    there = {}
    for entry in ENTRIES:
        if match := re.fullmatch(r"(Figure|Table) (\d+)", entry.name):
            places = {(path, n) for path, _, names in entry.implementations for n in names or [""]}
            there[f"{entry.paper.lower()}-{match[2]} {match[1]}"] = places
    assert there.keys() == wanted.keys()
    assert [name for name in wanted if wanted[name] not in there[name]] == []


@pytest.mark.parametrize("prefix", OURS)
def test_every_setting_that_the_papers_give_a_value_is_stated(prefix):
    config, ours = OURS[prefix]
    stated = {re.sub(rf"^{prefix}\.(\w+).*", r"\1", path) for _, path in SETTINGS}
    assert set(config.model_fields) - stated == ours


def test_values_are_stated_for_every_row_of_table_1():
    stated = {preset for presets, _ in SETTINGS for preset in presets_of(presets)}
    assert {f"stylegan{paper}-{row}" for paper in ("", "2") for row in "abcdef"} <= stated


def wrong(line: str) -> list[str]:
    """What is wrong with a page that has one such line."""
    return problems(f"# A map\n\n## A paper\n\n### Group\n\n- **Eq. 1**: Words\n  - {line}\n")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[nowhere.py](../src/stylesmith/nowhere.py): `at_all`", "there is no such file"),
        ("[docs/differences.md](differences.md#nothing)", "there is no heading nothing"),
        ("[ops/resample.py](../src/stylesmith/ops/modulate.py): `modulated_conv2d`", "leads to"),
        ("[ops/activate.py](../src/stylesmith/ops/activate.py)", "names nothing"),
        ("[ops/activate.py](../src/stylesmith/ops/activate.py): `lrelu`, `no`", "not define no"),
        ("[ops/__init__.py](../src/stylesmith/ops/__init__.py): `adain`", "not define adain"),
        (
            "[presets/stylegan_configs.py](../src/stylesmith/presets/stylegan_configs.py): `A.b`",
            "not define A.b",
        ),
        ("`stylegan2-{f,e}`: `training.r1_gamma` = 10", "is [10.0, 100.0], stated is 10"),
        ("`stylegan2-f`: `generator.base` = 4, 5", "is (4, 4), stated is 4, 5"),
        ("`stylegan2-a`: `training.batch_size` = 8: 256, 16: 128", "stated is 8: 256, 16: 128"),
        ("`stylegan2-f`: `training.r1_gama` = 10", "has no attribute 'r1_gama'"),
        ("`stylegan2-x`: `training.r1_gamma` = 10", "there is no such preset"),
        ("`stylesmith.ops.activate.LRELU_SLOPE` = 0.1", "is 0.2, stated is 0.1"),
        ("`ppl_wend`: `crop_to_face` = no", "is True, stated is no"),
        ("`stylesmith.nowhere.SLOPE` = 0.2", "has no attribute 'nowhere'"),
        (
            "`stylesmith.sampling.stochastic_variation.measure_noise_variation(draws)` = 10",
            "is 100, stated is 10",
        ),
        (
            "`stylesmith.sampling.stochastic_variation.measure_noise_variation(draw)` = 100",
            "cannot be read: 'draw'",
        ),
        ("stylegan-f: parameters of the generator = 26,219,628", "is 26219627, stated is"),
        ("stylegan-f: weight of the generator = 1", "none of the phrases in tests/paper_map.py"),
        ("AdaIN generator: weather at first = 1", "cannot be read: 'weather'"),
    ],
)
def test_a_dead_link_and_an_untrue_value_are_found(line, says):
    (problem,) = wrong(line)
    assert problem.startswith("A paper, Eq. 1: ") and says in problem


def test_dead_links_in_sentences_are_found():
    text = "[a](a.md)\n\n## A paper\n\n- **B**: See\n  [b](differences.md#b).\n"
    assert problems(text) == [
        "introduction: a.md: there is no such file",
        "A paper, B: differences.md: there is no heading b",
    ]


@pytest.mark.parametrize("line", ["no value", "[docs/a.md](a.md) and more", "[a](a.md): a, b"])
def test_a_line_of_no_known_form_is_found(line):
    with pytest.raises(ValueError, match="cannot be read"):
        wrong(line)
