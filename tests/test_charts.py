import math
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from stylesmith.charts import (
    PALETTE,
    decimate,
    evenly_spaced,
    format_tick,
    line_chart,
    linear_axis,
    log_axis,
    nice_step,
)

SVG = "{http://www.w3.org/2000/svg}"


def draw(series, **options):
    labels = {"title": "Loss", "x_label": "thousand images", "y_label": "loss"}
    return ET.fromstring(line_chart(series, **labels | options))


def lines(chart):
    return [
        [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
        for line in chart.iter(f"{SVG}polyline")
    ]


def texts(chart):
    return [text.text for text in chart.iter(f"{SVG}text")]


def test_one_line_per_series_in_its_own_color_with_its_name():
    chart = draw({"real": [(0, 0), (1, 1)], "fake": [(0, 1), (1, 0)]})
    strokes = [line.get("stroke") for line in chart.iter(f"{SVG}polyline")]
    assert strokes == list(PALETTE[:2])
    assert {"real", "fake", "thousand images", "loss"} <= set(texts(chart))


def test_higher_values_are_drawn_higher_and_later_ones_further_right():
    ((first, second, third),) = lines(draw({"a": [(0, 1.0), (1, 3.0), (2, 2.0)]}))
    assert first[0] < second[0] < third[0]
    assert second[1] < third[1] < first[1]  # y runs downward in SVG
    assert second[0] - first[0] == pytest.approx(third[0] - second[0], abs=0.2)


def test_equal_ratios_are_equal_distances_on_a_logarithmic_axis():
    ((low, middle, high),) = lines(draw({"a": [(0, 0.01), (1, 1.0), (2, 100.0)]}, log_y=True))
    assert low[1] - middle[1] == pytest.approx(middle[1] - high[1], abs=0.2)
    assert low[1] > high[1]


@pytest.mark.parametrize("gap", [None, math.nan, math.inf, -math.inf])
def test_a_missing_value_leaves_a_gap(gap):
    chart = draw({"a": [(0, 1), (1, 2), (2, gap), (3, 1), (4, 2)]})
    assert [len(line) for line in lines(chart)] == [2, 2]


def test_a_value_that_has_no_logarithm_leaves_a_gap():
    points = [(0, 1), (1, 2), (2, 0.0), (3, 1), (4, 2), (5, -1)]
    assert [len(line) for line in lines(draw({"a": points}, log_y=True))] == [2, 2]
    assert [len(line) for line in lines(draw({"a": points}))] == [6]


def test_a_lonely_point_is_a_dot():
    chart = draw({"a": [(5, 0.3)]})
    assert len(list(chart.iter(f"{SVG}circle"))) == 1
    assert lines(chart) == []


@pytest.mark.parametrize("series", [{}, {"a": []}, {"a": [(0, None), (1, math.nan)]}])
def test_nothing_to_draw_says_so(series):
    assert "No data yet" in texts(draw(series))


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e-12, 1e12])
@pytest.mark.parametrize("log_y", [False, True])
def test_everything_drawn_lies_inside_the_picture(value, log_y):
    series = {"flat": [(0, value), (1, value)], "steep": [(0, value), (1, value * 1e6 + 1)]}
    for line in lines(draw(series, log_y=log_y, width=400, height=200)):
        assert all(0 <= x <= 400 and 0 <= y <= 200 for x, y in line)


def test_band_spans_its_values_and_is_always_in_view():
    chart = draw({"a": [(0, 0.6), (1, 0.7)]}, band=(0.5, 0.9))
    (band,) = (r for r in chart.iter(f"{SVG}rect") if r.get("class") == "band")
    ((first, _),) = lines(chart)
    top, height = float(band.get("y")), float(band.get("height"))
    assert height > 0
    assert (top + height - first[1]) / height == pytest.approx(0.1 / 0.4, abs=0.02)


def test_ranges_widen_the_axes_and_never_cut_the_data():
    chart = draw({"a": [(5, 0.5), (10, 2.0)]}, x_range=(0, 10), y_range=(0, 1))
    assert {"0", "2"} <= set(texts(chart))
    ((first, last),) = lines(chart)
    assert last[1] < first[1] and first[0] > 200  # half-way between 0 and 10


def test_names_cannot_inject_markup_and_the_title_is_accessible():
    evil = "<script>&\"'"
    chart = draw({evil: [(0, 1), (1, 2)]}, title=evil, x_label=evil, y_label=evil)
    assert not list(chart.iter(f"{SVG}script"))
    assert chart.get("role") == "img"
    assert chart.find(f"{SVG}title").text == evil
    assert texts(chart).count(evil) == 4


def test_description_tells_where_each_line_ends():
    chart = draw({"real": [(0, 1), (1, 0.25), (2, None)], "fake": []})
    assert chart.find(f"{SVG}desc").text == "real: last value 0.25; fake: no data"


def test_text_and_axes_take_the_color_of_the_page():
    chart = draw({"a": [(0, 1), (1, 2)]})
    assert chart.get("fill") == "currentColor"
    assert all(text.get("fill") is None for text in chart.iter(f"{SVG}text"))


def test_long_legends_wrap_and_push_the_plot_down():
    few, many = (draw({f"a long name {i}": [(0, 1), (1, 2)] for i in range(n)}) for n in (1, 12))
    assert min(y for line in lines(many) for _, y in line) > min(
        y for line in lines(few) for _, y in line
    )


def test_decimation_keeps_ends_and_extremes_and_bounds_the_size():
    points = [(i, math.sin(i / 500)) for i in range(100_000)]
    points[54_321] = (54_321, 9.0)
    points[65_432] = (65_432, -9.0)
    kept = decimate(points, buckets=100)
    assert len(kept) <= 202
    assert kept[0] == points[0] and kept[-1] == points[-1]
    assert points[54_321] in kept and points[65_432] in kept
    assert all(a[0] <= b[0] for a, b in pairwise(kept))
    assert set(kept) <= set(points)


def test_decimation_keeps_a_gap_that_can_be_seen():
    points = [(i, None if 4000 <= i < 5000 else 1.0) for i in range(10_000)]
    kept = decimate(points, buckets=100)
    hidden = [x for x, y in kept if y is None]
    assert hidden and all(4000 <= x < 5000 for x in hidden)


def test_short_lines_are_not_decimated():
    points = [(i, i % 3) for i in range(100)]
    assert decimate(points, buckets=100) == points


@pytest.mark.parametrize("low, high", [(0, 1), (-3.7, 12.1), (1e-9, 3e-9), (1e6, 1.02e6), (7, 7)])
def test_linear_ticks_are_round_even_and_few_and_cover_the_data(low, high):
    axis = linear_axis([low, high], start=0, end=100, count=5)
    assert 3 <= len(axis.ticks) <= 8
    steps = [b - a for a, b in pairwise(axis.ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-3)
    mantissa = steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-9)
    assert min(abs(mantissa - nice) for nice in (1, 2, 5, 10)) < 1e-3
    assert axis.low <= low and axis.high >= high


def test_logarithmic_ticks_cover_the_data_and_stay_few():
    for low, high in ((1e-8, 1e5), (0.3, 0.4), (2, 300), (1, 1)):
        axis = log_axis([low, high], start=0, end=100, count=5)
        assert axis.low <= low and axis.high >= high
        assert 2 <= len(axis.ticks) <= 8


def test_nice_step_rounds_up_to_1_2_5():
    assert [nice_step(s) for s in (0.011, 0.2, 0.21, 7, 10)] == pytest.approx(
        [0.02, 0.2, 0.5, 10, 10]
    )


def test_ticks_are_written_short():
    values = [0, 0.25, -1.5, 1500, 2e6, 1e-5, 1e12]
    assert [format_tick(v) for v in values] == [
        "0",
        "0.25",
        "-1.5",
        "1,500",
        "2M",
        "1e-05",
        "1e+12",
    ]


@pytest.mark.parametrize("count", [0, 1, 5, 6, 40, 1001])
def test_evenly_spaced_items_keep_both_ends(count):
    kept = evenly_spaced(range(count), 5)
    assert len(kept) == min(count, 5)
    if count > 1:
        assert (kept[0], kept[-1]) == (0, count - 1)
        gaps = [b - a for a, b in pairwise(kept)]
        assert max(gaps) - min(gaps) <= 1
