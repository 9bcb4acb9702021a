"""Names of metrics mean what the published tables mean, and read back."""

import pytest

from stylesmith.errors import UsageError
from stylesmith.metrics.protocol import KNOWN_METRIC_NAMES, Metric, parse_metric, parse_metrics


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("fid50k", Metric("fd", "inception", 50_000, max_reals=50_000)),
        ("fid50k_full", Metric("fd", "inception", 50_000, all_reals=True)),
        ("fid300", Metric("fd", "inception", 300, max_reals=300)),
        ("kid50k", Metric("kd", "inception", 50_000, max_reals=50_000)),
        ("kid50k_full", Metric("kd", "inception", 50_000, max_reals=1_000_000, all_reals=True)),
        ("is50k", Metric("is", "inception", 50_000, max_reals=50_000)),
        ("pr50k3", Metric("pr", "vgg16", 50_000, max_reals=50_000, k=3)),
        ("pr50k3_full", Metric("pr", "vgg16", 50_000, max_reals=200_000, k=3, all_reals=True)),
        ("pr800_5", Metric("pr", "vgg16", 800, max_reals=800, k=5)),
        (
            "ppl_zfull",
            Metric("ppl", "lpips", 50_000, space="z", whole_path=True, crop_to_face=True),
        ),
        ("ppl_wend", Metric("ppl", "lpips", 50_000, crop_to_face=True)),
        ("ppl2_wend", Metric("ppl", "lpips", 50_000)),
        ("ppl2_zend_64", Metric("ppl", "lpips", 64, space="z")),
        ("ppl_image", Metric("ppl_image", "lpips", 2_000)),
        ("ls", Metric("ls", "classifiers", 200_000)),
        ("nearest", Metric("nearest", "vgg16", 10_000)),
        ("fd_random_10k", Metric("fd", "random", 10_000, max_reals=10_000)),
        ("pl2_pixels_wend", Metric("ppl", "pixels", 50_000)),
    ],
)
def test_names_mean_what_the_tables_say(name, metric):
    assert parse_metric(name) == metric


@pytest.mark.parametrize("extractor", [None, "random", "vgg16"])
@pytest.mark.parametrize("protocol", ["paper", "small"])
@pytest.mark.parametrize(
    "name", [*KNOWN_METRIC_NAMES, "fid123", "pr12_7", "pr_random_50k3_full", "ls_300"]
)
def test_exact_names_read_back(name, extractor, protocol):
    metric = parse_metric(name, extractor=extractor, protocol=protocol)
    assert parse_metric(metric.name) == metric
    assert metric.name.startswith(metric.title)


@pytest.mark.parametrize("name", ["fid50k", "fid", "kid50k", "is50k", "pr50k3", "ppl_wend"])
def test_a_published_name_belongs_to_the_published_network_alone(name):
    ours = parse_metric(name, extractor="random").name
    assert not ours.startswith(("fid", "kid", "ppl")) and "_random" in ours
    assert "random" not in parse_metric(name).name


def test_a_distance_other_than_lpips_is_asked_for_by_random_alone():
    assert parse_metric("ppl_wend", extractor="vgg16").network == "lpips"
    assert parse_metric("ls", extractor="random").network == "classifiers"


def test_the_protocol_decides_where_a_name_gives_no_number():
    assert parse_metric("fid", protocol="small").count == 5_000
    assert parse_metric("fid50k", protocol="small").count == 50_000
    assert parse_metric("ls", protocol="small").count == 20_000


def test_several_names_are_read_once_each():
    names = [metric.name for metric in parse_metrics("fid50k, pr50k3,fid,")]
    assert names == ["fid50k", "pr50k3"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fdi50k", "--metrics fdi50k: there is no such metric; did you mean fid50k?"),
        ("ppl_wand", "did you mean ppl_wend?"),
        ("zzz", "there are fid, fid50k"),
        ("fid1", "wanted 2 images or more"),
        ("pr5_0", "neighbors from 1 on"),
        ("fid-50", "no such metric"),
        ("fid50k_half", "did you mean fid50k"),
    ],
)
def test_unknown_names_offer_the_nearest(name, message):
    with pytest.raises(UsageError) as error:
        parse_metrics(name)
    assert message in str(error.value)


def test_no_names_are_refused():
    with pytest.raises(UsageError, match="wanted names such as"):
        parse_metrics(" , ")
