"""Tuning comes closer and changes little else; the folder it leaves is a model."""

import pytest
import torch

from stylesmith.errors import OutputError
from stylesmith.inversion import Projector
from stylesmith.inversion.pivotal_tuning import PivotalTuner, PivotalTuningSettings, tune_projection
from stylesmith.models import load
from stylesmith.sampling import SamplingPipeline
from stylesmith.sampling.latent_files import load_sources
from tests.support import copies, differing


@pytest.fixture
def projected(generator, make_optimizer, targets, out):
    """A projector and an image that the network cannot draw."""
    target = type(targets[0])("x", "x.png", torch.linspace(-1, 1, 16).expand(3, 16, 16))
    projector = Projector(make_optimizer(generator, steps=10, noise=False), out)
    (found,) = projector.project([target])
    return projector, found


def make_tuner(projector, **settings) -> PivotalTuner:
    chosen = PivotalTuningSettings(**({"steps": 20, "learning_rate": 3e-3} | settings))
    return PivotalTuner(projector.optimizer, chosen)


def test_tuning_comes_closer_and_leaves_the_network_alone(projected):
    projector, found = projected
    before = copies(projector.optimizer.generator.state_dict())
    tuned = tune_projection(found, make_tuner(projector), projector.pipeline)
    assert tuned.distance < 0.5 * found.distance
    assert differing(before, projector.optimizer.generator.state_dict()) == []


def test_the_folder_is_a_model_whose_latent_draws_the_result(projected):
    from stylesmith import images as pixels

    projector, found = projected
    folder = tune_projection(found, make_tuner(projector), projector.pipeline).folder
    tuned = load(folder.path, device="cpu")
    pipeline = SamplingPipeline(tuned)
    drawn = pipeline.draw(pipeline.codes(load_sources(pipeline, [folder.latent])))[0]
    assert pixels.encode_image(drawn) == folder.result.read_bytes()
    own, other = tuned.mapping.state_dict(), projector.optimizer.generator.mapping.state_dict()
    assert differing(own, other) == []  # the pivot lives in W


def test_locality_keeps_other_images(projected):
    projector, found = projected
    generator, pipeline = projector.optimizer.generator, projector.pipeline
    codes = pipeline.codes(load_sources(pipeline, [found.folder.latent]))
    before = generator.sample(range(8))

    def drift(weight: float) -> float:
        tuner = make_tuner(projector, locality_weight=weight)
        after = tuner.tune(codes, found.target.image).sample(range(8))
        return float((after - before).square().mean())

    assert drift(3.0) < 0.7 * drift(0.0)


def test_locality_samples_are_at_distance_sigma(projected):
    projector, _ = projected
    tuner = make_tuner(projector)
    pivot = torch.randn(1, 6, 8)
    for step in range(3):
        length = torch.linalg.vector_norm(tuner._locality_ws(pivot, step) - pivot, dim=2)
        assert length == pytest.approx(projector.optimizer.statistics.sigma, rel=1e-4)


def test_what_was_tuned_is_taken_up_or_refused(projected):
    projector, found = projected
    folder = tune_projection(found, make_tuner(projector), projector.pipeline).folder
    written = folder.summary.stat().st_mtime_ns
    tune_projection(found, make_tuner(projector), projector.pipeline)
    assert folder.summary.stat().st_mtime_ns == written
    with pytest.raises(OutputError, match="was tuned by other settings"):
        tune_projection(found, make_tuner(projector, steps=3), projector.pipeline)
    projector.remove_results([found.target])
    assert not folder.summary.exists()


def test_conditional_networks_are_tuned(tiny_generator, make_optimizer, out, targets):
    network = tiny_generator(label_size=2).requires_grad_(False)
    projector = Projector(make_optimizer(network, steps=2), out)
    (found,) = projector.project(targets[:1])
    assert tune_projection(
        found, make_tuner(projector, steps=2), projector.pipeline
    ).folder.latent.is_file()
