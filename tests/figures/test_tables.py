"""Tables of metrics: their rows, where numbers go, and what is said of them."""

import json
from pathlib import Path

import pytest

from stylesmith.config import DataConfig
from stylesmith.errors import ModelError, UsageError
from stylesmith.figures.tables.measurements import fill_table, place_measurements
from stylesmith.figures.tables.metric_tables import EQUIVALENT_PRESETS, METRIC_TABLES, find_table
from stylesmith.figures.tables.table_output import FilledTable
from stylesmith.metrics.protocol import parse_metric
from stylesmith.models import RunFolder
from stylesmith.presets import PRESETS, differences, find_preset
from stylesmith.presets.published_results import PUBLISHED_RESULTS
from tests.support import CPU


def make_run(folder: Path, preset: str, *scores: dict[str, float]) -> str:
    """A run folder whose log holds these measurements, 1,000 images apart."""
    run = RunFolder(folder)
    config = find_preset(preset).build(DataConfig(size=(32, 32), path="d/faces.zip"), CPU)
    run.write_config(config.change(preset=preset))
    records = [
        {"event": "metrics", "images_seen": 1000 * (i + 1), "scores": values, "best": False}
        for i, values in enumerate(scores)
    ]
    lines = [{"event": "start", "images_seen": 0}, *records]
    run.log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(folder)


def make_file(path: Path, *lines: dict[str, object]) -> str:
    """A file of metrics."""
    path.write_text("".join(json.dumps({"part": None, **line}) + "\n" for line in lines))
    return str(path)


def cell(table: FilledTable, row: str, heading: str) -> object:
    """What stands in a row under a heading, of which the first counts."""
    place = [head.title for head in table.heads].index(heading)
    (found,) = [cells[place] for cells in table.rows if cells[0] == row]
    return found


def filled(table: str, *sources: str) -> FilledTable:
    chosen = find_table(table)
    return fill_table(chosen, place_measurements(chosen, sources))


def presets_of(paper: str, table: str) -> set[str]:
    found = {p.name for p in PRESETS if (p.paper, p.table) == (paper, table)}
    return {name for name in found if not name.endswith("-ffhq")}  # rows for any images are these


def rows_of(table: str) -> list[str]:
    chosen = find_table(table)
    return [row.name for row in chosen.rows]


@pytest.mark.parametrize("paper", ["StyleGAN", "StyleGAN2"])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_rows_are_the_presets_of_the_table(paper, number):
    rows, presets = rows_of(f"{paper.lower()}-{number}"), presets_of(paper, f"Table {number}")
    own = {"stylegan-b-map8-z"}  # a second line of one network
    first = {"stylegan2-f"} if (paper, number) == ("StyleGAN2", 4) else set()
    assert set(rows) - own - first == presets and len(rows) == len(set(rows))


def test_tables_3_are_made_of_presets_of_other_tables_too():
    assert rows_of("stylegan-3") == [f"stylegan-{row}" for row in ("b", "d", "e", "f-mix50", "f")]
    cars = {"stylegan2-a-car", "stylegan2-f-car"}
    assert set(rows_of("stylegan2-3")) == presets_of("StyleGAN2", "Table 3") | cars


def test_every_published_result_of_a_table_stands_in_one():
    shown = {row.name for table in METRIC_TABLES for row in table.rows}
    appendix = {name for name in PUBLISHED_RESULTS if find_preset(name).table == "appendix E"}
    assert set(PUBLISHED_RESULTS) - appendix <= shown


@pytest.mark.parametrize("table", METRIC_TABLES, ids=lambda table: table.id)
def test_numbers_of_presets_and_of_tables_agree(table):
    """Both hold the FID and path lengths of StyleGAN's Tables 2 to 4; they must not differ."""
    for row in table.rows:
        results = find_preset(row.presets[0]).results
        titles = [column.title for column in table.columns]
        of = dict(zip(titles, row.published, strict=True))
        for title in ("FID", "FID, 1 latent"):
            if title in of and of[title] is not None:
                assert of[title] == results.fid
        length = of.get("path length, full")
        if length and results.path_length and not row.name.endswith("-z"):
            assert length == results.path_length


@pytest.mark.parametrize("group", EQUIVALENT_PRESETS, ids=lambda group: group[0])
def test_presets_that_share_rows_are_one_configuration(group):
    data = DataConfig(size=(64, 64))
    first, *others = [find_preset(name).build(data, CPU) for name in group]
    for other in others:
        assert differences(first, other) == {}


def test_each_metric_of_a_table_has_its_exact_name():
    for table in METRIC_TABLES:
        for metric in table.metrics:
            assert parse_metric(metric.name) == metric


def test_an_empty_table_shows_what_is_published_and_how_sure_that_is():
    table = filled("stylegan2-1")
    assert str(cell(table, "stylegan2-f", "FID ↓")) == "2.84"
    assert str(cell(table, "stylegan2-b", "path length ↓")) == "~175.4"
    assert all(cells[4] is None for cells in table.rows)
    assert table.heads[4].title == "fid50k" and table.heads[4].kind == "measured"
    assert table.notes[0].startswith("~ marks")


def test_published_numbers_of_mixing_and_separability():
    assert str(cell(filled("stylegan-2"), "stylegan-f-mix50", "FID, 3 latents ↓")) == "~8.71"
    table = filled("stylegan-4")
    assert str(cell(table, "stylegan-b-map8-z", "separability ↓")) == "~170.29"
    assert str(cell(table, "stylegan-b-map8", "separability ↓")) == "~6.52"
    assert str(cell(filled("stylegan-3"), "stylegan-b", "path length, end ↓")) == "~415.3"


def test_the_best_snapshot_of_a_run_fills_its_row(tmp_path):
    scores = [
        {"fid50k": 9.0, "ppl2_wend_50k": 100.0, "pr50k3 precision": 0.6, "pr50k3 recall": 0.2},
        {"fid50k": 5.0, "ppl2_wend_50k": 300.0, "pr50k3 precision": 0.5, "pr50k3 recall": 0.3},
        {"fid50k": 7.0, "ppl2_wend_50k": 200.0, "pr50k3 precision": 0.7, "pr50k3 recall": 0.4},
    ]
    table = filled("stylegan2-1", make_run(tmp_path / "run", "stylegan2-d", *scores))
    names = ["fid50k", "ppl2_wend_50k", "pr50k3 precision", "pr50k3 recall"]
    assert [cell(table, "stylegan2-d", name) for name in names] == [5.0, 300.0, 0.5, 0.3]
    assert [cell(table, "stylegan2-c", name) for name in names] == [None] * 4
    said = "\n".join(table.notes)
    assert "snapshot with the best fid50k" in said
    assert "faces.zip at 32x32, after 2,000 images (best of 3)" in said
    assert "is not the paper's" not in said


def test_measured_columns_stand_right_of_the_published_ones(tmp_path):
    run = make_run(tmp_path / "run", "stylegan2-d", {"fid50k": 9.0, "fd_random_5k": 1.0})
    heads = [head.title for head in filled("stylegan2-1", run).heads]
    assert heads[3:6] == ["FID ↓", "fid50k", "fd_random_5k"]
    assert heads[6:8] == ["path length ↓", "ppl2_wend_50k"]


def test_another_network_or_count_never_goes_by_the_paper_s_name(tmp_path):
    scores = {"fd_random_5k": 1.0, "pl2_random_wend_2k": 2.0, "pr50k3_full precision": 0.5}
    table = filled("stylegan2-1", make_run(tmp_path / "run", "stylegan2-a", scores))
    titles = [head.title for head in table.heads]
    assert "fid50k" not in titles and cell(table, "stylegan2-a", "fd_random_5k") == 1.0
    said = "\n".join(table.notes)
    assert "fd_random_5k is not the paper's FID: it is measured by random" in said
    assert "pr50k3_full precision is measured otherwise" in said
    table = filled("stylegan2-1", make_run(tmp_path / "other", "stylegan2-a", {"fid10k": 1.0}))
    assert "fid10k is from 10,000 samples, the paper's fid50k from 50,000." in table.notes


def test_mixed_latents_go_where_their_number_says(tmp_path):
    scores = {"fid50k": 1.0, "fid_mix2_50k": 2.0, "fid_mix4_50k": 4.0}
    table = filled("stylegan-2", make_run(tmp_path / "run", "stylegan-f-mix50", scores))
    measured = [c for c, h in zip(table.rows[1], table.heads, strict=True) if h.kind == "measured"]
    assert measured == [1.0, 2.0, None, 4.0]


def test_the_row_decides_in_which_latent_space(tmp_path):
    scores = {"fid50k": 5.0, "ppl_zfull_100k": 1.0, "ppl_wfull_100k": 2.0, "ppl2_wfull": 7.0}
    scores |= {"ls_200k z": 3.0, "ls_200k w": 4.0}
    table = filled("stylegan-4", make_run(tmp_path / "run", "stylegan-b-map8", scores))
    names = ["fid50k", "ppl_full_100k", "ls_200k"]
    assert [cell(table, "stylegan-b-map8-z", name) for name in names] == [5.0, 1.0, 3.0]
    assert [cell(table, "stylegan-b-map8", name) for name in names] == [5.0, 2.0, 4.0]


def test_a_run_of_the_same_configuration_or_on_ffhq_belongs_to_the_row(tmp_path):
    other = make_run(tmp_path / "same", "stylegan2-e-gskip-dresid", {"fid50k": 3.0})
    assert cell(filled("stylegan2-1", other), "stylegan2-e", "fid50k") == 3.0
    folder = tmp_path / "ffhq"
    run = make_run(folder, "stylegan2-f", {"fid50k": 4.0})
    config = RunFolder(folder).read_config().change(preset="stylegan2-f-ffhq")
    RunFolder(folder).write_config(config)
    assert cell(filled("stylegan2-1", run), "stylegan2-f", "fid50k") == 4.0


def test_a_file_tells_its_row_by_the_run_that_was_measured(tmp_path):
    make_run(tmp_path / "run", "stylegan2-e")
    lines = [
        {"protocol": "fid50k", "value": value, "model": f"{tmp_path}/run/snapshots/{n}.safetensors"}
        for n, value in (("000002000", 8.0), ("000004000", 6.0))
    ]
    lines[1] |= {"data": "x/faces.zip", "notes": ["an odd filter."]}
    table = filled("stylegan2-2", make_file(tmp_path / "e.jsonl", *lines))
    assert cell(table, "stylegan2-e-gskip-dresid", "fid50k") == 6.0
    said = "\n".join(table.notes)
    assert "on faces.zip, after 4,000 images (best of 2)" in said
    assert "stylegan2-e-gskip-dresid: an odd filter." in said


def test_a_file_and_a_run_share_a_row_unless_both_measure_the_same(tmp_path):
    run = make_run(tmp_path / "run", "stylegan2-a", {"fid50k": 3.0})
    more = make_file(tmp_path / "more.jsonl", {"protocol": "ppl2_wend_50k", "value": 50.0})
    table = filled("stylegan2-1", run, f"stylegan2-a={more}")
    assert cell(table, "stylegan2-a", "fid50k") == 3.0
    assert cell(table, "stylegan2-a", "ppl2_wend_50k") == 50.0
    again = make_file(tmp_path / "again.jsonl", {"protocol": "fid50k", "value": 1.0})
    with pytest.raises(UsageError, match=r"measures fid50k of row stylegan2-a, as .*run does"):
        filled("stylegan2-1", run, f"stylegan2-a={again}")


def test_precision_chooses_the_largest_where_there_is_no_distance(tmp_path):
    scores = [{"pr50k3 precision": value} for value in (0.2, 0.5, 0.3)]
    table = filled("stylegan2-1", make_run(tmp_path / "run", "stylegan2-a", *scores))
    assert cell(table, "stylegan2-a", "pr50k3 precision") == 0.5


def test_sources_that_belong_nowhere_are_refused(tmp_path):
    run = make_run(tmp_path / "run", "stylegan-c", {"fid50k": 3.0})
    with pytest.raises(UsageError, match=r"stylegan-c is no row of stylegan2-1; stylegan-1 has it"):
        filled("stylegan2-1", run)
    assert cell(filled("stylegan2-1", f"stylegan2-a={run}"), "stylegan2-a", "fid50k") == 3.0
    ours = make_run(tmp_path / "ours", "tiny", {"fid50k": 3.0})
    with pytest.raises(UsageError, match="preset tiny is no row of stylegan2-1; no table has it"):
        filled("stylegan2-1", ours)
    file = make_file(tmp_path / "x.jsonl", {"protocol": "fid50k", "value": 1.0, "model": "gone"})
    with pytest.raises(UsageError, match=r"unknown configuration.*stylegan2-a="):
        filled("stylegan2-1", file)
    with pytest.raises(UsageError, match="no row 'stylegan2-h'; did you mean stylegan2-"):
        filled("stylegan2-1", f"stylegan2-h={file}")


def test_sources_without_metrics_are_refused(tmp_path):
    with pytest.raises(ModelError, match="holds no metrics"):
        filled("stylegan2-1", make_run(tmp_path / "run", "stylegan2-a"))
    with pytest.raises(ModelError, match="holds no metrics"):
        filled("stylegan2-1", f"stylegan2-a={make_file(tmp_path / 'empty.jsonl')}")
    text = tmp_path / "text.jsonl"
    for content in ("hello", "[1]", '{"protocol": "fid50k"}', '{"protocol": 3, "value": 1}'):
        text.write_text(f"{content}\n")
        with pytest.raises(ModelError, match="line 1 is no measurement"):
            filled("stylegan2-1", f"stylegan2-a={text}")
    with pytest.raises(ModelError, match="not there"):
        filled("stylegan2-1", str(tmp_path / "gone"))
    with pytest.raises(ModelError, match="not a run folder"):
        filled("stylegan2-1", str(tmp_path))


def test_unknown_tables_offer_the_nearest():
    with pytest.raises(UsageError, match="table 'stylgan2-1': unknown; did you mean 'stylegan2-1'"):
        find_table("stylgan2-1")
