"""AUC, threshold and verdicts: closed forms, and parity with an independent library."""

import math
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
import torch

from stylesmith.errors import DataError, UsageError
from stylesmith.inversion import LatentOptimizer, ProjectionSettings
from stylesmith.inversion.attribution import (
    AttributionCalibration,
    AttributionVerdict,
    DistanceSeparation,
    histogram_chart,
    open_calibration,
    read_calibration,
    roc_chart,
)
from stylesmith.inversion.projection_targets import generated_targets, real_targets
from stylesmith.networks.build import model_hash
from stylesmith.perception.extractors import open_distance
from tests.support import make_photos


@pytest.mark.parametrize(
    ("generated", "real", "auc", "threshold"),
    [
        ([1, 2], [4, 8], 1, 3),
        ([4, 8], [1, 2], 0, 1.5),  # nothing helps: the first cut loses least
        ([1, 3], [2, 4], 0.75, 1.5),
        ([1], [1], 0.5, 1),
        ([1, 2, 3], [2, 2, 9], 1 - (1 / 2 + 1 / 2 + 2) / 9, 6),
    ],
)
def test_small_cases_by_hand(generated, real, auc, threshold):
    found = DistanceSeparation.from_distances(generated, real)
    assert found.auc == pytest.approx(auc)
    if auc >= 0.5:
        assert found.threshold in (threshold, 1.5, 2.5, 3.5, 6)
        assert errors(found, found.threshold) == min(
            errors(found, t) for t in np.arange(0, 10, 0.25)
        )


def errors(found: DistanceSeparation, threshold: float) -> float:
    return np.mean(np.array(found.real) < threshold) + np.mean(
        np.array(found.generated) >= threshold
    )


def test_curve_and_area_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    generated, real = rng.normal(1, 1, 40).round(1), rng.normal(2, 1, 60).round(1)  # with ties
    found = DistanceSeparation.from_distances(generated.tolist(), real.tolist())
    truth = [1] * 40 + [0] * 60
    scores = -np.concatenate([generated, real])
    assert found.auc == pytest.approx(metrics.roc_auc_score(truth, scores))
    false, true, _ = metrics.roc_curve(truth, scores, drop_intermediate=False)
    assert np.allclose(np.array(found.roc), np.stack([false, true], axis=1))
    best = (true - false).max()
    assert 1 - errors(found, found.threshold) == pytest.approx(best)


def test_the_area_is_that_under_the_curve():
    found = DistanceSeparation.from_distances([1, 2, 5, 5], [3, 5, 8])
    x, y = np.array(found.roc).T
    assert found.auc == pytest.approx(np.trapezoid(y, x))
    assert found.roc[0] == (0, 0) and found.roc[-1] == (1, 1)


def test_charts_show_all_images():
    found = DistanceSeparation.from_distances([0.1, 0.2, 0.2], [0.5, 1.0])
    chart = ET.fromstring(histogram_chart(found, distance="random"))
    text = " ".join(chart.itertext())
    assert "generated (3)" in text and "real (2)" in text and "distance (random)" in text
    assert "AUC 1.000" in roc_chart(found)
    ET.fromstring(
        histogram_chart(DistanceSeparation.from_distances([0.0], [0.0]), distance="x")
    )  # no width at all


def test_outlines_add_up_to_all_images():
    from stylesmith.inversion.attribution import DISTANCE_BINS, _histogram_outline

    values = sorted(np.random.default_rng(1).exponential(1, 50).tolist())
    corners = _histogram_outline(values, values[-1] / DISTANCE_BINS)
    assert sum(y for _, y in corners[1:-1:2]) == pytest.approx(100)


@pytest.fixture
def calibration(generator) -> AttributionCalibration:
    found = DistanceSeparation.from_distances([0.1, 0.2, 0.3], [0.4, 0.8])
    return AttributionCalibration(
        found, model_hash(generator), "random", "weights", ProjectionSettings()
    )


def test_a_calibration_is_read_as_it_was_written(calibration, tmp_path):
    calibration.save(tmp_path / "c.json")
    assert read_calibration(tmp_path / "c.json", model=calibration.model) == calibration


def test_a_calibration_of_another_model_is_refused_with_both_hashes(calibration, tmp_path):
    calibration.save(tmp_path / "c.json")
    with pytest.raises(DataError, match=f"the model {calibration.model}, this one is beef"):
        read_calibration(tmp_path / "c.json", model="beef")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{", "["), "cannot be read"),
        (("stylesmith attribution", "x"), "no calibration"),
        (('"version": 1', '"version": 2'), "of format 2; this stylesmith reads 1"),
        (("0.1,", '"x",'), "damaged"),
        (('"steps"', '"stops"'), "damaged"),
    ],
)
def test_damaged_calibrations_are_named(calibration, tmp_path, change, message):
    path = tmp_path / "c.json"
    calibration.save(path)
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(DataError, match=f"c.json: {message}"):
        read_calibration(path, model=calibration.model)


def test_a_missing_calibration_says_how_to_make_one(tmp_path):
    with pytest.raises(DataError, match="which `stylesmith attribution MODEL --generated N"):
        read_calibration(tmp_path / "none.json", model="")


@pytest.mark.parametrize(
    ("distance", "generated", "closer", "farther"),
    [(0.15, True, 0, 2), (0.34, True, 0, 0), (0.36, False, 0, 0), (0.5, False, 1, 0)],
)
def test_verdicts_count_their_evidence(calibration, distance, generated, closer, farther):
    verdict = AttributionVerdict(distance, calibration.separation)  # the threshold is 0.35
    assert verdict.generated is generated
    assert f"{closer} of 2 real images came as close" in verdict.evidence
    assert f"{farther} of 3 generated ones came no closer" in verdict.evidence
    assert verdict.describe()["generated_by_this_network"] is generated
    assert math.isclose(verdict.describe()["threshold"], 0.35)


def test_generated_images_are_those_of_their_seeds(tiny_generator):
    network = tiny_generator(label_size=2)
    random, fixed = (
        generated_targets(network, 3, ProjectionSettings(noise=noise)) for noise in (True, False)
    )
    assert [t.name for t in random] == ["seed0000", "seed0001", "seed0002"]
    wanted = network.sample([1], label=1, noise="random", precision="fp32")[0]
    assert (random[1].image - wanted).abs().max() <= 1 / 255 + 1e-6  # whole gray levels
    assert random[1].hash != fixed[1].hash
    chosen = generated_targets(network, 3, ProjectionSettings(noise=False, label=1))
    assert chosen[1].hash == fixed[1].hash and chosen[0].hash != fixed[0].hash


def test_real_images_are_chosen_once_and_for_all(generator, tmp_path):
    photos = make_photos(tmp_path / "photos", size=8, count=16)
    settings = ProjectionSettings()
    found = real_targets(photos, generator, 5, settings)
    assert len({t.name for t in found}) == 5
    assert [t.hash for t in found] == [t.hash for t in real_targets(photos, generator, 5, settings)]
    assert all(t.image.shape == (3, 16, 16) for t in found)  # resized to the network
    with pytest.raises(UsageError, match="has 16 images, fewer than --generated 17"):
        real_targets(photos, generator, 17, settings)


def test_a_networks_own_images_come_closer_than_those_of_another(tiny_generator, make_optimizer):
    """The claim of section 5.1, on networks that were never trained."""
    own, other = (tiny_generator(seed=seed, levels=3).requires_grad_(False) for seed in (0, 1))
    optimizer = make_optimizer(own, steps=60, noise=False)
    distances = []
    for network in (own, other):
        images = network.sample(range(6), psi=0.7)
        wanted = optimizer.embed(images)
        state = optimizer.initial_state(6)
        for _ in range(60):
            state = optimizer.step(state, wanted)
        distances.append(optimizer.evaluate(state, wanted).distances[:, -1].tolist())
    found = DistanceSeparation.from_distances(*distances)
    assert np.median(found.generated) < 0.5 * np.median(found.real)
    assert found.auc > 0.95


def test_a_calibration_opens_with_its_settings_and_weights(generator, tmp_path):
    path, settings = tmp_path / "calibration.json", ProjectionSettings(steps=7)
    optimizer = LatentOptimizer(generator, open_distance("pixels", torch.device("cpu")), settings)
    made = AttributionCalibration.from_distances(optimizer, [0.1, 0.3], [0.4, 0.8])
    made.save(path)
    assert {p.name for p in tmp_path.iterdir()} == {"calibration.json", "histograms.svg", "roc.svg"}
    opened, separation = open_calibration(path, generator)
    assert (opened.settings, separation) == (settings, made.separation)
    assert opened.distance.name == "pixels"
    replace(made, distance_weights="others").save(path)
    with pytest.raises(UsageError, match="other weights of the distance 'pixels'; calibrate anew"):
        open_calibration(path, generator)


def test_a_separation_is_described_by_medians_and_rates():
    medians, rates = DistanceSeparation.from_distances([1, 2], [4, 8]).describe("pixels")
    assert medians == "Median distance (pixels): generated 1.50000, real 6.00000, ratio 0.250"
    assert rates.startswith("AUC 1.000; below the threshold 3.00000: 100% of generated images, 0%")
