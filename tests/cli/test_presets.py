"""`stylesmith presets`: the tables, the settings of one, JSON that reads back, and differences."""

import json
import re
from itertools import pairwise

import pytest

from stylesmith.config import RunConfig
from stylesmith.presets import PRESETS
from stylesmith.presets.data_sets import DATA_SETS

NAMES = [preset.name for preset in PRESETS]
ANY_DATA = [preset.name for preset in PRESETS if not preset.data_set]


@pytest.fixture(scope="module")
def listing() -> dict[str, str]:
    """Lines of the listing; `cli` is made anew for each test, so this is kept here."""
    return {}


@pytest.fixture
def lines(cli, listing) -> list[str]:
    if not listing:
        result = cli("presets")
        assert (result.status, result.err) == (0, "")
        listing["out"] = result.out
    return listing["out"].splitlines()


def row_of(lines: list[str], name: str) -> str:
    (line,) = (line for line in lines if line.split()[:1] == [name])
    return line


def test_the_tables_have_every_preset_in_the_papers_order(lines):
    first_words = [line.split()[0] for line in lines if line.strip()]
    assert [word for word in first_words if word in NAMES] == NAMES


def test_the_tables_fit_a_terminal_of_100_columns(lines):
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stylegan-a", "A Progressive GAN 23.1 23.1 8.04"),
        ("stylegan-b", "B + tuning, bilinear up and down 23.1 23.1 ~5.25 ~412.0"),
        ("stylegan-f-celebahq", "F CelebA-HQ 1024, WGAN-GP, 12 M 26.2 23.1 ~5.17"),
        ("stylegan2-f", "F + large networks 30.4 29.0 2.84 145.0 .689 .492"),
        ("stylegan2-e-car", "E LSUN Car 512, R1 100, 57 M 24.9 24.0 ~3.19 ~471.2 ~.690 ~.454"),
        ("stylegan2-f-no-demod", "F without demodulation 30.4 29.0"),
        ("stylegan2-f-church", "F LSUN Church 256, R1 100, 48 M 30.0 28.9 3.86 ~342"),
    ],
)
def test_a_row_says_what_changed_how_large_it_is_and_what_was_published(lines, name, words):
    assert row_of(lines, name).split() == [name, *words.split()]


def test_each_table_is_headed_by_its_place_in_the_papers(lines):
    headed = {lines[i] for i in range(len(lines) - 1) if lines[i + 1].startswith("name ")}
    papers = {", ".join([p.paper, p.table]) for p in PRESETS if p.paper}
    assert {", ".join(line.split(", ")[:2]) for line in headed} == papers | {
        "Our own, for any images"
    }
    on = " ".join(line for line in headed if ", on " in line)
    assert all(data_set.title in on for data_set in DATA_SETS)


def test_the_legend_explains_the_mark(lines):
    assert "~ is recalled, not confirmed" in "\n".join(lines[-5:])


@pytest.mark.parametrize("name", ANY_DATA)
def test_json_reads_back_as_a_config(cli, name):
    result = cli("presets", name, "--json", "--resolution", "64x32")
    assert result.status == 0
    config = RunConfig.from_json(result.out, source=name)
    assert (config.preset, config.data.size) == (name, (32, 64))


def test_a_preset_of_a_data_set_is_shown_at_its_size(cli):
    config = RunConfig.from_json(cli("presets", "stylegan2-f-car", "--json").out, source="car")
    assert (config.data.size, config.training.kimg) == ((512, 512), 57000)


def settings(out: str) -> dict[str, str]:
    return dict(line.split(" = ") for line in out.splitlines() if " = " in line)


def test_settings_are_shown_under_the_names_that_set_takes(cli):
    result = cli("presets", "stylegan2-f")
    lines = settings(result.out)
    assert lines["training.r1_gamma"] == "10.0"
    assert lines["generator.mapping.layers"] == "8"
    assert lines["generator.connection"] == "skip"
    assert json.loads(lines["data.size"]) == [1024, 1024]
    assert lines["training.growth"] == "null"


def test_tables_by_resolution_are_shown_whole(cli):
    lines = settings(cli("presets", "stylegan2-b").out)
    assert json.loads(lines["training.batch_size"]) == {"8": 256, "16": 128, "32": 64, "64": 32}
    assert lines["training.growth.start"] == "8"


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("stylegan2-f", ["StyleGAN2, Table 1, F: + large networks", "published: FID 2.84, path "]),
        ("stylegan-c", ["StyleGAN, Table 1, C: ", "published: FID ~4.85 (~ is recalled, not conf"]),
        ("stylegan2-f-cat", ["StyleGAN2, Table 3, F: trained on LSUN Cat", "published: FID 6.93"]),
        ("stylegan2-e-multiscale", ["StyleGAN2, Figure 7a: E, an image at every ", "version = 1"]),
        ("auto", ["settings from your data and machine", "version = 1"]),
    ],
)
def test_the_settings_are_headed_by_where_they_come_from(cli, name, heading):
    lines = cli("presets", name).out.splitlines()
    assert [line[: len(start)] for line, start in zip(lines, heading, strict=False)] == heading


@pytest.mark.parametrize("paper", ["stylegan", "stylegan2"])
def test_adjacent_rows_of_table_1_differ_in_what_the_paper_says(cli, paper):
    rows = [f"{paper}-{row}" for row in "abcdef"]
    for first, second in pairwise(rows):
        result = cli("presets", "--diff", first, second, "--resolution", "32")
        header, *lines = result.out.splitlines()
        assert header.split() == ["setting", first, second]
        found = json.loads(cli("presets", "--diff", first, second, "--json").out)
        keys = [line.split()[0] for line in lines if not line.startswith(" ")]
        assert keys == list(found)


def test_a_difference_is_a_key_and_both_values(cli):
    _, *lines = cli("presets", "--diff", "stylegan2-d", "stylegan2-e").out.splitlines()
    assert ["generator.connection", "grow", "skip"] in [line.split() for line in lines]
    _, line = cli("presets", "--diff", "stylegan2-b", "stylegan2-c").out.splitlines()
    assert line.split() == ["training.r1_interval", "1", "16"]


def test_a_value_in_brackets_is_not_taken_for_markup(cli):
    out = cli("presets", "--diff", "stylegan2-a", "stylegan2-b").out
    assert "[1,2,1]" in out and "[1,3,3,1]" in out


def test_equal_presets_are_said_to_be_the_same(cli):
    result = cli("presets", "--diff", "stylegan-e", "stylegan-f-mix0")
    assert result.out == "stylegan-e and stylegan-f-mix0 are the same.\n"


@pytest.mark.parametrize(
    "names", [("stylegan2-f", "stylegan2-f-car"), ("stylegan2-f-car", "stylegan2-f")]
)
def test_a_data_set_decides_the_size_for_both(cli, names):
    found = json.loads(cli("presets", "--diff", *names, "--json").out)
    assert found.keys() == {"training.kimg"}
    assert set(found["training.kimg"]) == {25000, 57000}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stylegan2-g",), "Did you mean stylegan2-"),
        (("--json",), "wanted a preset too"),
        (("--resolution", "64"), "wanted a preset too"),
        (("auto", "--resolution", "63"), "size 63x63"),
        (("auto", "--yaml"), "No such option: --yaml"),
        (("auto", "tiny"), "unexpected extra argument"),
        (("--diff", "stylegan2-f"), "requires 2 arguments"),
        (("--diff", "stylegan2-f", "stylegan2_e"), "'stylegan2_e': .* Did you mean stylegan2-e?"),
        (("--diff", "stylegan-g", "auto"), "'stylegan-g': .* Did you mean stylegan-"),
        (("auto", "--diff", "tiny", "auto"), "--diff compares two presets; leave auto out"),
        (
            ("stylegan2-f-car", "--resolution", "256"),
            "stylegan2-f-car is for 512x512 RGB .*, the data is 256x256 RGB; use stylegan2-f, or ",
        ),
        (("--diff", "stylegan2-f-car", "stylegan2-f-cat", "--resolution", "512"), "is for 256x256"),
    ],
)
def test_wrong_words_are_one_line(cli, words, message):
    assert re.search(message, cli("presets", *words).error())


def test_training_with_a_preset_for_other_images_is_refused(cli, photos, tmp_path):
    error = cli("train", photos, "--preset", "stylegan2-f-cat", "--out", tmp_path / "run").error()
    assert "stylegan2-f-cat is for 256x256 RGB without labels, the data is 8x8 RGB" in error
    assert "--resolution 256" in error
    assert not (tmp_path / "run").exists()
