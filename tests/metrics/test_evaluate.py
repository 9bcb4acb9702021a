"""From names to results: the right images, the right numbers, and what may mislead is said."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from stylesmith.data.dataset import open_dataset
from stylesmith.data.prepare import prepare_dataset
from stylesmith.errors import DataError, ModelError, UsageError
from stylesmith.latents import RandomKeys
from stylesmith.metrics.classifiers import ClassifierFacts, classifier_config, save_classifier
from stylesmith.metrics.image_sources import DataSource
from stylesmith.metrics.precision_recall import compute_precision_recall
from stylesmith.metrics.scores import frechet_distance, kernel_distance
from stylesmith.networks import build_discriminator
from tests.metrics.fakes import FakeExtractor, moments_of, tiny_model
from tests.support import make_photos


def features(source, count: int) -> torch.Tensor:
    return FakeExtractor().features(next(source.batches([range(count)])))


def values(results) -> dict[str, float]:
    return {result.title: result.value for result in results}


def test_numbers_are_those_of_the_formulas(measure, photos):
    found = values(measure(tiny_model(), photos, "fid30,fid40_full,kid20,pr24_3,nearest10"))
    real, fake = features(photos, 40), features(tiny_model(), 40)
    assert found["fid30"] == pytest.approx(
        frechet_distance(moments_of(real[:30]), moments_of(fake[:30])),
        rel=1e-4,
    )
    assert found["fid40_full"] == pytest.approx(
        frechet_distance(moments_of(real), moments_of(fake)), rel=1e-4
    )
    kernel = kernel_distance(real[:20], fake[:20], keys=RandomKeys(0))
    assert found["kid20"] == pytest.approx(kernel, rel=1e-4)
    manifolds = compute_precision_recall(real[:24], fake[:24], k=3)
    assert found["pr24_3 precision"] == manifolds.precision
    assert found["pr24_3 recall"] == manifolds.recall
    assert 0 <= found["nearest10 copies"] <= 1 and found["nearest10 ratio"] > 0


def test_metrics_of_one_network_share_a_pass_as_long_as_the_longest(measure, opened, photos):
    measure(tiny_model(), photos, "fid30,fid20,kid16")
    (extractor,) = opened
    assert extractor.seen == 30 + 30


def test_identical_sources_are_no_distance_apart(measure, photos):
    found = values(measure(photos, photos, "fid40,pr40_3,nearest40"))
    assert found["fid40"] < 1e-5
    assert found["pr40_3 precision"] == found["pr40_3 recall"] == found["pr40_3 coverage"] == 1
    assert found["nearest40 copies"] == 1 and found["nearest40 ratio"] == 0


def test_a_model_against_itself_shows_other_images(measure):
    model = tiny_model()
    found = values(measure(model, replace(model, role="real"), "fid64,nearest64"))
    other = values(measure(model, replace(tiny_model(seed_of_network=1), role="real"), "fid64"))
    assert 0 < found["fid64"] < other["fid64"]
    assert found["nearest64 ratio"] > 0


def test_the_closest_training_image_is_named(measure, photos):
    (copies, _) = measure(photos, photos, "nearest40")
    for pair in copies.details["closest"]:
        assert pair["real"] == photos.dataset.names[pair["sample"]]


def test_the_inception_score_is_of_generated_images_alone(measure):
    found = values(measure(tiny_model(), None, "is40"))
    assert 1 < found["is40 mean"] < 6 and found["is40 std"] > 0


@pytest.mark.parametrize("name", ["ppl_zfull_12", "ppl_wend_12", "ppl2_wfull_12", "ppl2_zend_12"])
def test_path_lengths_need_no_data_and_repeat_by_seed(measure, name):
    (once,), (again,), (other,) = (
        measure(tiny_model(seed=seed), None, name, seed=seed) for seed in (0, 0, 1)
    )
    assert once.value == again.value != other.value
    assert once.value > 0 and once.reals is None


def test_path_length_is_the_squared_speed_of_the_images(measure):
    """By finite differences in float64, with a step ten times as long."""
    model = tiny_model()
    (found,) = measure(model, None, "ppl2_wend_2")
    network = model.generator.double()
    ends = [network.mapping(model.z(range(2), purpose).double()) for purpose in ("z", "other z")]
    noise = [maps.double() for maps in model.noise(range(2))]
    step = 1e-3
    a, b = (
        network.synthesis.double()(network.broadcast(torch.lerp(*ends, t)), noise)
        for t in (0.0, step)
    )
    speeds = (a - b).square().mean(dim=(1, 2, 3)) / step**2
    assert found.value == pytest.approx(float(speeds.mean()), rel=0.02)


def test_per_image_lengths_average_to_that_of_the_model(measure):
    (image,) = measure(tiny_model(), None, "ppl_image_64")
    (whole,) = measure(tiny_model(), None, "ppl2_wend_400")
    assert image.value == pytest.approx(whole.value, rel=0.35)
    histogram = image.details["histogram"]
    assert sum(histogram["counts"]) >= 63 and len(histogram["edges"]) == 51
    assert len(image.details["lowest"]) == 16
    assert not set(image.details["lowest"]) & set(image.details["highest"])
    percentiles = image.details["percentiles"]
    assert percentiles["10"] < percentiles["50"] < percentiles["90"]


def test_repeats_take_other_samples_and_tell_their_spread(measure, photos):
    (result,) = measure(tiny_model(), photos, "fid30", repeats=3)
    alone = [measure(tiny_model(), photos, "fid30", seed=seed)[0] for seed in range(3)]
    singles = [
        measure(tiny_model(seed=seed), photos, "fid30", seed=seed)[0].value for seed in range(3)
    ]
    assert list(result.values) == singles
    assert result.value == pytest.approx(np.mean(singles))
    assert result.std == pytest.approx(np.std(singles, ddof=1))
    assert alone[0].std is None and len(set(singles)) == 3


def test_a_result_says_everything_it_depends_on(measure, photos):
    model = replace(tiny_model(seed=3), psi=0.5)
    (result,) = measure(model, photos, "fd_random_30", seed=3)
    line = json.loads(result.to_json())
    assert line["metric"] == "fd_random" and line["protocol"] == "fd_random_30"
    assert (line["samples"], line["reals"], line["seed"], line["psi"]) == (30, 30, 3, 0.5)
    assert (line["network"], line["network_hash"]) == ("random", "fake")
    assert line["model_hash"] == model.hash and line["data_hash"] == photos.hash
    assert line["precision"] == "float32" and line["seconds"] > 0
    assert line["value"] == result.value and line["spread"] is None


def test_real_statistics_are_cached_by_content(measure, opened, photos, tmp_path):
    names = "fid30,kid20"
    first = values(measure(tiny_model(), photos, names, cache=tmp_path / "cache"))
    copy = shutil.copytree(photos.dataset.path, tmp_path / "elsewhere")
    again = DataSource(open_dataset(copy))
    assert values(measure(tiny_model(), again, names, cache=tmp_path / "cache")) == first
    assert [extractor.seen for extractor in opened] == [60, 30]
    measure(tiny_model(), again, "fid30,fid25", cache=tmp_path / "cache")
    assert opened[-1].seen == 30 + 25  # only what was missing
    (copy / photos.dataset.names[0]).unlink()
    changed = DataSource(open_dataset(copy))
    measure(tiny_model(), changed, "fid30", cache=tmp_path / "cache")
    assert opened[-1].seen == 60


def test_what_may_mislead_is_noted(measure, photos, tmp_path):
    def notes(fake, real, name: str) -> str:
        return " ".join(measure(fake, real, name)[0].notes)

    model = tiny_model()
    assert notes(model, photos, "fid30") == ""
    assert "5 images are no more than the 6 features" in notes(model, photos, "fid5")
    assert "the data has 40 images, fewer than the name says" in notes(model, photos, "fid50")
    assert "first 15 images hold 1 of 2 classes; fid_full takes" in notes(model, photos, "fid15")
    assert "aligned faces" in notes(model, None, "ppl_wend_4")
    assert "use ppl2_wend" in notes(model, None, "ppl_wend_4")
    assert notes(model, None, "ppl2_wend_4") == ""
    assert "truncation psi=0.7" in notes(replace(model, psi=0.7), None, "ppl2_wend_4")
    sources = []
    for filter in ("box", "lanczos"):
        path = tmp_path / f"{filter}.zip"
        prepare_dataset(photos.dataset.path, path, size=(8, 8), filter=filter)
        sources.append(DataSource(open_dataset(path)))
    assert "by the filter box, the other by lanczos" in notes(sources[0], sources[1], "fid40")
    assert notes(sources[0], sources[0], "fid40") == ""


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("fid50", DataError, "holds 40 images, fid50 takes 50. Ask for fewer, as in --metrics fid"),
        ("ppl_wend", UsageError, "needs a model, whose latents it takes"),
        ("ls", UsageError, "needs attribute classifiers: --classifiers FOLDER"),
        ("is_random_30", UsageError, "random tells no classes"),
        ("is9", DataError, "10 splits need at least 10 images, got 9"),
        ("pr3_3", DataError, "needs 4 or more"),
    ],
)
def test_what_cannot_be_measured_is_refused(measure, photos, name, error, message):
    with pytest.raises(error) as raised:
        measure(photos, photos, name)
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_sources_that_do_not_fit_are_refused_before_any_work(measure, opened, photos, tmp_path):
    with pytest.raises(UsageError, match="compares with real images; name them by --data"):
        measure(tiny_model(), None, "fid30")
    with pytest.raises(DataError, match="images of 8x8, where tiny has 16x16"):
        measure(tiny_model(levels=3), photos, "fid30")
    with pytest.raises(UsageError, match=r"--repeats 2: .* holds the same images each time"):
        measure(photos, photos, "fid30", repeats=2)
    one = DataSource(open_dataset(make_photos(tmp_path / "one", count=1)))
    with pytest.raises(DataError, match="holds 1 images, fid30 needs 2 or more"):
        measure(tiny_model(), one, "fid30")
    assert sum(extractor.seen for extractor in opened) == 0


def write_classifiers(folder, count: int, *, size: int = 8, accuracy: float = 1.0):
    for place in range(count):
        network = build_discriminator(
            classifier_config((size, size), 3, max_channels=4), seed=place
        )
        save_classifier(
            folder, network, ClassifierFacts(f"a{place}", place, "d", 1, 0, accuracy, 0.5)
        )
    return folder


def test_separability_is_reported_for_both_spaces(measure, tmp_path):
    folder = write_classifiers(tmp_path / "classifiers", 3)
    z, w = measure(tiny_model(), None, "ls_200", classifiers=folder)
    assert (z.title, w.title) == ("ls_200 z", "ls_200 w")
    for result in (z, w):
        entropies = result.details["entropies"][result.part]
        assert list(entropies) == ["a0", "a1", "a2"]
        assert result.value == pytest.approx(2 ** sum(entropies.values()))
        assert 1 <= result.value <= 8


def test_classifiers_serve_as_an_extractor(measure, photos, tmp_path):
    folder = write_classifiers(tmp_path / "classifiers", 3)
    (result,) = measure(tiny_model(), photos, "fd_classifiers_30", classifiers=folder)
    assert result.metric == "fd_classifiers" and result.value > 0
    assert len(result.network_hash) == 16


def test_classifiers_that_do_not_fit_are_said(measure, photos, tmp_path):
    other = write_classifiers(tmp_path / "other", 1, size=16)
    with pytest.raises(ModelError, match="the classifiers take images of 16x16"):
        measure(tiny_model(), None, "ls_200", classifiers=other)
    poor = write_classifiers(tmp_path / "poor", 2, accuracy=0.6)
    notes = " ".join(measure(tiny_model(), photos, "ls_200", classifiers=poor)[0].notes)
    assert "2 of 2 classifiers answer less than 75% rightly, such as a0" in notes
    assert "were trained on other images than" in notes
