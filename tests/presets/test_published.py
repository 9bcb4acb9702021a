"""Published numbers: where they belong, and which of them are certain."""

import pytest

from stylesmith.presets import PRESETS
from stylesmith.presets.published_results import (
    PUBLISHED_RESULTS,
    PublishedResults,
    PublishedValue,
    published_results_of,
)

NAMES = {preset.name for preset in PRESETS}


def test_every_result_belongs_to_a_preset():
    assert PUBLISHED_RESULTS.keys() <= NAMES


def test_all_rows_that_have_results_in_the_papers_have_them_here():
    without = {"StyleGAN2, Figure 7a", "StyleGAN2, Table 4", "StyleGAN2-ADA, Configurations", ""}
    for preset in PRESETS:
        assert (preset.results.fid is None) == (preset.source in without), preset.name


def test_reading_tells_recalled_from_confirmed():
    assert PublishedResults.parse("4.40 ~212.1") == PublishedResults(
        PublishedValue("4.40", True), PublishedValue("212.1", False)
    )
    assert PublishedResults.parse("") == PublishedResults()
    value = PublishedResults.parse("~.721").fid
    assert (str(value), value.number, value.confirmed) == ("~.721", 0.721, False)
    assert str(PublishedValue("4.40", True)) == "4.40"


def test_exactly_the_numbers_with_a_second_source_are_confirmed():
    confirmed = {
        (name, field): value.digits
        for name, results in PUBLISHED_RESULTS.items()
        for field, value in vars(results).items()
        if value and value.confirmed
    }
    row_f = {"stylegan-f", "stylegan-f-mix90", "stylegan-f-map8"}
    assert confirmed == {(name, "fid"): "4.40" for name in row_f} | {
        ("stylegan-a", "fid"): "8.04",
        ("stylegan-f-bedroom", "fid"): "2.65",
        ("stylegan-f-cat", "fid"): "8.53",
        ("stylegan2-a", "fid"): "4.40",
        ("stylegan2-f", "fid"): "2.84",
        ("stylegan2-f", "path_length"): "145.0",
        ("stylegan2-f", "precision"): ".689",
        ("stylegan2-f", "recall"): ".492",
        ("stylegan2-f-car", "fid"): "2.32",
        ("stylegan2-a-cat", "fid"): "8.53",
        ("stylegan2-a-cat", "path_length"): "924",
        ("stylegan2-f-cat", "fid"): "6.93",
        ("stylegan2-f-church", "fid"): "3.86",
        ("stylegan2-f-horse", "fid"): "3.43",
    }


@pytest.mark.parametrize("name", ["stylegan-c", "stylegan2-f", "stylegan2-a-large"])
def test_rows_stand_for_ffhq(name):
    assert published_results_of(f"{name}-ffhq") == published_results_of(name) != PublishedResults()


def test_a_preset_of_our_own_has_no_results():
    assert published_results_of("auto") == PublishedResults()


@pytest.mark.parametrize("name", PUBLISHED_RESULTS)
def test_values_are_in_the_range_of_their_metric(name):
    """A slip of columns would show: FID, path length, precision and recall differ in size."""
    results = published_results_of(name)
    assert 2 < results.fid.number < 9
    assert results.path_length is None or 100 < results.path_length.number < 1500
    for share in (results.precision, results.recall):
        assert share is None or 0.3 < share.number < 0.8
