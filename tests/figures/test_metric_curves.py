"""Curves of StyleGAN's Figure 9, read back from made-up logs."""

import json
import math

import pytest
from matplotlib.figure import Figure

from stylesmith.config import RunConfig
from stylesmith.errors import ModelError, UsageError
from stylesmith.figures import FigureInput, FigureOptions
from stylesmith.figures.training_history import read_metric_curves, training_history
from stylesmith.models import RunFolder
from tests.figures.conftest import no_progress
from tests.support import CPU

FD, PPL = "fd_random_5k", "pl2_random_wend_2k"
BOTH = [(4000, {FD: 2.5, PPL: 0.5}), (8000, {FD: None, PPL: 0.75}), (12000, {FD: 1.25})]
"""A value that was not finite, and one that was not measured."""


@pytest.fixture
def make_run(tmp_path):
    """A run with these scores in its log, between other records."""

    def build(scores, name="run", growth=None) -> RunFolder:
        run = RunFolder(tmp_path / name)
        run.path.mkdir()
        config = RunConfig()
        if growth:
            grows = {"connection": "grow"}
            config = config.change(
                generator=grows, discriminator=grows, training={"growth": growth}
            )
        run.write_config(config)
        records = [{"event": "start", "images_seen": 0}]
        for seen, values in scores:
            records.append({"event": "metrics", "images_seen": seen, "scores": values})
            records.append({"event": "progress", "images_seen": seen + 1, "loss_g": 1.0})
        run.log.write_text("".join(json.dumps(record) + "\n" for record in records))
        return run

    return build


def draw(run, **choices):
    return training_history(FigureInput(run.path, CPU, FigureOptions(**choices)), no_progress)


def lines_of(chart):
    """Name, x and y of each curve; x of each vertical line."""
    axes = Figure().subplots()
    chart.plot(axes)
    curves = {line.get_label(): line for line in axes.lines if line.get_linestyle() == "-"}
    found = {name: (list(line.get_xdata()), line.get_ydata()) for name, line in curves.items()}
    return found, [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]


def test_a_history_has_the_numbers_of_the_log_and_its_gaps(make_run):
    found = read_metric_curves(make_run(BOTH))
    assert list(found) == [FD, PPL]
    assert [seen for seen, _ in found[FD]] == [seen for seen, _ in found[PPL]] == [4e3, 8e3, 12e3]
    assert found[FD][::2] == [(4000, 2.5), (12000, 1.25)] and math.isnan(found[FD][1][1])
    assert found[PPL][:2] == [(4000, 0.5), (8000, 0.75)] and math.isnan(found[PPL][2][1])


def test_quality_is_above_path_length_and_curves_break_at_gaps(make_run):
    layout = draw(make_run(BOTH))
    assert [[chart.title for chart in row] for row in layout.panels] == [[FD], [PPL]]
    curves, vertical = lines_of(layout.panels[0][0])
    x, y = curves["run"]
    assert x == [4, 8, 12] and y[0] == 2.5 and math.isnan(y[1]) and y[2] == 1.25
    assert vertical == []


def test_a_second_run_is_a_second_curve_of_what_both_measured(make_run):
    other = make_run([(1000, {"pr_random_5k3 recall": 0.1, PPL: 4.0})], "other")
    layout = draw(make_run(BOTH), other=other.path)
    ((chart,),) = layout.panels
    curves, _ = lines_of(chart)
    assert chart.title == PPL and list(curves) == ["run", "other"]
    assert curves["other"][0] == [1] and list(curves["other"][1]) == [4.0]
    assert "The logs share no Fréchet distance" in layout.caption


def test_names_of_published_metrics_are_not_called_others(make_run):
    layout = draw(make_run([(1000, {"fid10k": 30.0, "ppl2_wend_2k": 200.0})]))
    assert "fid10k and ppl2_wend_2k" in layout.caption and "not FID" not in layout.caption
    assert "not FID" in draw(make_run(BOTH, "random")).caption


def test_a_dashed_line_marks_full_resolution(make_run):
    growth = {"start": 8, "train_kimg": 600, "fade_kimg": 600, "repeats": 4}
    layout = draw(make_run(BOTH, growth=growth))
    _, vertical = lines_of(layout.panels[0][0])
    assert vertical == [7 * 1200]  # 8x8 to 1024x1024
    assert "dashed" in layout.caption


@pytest.mark.parametrize("scores", [[], [(1000, {"pr_random_5k3 recall": 0.5, "unknown": 1.0})]])
def test_a_log_without_metrics_says_how_to_have_them(make_run, scores):
    with pytest.raises(ModelError, match=r"log.jsonl: has no Fréchet .* --metrics .* --metrics-ev"):
        draw(make_run(scores))


def test_runs_that_share_no_metric_are_refused(make_run):
    other = make_run([(1000, {"fid10k": 3.0})], "other")
    with pytest.raises(UsageError, match=f"share no Fréchet .* run has {FD}.* other has fid10k"):
        draw(make_run(BOTH), other=other.path)


def test_a_model_is_no_run(make_figure_input):
    with pytest.raises(ModelError, match="lacks a run's log"):
        training_history(make_figure_input(), no_progress)
