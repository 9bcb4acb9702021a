"""What settings do: psi, its layers and center, classes, and noise by layer."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylesmith.errors import UsageError
from stylesmith.sampling import NoiseSettings, SamplingSettings, sample_w
from stylesmith.sampling.parsing import parse_noise

KINDS = {
    "modulated": {},
    "adain": {"kind": "adain", "connection": "grow"},
    "traditional": {"kind": "traditional", "connection": "grow", "constant_input": False},
}
SEEDS = [3, 5, 8]


def images(pipeline, seeds=SEEDS):
    return pipeline.draw(pipeline.codes(seeds))


def apart(a, b):
    """Whether images differ by more than rounding does."""
    return (a - b).abs().max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("noise", ["fixed", "random", "none"])
def test_painting_is_sampling(make_pipeline, kind, noise):
    pipeline = make_pipeline(**KINDS[kind], settings={"psi": 0.6, "noise": NoiseSettings(noise)})
    wanted = pipeline.generator.sample(SEEDS, psi=0.6, noise=noise, precision="fp32")
    assert_close(images(pipeline), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_psi_0_gives_the_same_image_for_every_seed(make_pipeline, with_settings, kind):
    pipeline = make_pipeline(**KINDS[kind], settings={"psi": 0.0})
    first, second, third = images(pipeline)
    assert_close(first, second, atol=0, rtol=0)
    assert_close(first, third, atol=0, rtol=0)
    mean = pipeline.generator.broadcast(pipeline.generator.mapping.w_avg[None])
    assert_close(first, pipeline.generator.draw(mean)[0].clamp(-1, 1))
    assert apart(*images(with_settings(pipeline, psi=1.0))[:2])


@pytest.mark.parametrize("psi", [-2.0, -0.5, 0.3, 1.0, 2.0])
def test_psi_moves_the_chosen_layers_along_the_line_through_the_mean(make_pipeline, psi):
    pipeline = make_pipeline(settings={"psi": psi, "psi_layers": (1, 4)})
    w_avg = pipeline.generator.mapping.w_avg
    z = torch.from_numpy(np.random.RandomState(3).randn(1, 8)).float()
    w = pipeline.generator.mapping(z)[0]
    ws = pipeline.ws([3])[0]
    for layer in range(6):
        wanted = w_avg + psi * (w - w_avg) if layer in (1, 4) else w
        assert_close(ws[layer], wanted)


def test_the_center_of_a_class_is_the_mean_of_its_w(make_pipeline):
    pipeline = make_pipeline(label_size=2, settings={"psi": 0.0, "label": 1, "center": "class"})
    label = torch.tensor([[0.0, 1.0]])
    z = torch.randn(20_000, 8)
    estimate = pipeline.generator.mapping(z, label.expand(len(z), -1))
    error = estimate.std(dim=0) / 50  # of a mean of 10,000 is a hundredth
    assert ((pipeline.center - estimate.mean(dim=0)).abs() < error).all()
    assert_close(pipeline.ws([7])[0], pipeline.center.expand(6, -1))


def test_centers_of_classes_differ_and_are_found_once(make_pipeline, with_settings, monkeypatch):
    first = make_pipeline(label_size=2, settings={"psi": 0.5, "label": 0, "center": "class"})
    second = with_settings(first, psi=0.5, label=1, center="class")
    assert apart(first.center, second.center)
    monkeypatch.setattr("stylesmith.networks.sampling_pipeline.sample_w", None)  # not called again
    images(first)
    images(first.with_noise(NoiseSettings("none")))


def test_samples_of_w_are_always_the_same_and_mix_the_classes(tiny_generator):
    generator = tiny_generator(label_size=2)
    both = sample_w(generator, count=100)
    assert_close(both, sample_w(generator, count=100), atol=0, rtol=0)
    for number in (0, 1):
        own = sample_w(generator, torch.eye(2)[number : number + 1], count=100)
        assert_close(both[number::2], own[number::2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["fixed", "random"])
def test_noise_on_no_layer_is_none_and_on_all_is_all(make_pipeline, with_settings, kind, mode):
    pipeline = make_pipeline(**KINDS[kind], settings={"noise": NoiseSettings(mode, ())})
    without = with_settings(pipeline, noise=NoiseSettings("none"))
    assert torch.equal(images(pipeline), images(without))
    whole, every = (
        with_settings(pipeline, noise=NoiseSettings(mode, x)) for x in (None, tuple(range(6)))
    )
    assert torch.equal(images(whole), images(every))
    assert apart(images(whole), images(without))


@pytest.mark.parametrize("kind", KINDS)
def test_noise_reaches_only_the_layers_that_are_named(make_pipeline, kind):
    pipeline = make_pipeline(**KINDS[kind], settings={"noise": NoiseSettings("fixed", (2, 3))})
    maps = pipeline.noise_maps([0])
    assert [i for i, noise in enumerate(maps) if noise is not None] == [2, 3]
    for i in (2, 3):
        assert maps[i] is pipeline.generator.synthesis.fixed_noise[i]


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("fixed", NoiseSettings("fixed")),
        ("None", NoiseSettings("none")),
        ("2-3", NoiseSettings("fixed", (2, 3))),
        ("middle", NoiseSettings("fixed", (4, 5))),
        ("random:coarse", NoiseSettings("random", (0, 1, 2, 3))),
    ],
)
def test_noise_in_words(make_pipeline, text, choice):
    assert parse_noise(text, make_pipeline().config) == choice


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loud", "wanted 'fixed', 'random', 'none', or layers"),
        ("", "wanted 'fixed', 'random', 'none', or layers"),
        ("none:2", "none is for all layers"),
        ("2:3", "wanted 'fixed'"),
        ("8-17", "this network has the layers 0-5"),
        ("random:", "wanted numbers, ranges or names"),
    ],
)
def test_noise_that_is_none_of_these_is_refused(make_pipeline, text, message):
    with pytest.raises(UsageError, match=f"--noise .*{message}"):
        parse_noise(text, make_pipeline().config)


@pytest.mark.parametrize(
    ("fields", "settings", "message"),
    [
        ({}, {"psi_layers": (6,)}, "layer 6: this network has the layers 0-5"),
        ({}, {"noise": NoiseSettings("fixed", (9,))}, "layer 9"),
        ({}, {"center": "class"}, "center of a class: this network was trained without labels"),
        ({}, {"label": 0}, "trained without labels"),
        ({"label_size": 2}, {"label": 2}, "class 2: this network has the classes 0-1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(make_pipeline, fields, settings, message):
    with pytest.raises(UsageError, match=message):
        make_pipeline(**fields, settings=settings)


@pytest.mark.parametrize("center", ["global", "class"])
def test_a_class_is_wanted_only_where_z_is_mapped(make_pipeline, center):
    pipeline = make_pipeline(label_size=2, settings={"center": center, "psi": 1.0})
    w = torch.randn(2, 8)
    drawn = pipeline.sample(w=w)
    labeled = make_pipeline(label_size=2, settings={"label": 1, "psi": 1.0})
    assert torch.equal(drawn, labeled.sample(w=w))
    for arguments in ({"seeds": [1]}, {"z": torch.randn(1, 8)}):
        with pytest.raises(UsageError, match="draws by class; name one of 0-1"):
            pipeline.sample(**arguments)


def test_truncation_towards_a_class_wants_the_class(make_pipeline):
    pipeline = make_pipeline(label_size=2, settings={"center": "class", "psi": 0.5})
    with pytest.raises(UsageError, match="draws by class; name one of 0-1"):
        pipeline.sample(w=torch.randn(2, 8))


def test_settings_are_described_in_words():
    settings = SamplingSettings(psi=0.7, psi_layers=(0, 1, 2), noise=NoiseSettings("random", (4,)))
    about = settings.describe()
    assert (about["psi"], about["psi_layers"], about["noise"]) == (0.7, "0-2", "random:4")


def test_a_network_without_noise_inputs_draws_the_same_by_any_noise(make_pipeline, with_settings):
    pipeline = make_pipeline(noise=False)
    for choice in (NoiseSettings("none"), NoiseSettings("random"), NoiseSettings("fixed", (2,))):
        assert torch.equal(images(pipeline), images(with_settings(pipeline, noise=choice)))
