"""`Generator.sample`: every form of every argument, and one clear error for each wrong one."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylesmith.errors import ModelError, UsageError
from stylesmith.latents import latents_from_seeds, noise_from_seeds
from stylesmith.networks import Growth
from stylesmith.networks.sampling_pipeline import sample_w

KINDS = [
    {},
    {"kind": "adain", "connection": "grow"},
    {"kind": "traditional", "connection": "grow", "constant_input": False},
]
SEEDS = [3, 5, 8]


@pytest.fixture
def generator(tiny_generator):
    return tiny_generator()


@pytest.fixture
def conditional(tiny_generator):
    generator = tiny_generator(label_size=3)
    generator.class_names = ("cat", "dog", "wild")
    return generator


def assert_same(first, second):
    assert_close(first, second, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("fields", KINDS, ids=str)
def test_seeds_their_z_and_their_w_give_the_same_images(tiny_generator, fields):
    generator = tiny_generator(**fields)
    wanted = generator.sample(SEEDS, psi=0.6)
    z = latents_from_seeds(SEEDS, 8)
    w = generator.mapping(z.to(wanted)).detach()
    for given in (z, z.numpy(), z.double(), z.tolist()):
        assert_same(generator.sample(z=given, psi=0.6), wanted)
    assert_same(generator.sample(w=w, psi=0.6), wanted)
    assert_same(generator.sample(w=generator.map(z.to(w), psi=0.6).detach().cpu().numpy()), wanted)
    assert_same(generator.sample(w=w[0], psi=0.6), wanted[:1])
    assert wanted.abs().max() <= 1 and wanted.shape == (3, 3, 16, 16)


@pytest.mark.parametrize("seeds", [(3, 5, 8), np.array(SEEDS), torch.tensor(SEEDS), iter(SEEDS)])
def test_seeds_are_any_whole_numbers(generator, seeds):
    assert torch.equal(generator.sample(seeds), generator.sample(SEEDS))


@pytest.mark.parametrize("batch_size", [1, 2])
def test_the_batch_size_does_not_matter(generator, batch_size):
    for noise in ("fixed", "random", "none"):
        found = generator.sample(SEEDS, noise=noise, batch_size=batch_size)
        assert_same(found, generator.sample(SEEDS, noise=noise))


def test_psi_is_a_number_or_one_per_layer(generator):
    z, w_avg = latents_from_seeds(SEEDS, 8), generator.mapping.w_avg
    ws = generator.broadcast(generator.mapping(z.to(w_avg)))
    psi = [0.0, 0.2, 0.5, 1.0, 1.3, -0.5]
    wanted = torch.lerp(w_avg.expand_as(ws), ws, torch.tensor(psi)[:, None])
    for given in (psi, np.array(psi), torch.tensor(psi)):
        assert_same(generator.sample(SEEDS, psi=given), generator.sample(w=wanted.detach()))


def test_the_center_may_be_a_w(generator):
    center = torch.randn(8)
    found = generator.sample(SEEDS, psi=0.0, center=center)
    assert_same(found, generator.sample(w=center).expand(3, -1, -1, -1))


def test_a_label_by_number_by_name_and_as_a_vector_are_one(conditional):
    wanted = conditional.sample(SEEDS, label=1)
    for given in ("dog", torch.tensor([0.0, 1.0, 0.0]), np.array([0.0, 1, 0]), np.int64(1)):
        assert torch.equal(conditional.sample(SEEDS, label=given), wanted)


def test_labels_may_be_one_per_image(conditional):
    wanted = torch.cat([conditional.sample([seed], label=i) for i, seed in enumerate(SEEDS)])
    given = [[0, 1, 2], ["cat", "dog", "wild"], range(3), torch.eye(3), np.eye(3)]
    for labels in given:
        assert_same(conditional.sample(SEEDS, label=labels), wanted)
        assert_same(conditional.sample(SEEDS, label=labels, batch_size=2), wanted)
        assert_same(conditional.sample(z=latents_from_seeds(SEEDS, 8), label=labels), wanted)


def test_each_label_has_its_own_center(conditional):
    found = conditional.sample([1, 2, 3], label=[0, 2, 0], psi=0, center="class")
    for image, number in zip(found, [0, 2, 0], strict=True):
        mean = sample_w(conditional, torch.eye(3)[number : number + 1]).mean(dim=0)
        assert_same(image[None], conditional.sample(w=mean.detach(), label=0))


def test_noise_may_be_maps(generator):
    maps = noise_from_seeds(SEEDS, 8, generator.config.noise_shapes)
    assert_same(generator.sample(SEEDS, noise=maps), generator.sample(SEEDS, noise="random"))
    assert_same(
        generator.sample(SEEDS, noise=maps, batch_size=2), generator.sample(SEEDS, noise=maps)
    )
    z = latents_from_seeds(SEEDS, 8)
    assert_same(generator.sample(z=z, noise=maps), generator.sample(SEEDS, noise="random"))
    none = [None] * len(maps)
    assert_same(generator.sample(z=z, noise=none), generator.sample(SEEDS, noise="none"))


def test_growing_networks_are_sampled_at_a_level(tiny_generator):
    generator = tiny_generator(connection="grow")
    assert generator.sample([1], growth=Growth(1)).shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": 5}, r"seeds 5: wanted a list of whole numbers, such as \[5\]"),
        ({"seeds": "5"}, "seeds '5': wanted a list"),
        ({"seeds": [0.5]}, r"seeds \[0.5\]: wanted a list of whole"),
        ({"seeds": []}, "seeds: there are none; wanted one or more"),
        ({"seeds": [-1]}, "seed -1: wanted 0 to 4294967295"),
        ({"seeds": [2**32]}, "seed 4294967296: wanted 0 to"),
        ({}, "wanted seeds, z or w, one of the three"),
        ({"seeds": [1], "z": torch.zeros(1, 8)}, "wanted seeds, z or w, one of the three"),
        ({"z": torch.zeros(2, 9)}, r"z: has the shape \(2, 9\), wanted \(N, 8\)"),
        ({"z": torch.zeros(0, 8)}, r"z: has the shape \(0, 8\), wanted \(N, 8\)"),
        ({"z": "face"}, "z 'face': wanted numbers"),
        ({"z": [[float("nan")] * 8]}, "z: holds NaN or infinity"),
        ({"w": torch.zeros(1, 5, 8)}, r"w: .* wanted \(N, 8\) or \(N, 6, 8\)"),
        ({"seeds": [1], "psi": [0.5] * 4}, r"psi: has the shape \(4,\), wanted a number, or one"),
        ({"seeds": [1], "psi": "big"}, "psi 'big': wanted numbers"),
        ({"seeds": [1], "psi": float("inf")}, "psi: holds NaN or infinity"),
        ({"seeds": [1], "center": "mean"}, "center 'mean': wanted one of 'global', 'class'"),
        ({"seeds": [1], "center": torch.zeros(3)}, r"center: has the shape \(1, 3\), wanted"),
        (
            {"seeds": [1], "noise": "const"},
            "noise 'const': wanted one of 'fixed', 'random', 'none'",
        ),
        ({"seeds": [1], "noise": "randon"}, "did you mean 'random'"),
        ({"z": torch.zeros(1, 8), "noise": "random"}, "noise 'random' belongs to seeds"),
        ({"seeds": [1], "noise": [torch.zeros(1, 1, 4, 4)]}, "noise: 1 maps, wanted 5, one per"),
        ({"seeds": [1], "noise": [torch.zeros(1, 1, 3, 3)] * 5}, r"noise map 0: has the shape"),
        ({"seeds": [1], "precision": "half"}, "precision 'half': wanted one of 'auto', 'fp32'"),
        ({"seeds": [1], "label": 0}, "this network was trained without labels"),
        ({"seeds": [1], "growth": Growth(1)}, "this network doesn't grow; leave growth out"),
        ({"seeds": [1], "batch_size": 0}, "batch_size 0: wanted 1 or more"),
    ],
)
def test_wrong_arguments_are_refused(generator, arguments, message):
    with pytest.raises(UsageError, match=message):
        generator.sample(**{"psi": 0.5} | arguments)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (None, r"this network draws by class; name one of 0-2 \(cat, dog, wild\)"),
        (3, r"class 3: this network has the classes 0-2 \(cat, dog, wild\)"),
        (-1, "class -1: this network has"),
        ("cta", "class cta: this network has the classes 0-2"),
        (1.5, "class 1.5: this network has the classes"),
        ([0, 1], "2 labels for 1 images; wanted one label, or one per image"),
        (torch.zeros(4), "a label of this network has 3 numbers, got 4"),
        (torch.zeros(1, 1, 3), "a label of this network has 3 numbers"),
    ],
)
def test_wrong_labels_are_refused(conditional, label, message):
    with pytest.raises(UsageError, match=message):
        conditional.sample([1], label=label)


@pytest.mark.parametrize("convert", ["half", "double"])
def test_weights_of_another_dtype_are_refused(generator, convert):
    with pytest.raises(UsageError, match=r"weights are torch.float(16|64), wanted torch.float32"):
        getattr(generator, convert)().sample([1])


def test_images_that_are_not_finite_are_an_error_and_not_black(generator):
    generator.synthesis.const.data.fill_(3e38)
    with pytest.raises(ModelError, match="draws no finite images"):
        generator.sample(w=np.full(8, 1e30))
