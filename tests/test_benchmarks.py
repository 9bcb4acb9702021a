"""The yardstick must measure the same network: plain and shipped forms give the same numbers."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from stylesmith.devices import FP32
from stylesmith.training.losses import path_lengths, r1_penalty

FOLDER = Path(__file__).parents[1] / "benchmarks"
CLOSE = {"atol": 1e-4, "rtol": 1e-4}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """A function that imports a benchmark as its own command line would."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = ("plain", "measure", "step", "generate", "augment")
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


def gradients(network: nn.Module) -> dict[str, Tensor]:
    """Gradients by name; the plain copy keeps its network under `network`."""
    named = network.named_parameters()
    return {n.removeprefix("network."): p.grad for n, p in named if p.grad is not None}


def assert_same_gradients(shipped: nn.Module, plain: nn.Module) -> None:
    found, wanted = gradients(shipped), gradients(plain)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        scale = gradient.abs().max().clamp(min=1e-3)
        assert_close(found[name] / scale, gradient / scale, **CLOSE, msg=lambda m, n=name: n + m)


def test_the_plain_generator_is_the_shipped_one(load, tiny_generator):
    generator = tiny_generator(levels=4)
    plain = load("plain").PlainGenerator(generator)
    z = torch.randn(4, 8)
    assert_close(plain(z), generator(z), **CLOSE)
    for network in (generator, plain):
        ws = network.broadcast(network.mapping(z))
        maps = generator.synthesis.fixed_noise
        directions = torch.ones(4, 3, 32, 32)
        path_lengths(network.synthesis(ws, maps, precision=FP32), ws, directions).sum().backward()
    assert_same_gradients(generator, plain)


def test_the_plain_discriminator_is_the_shipped_one(load, tiny_discriminator):
    discriminator = tiny_discriminator(levels=4)
    plain = load("plain").PlainDiscriminator(discriminator)
    images = torch.randn(8, 3, 32, 32, requires_grad=True)
    scores = {network: network(images) for network in (discriminator, plain)}
    assert_close(scores[plain], scores[discriminator], **CLOSE)
    for score in scores.values():
        (r1_penalty(score, [images]).mean() + score.mean()).backward()
    assert_same_gradients(discriminator, plain)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["step", "generate"])
def test_a_benchmark_reports_both_forms(name, load, capsys):
    measure = load("measure")
    config = measure.narrow(8, 4)
    case = measure.Case(config.change(generator={"mapping": {"layers": 1}}), batch=4)
    setting = measure.Setting("tiny", case, pairs=2, device=torch.device("cpu"), precision=FP32)
    measure.PEAK_SHAPES = {"cpu": [(1, 8, 8)]}
    result = json.loads(json.dumps(load(name).run(setting)))
    assert result["path"] == "float32"
    ratio, seconds = result["ratio"], result["seconds"]
    assert ratio == pytest.approx(seconds["plain"] / seconds["shipped"], rel=1e-2)
    assert result["ratio_of_pairs"]["low"] <= ratio * 1.01
    assert result["ratio_of_pairs"]["high"] >= ratio * 0.99
    passes = {"generator", "path", "discriminator", "r1"}
    parts = passes | {"average", "undo"} if name == "step" else {"draw"}
    assert set(result["parts"]["plain"]) == parts
    assert result["share_of_peak"]["convolution"] > 0
    alone = load(name).run(replace(setting, case=replace(case, compare=False)))
    assert "ratio" not in alone and set(alone["seconds"]) == {"shipped"}


@pytest.mark.slow
def test_the_cost_of_augmentation_is_a_share_of_the_step_with_it(load):
    measure = load("measure")
    config = measure.narrow(8, 4).change(generator={"mapping": {"layers": 1}})
    case = measure.Case(config, batch=4)
    setting = measure.Setting("tiny", case, pairs=2, device=torch.device("cpu"), precision=FP32)
    result = json.loads(json.dumps(load("augment").run(setting)))
    assert set(result["seconds"]) == {"step", "augmentation"}
    low, high = result["share_of_pairs"]["low"], result["share_of_pairs"]["high"]
    assert 0 < low <= result["share"] <= high < 1


def test_the_share_weighs_lazy_passes_by_their_interval(load):
    names = ("generator", "path", "discriminator", "r1")
    weights = {"generator": 1.0, "path": 0.25, "discriminator": 1.0, "r1": 0.5}
    rounds = {
        "step": [dict.fromkeys(names, 4.0)],
        "augmentation": [dict.fromkeys(set(names) - {"path"}, 2.0)],
    }
    assert load("augment").shares(rounds, weights)["share"] == pytest.approx(5 / 16)


def test_flops_count_the_arithmetic_of_convolutions(load):
    x, weight = torch.randn(2, 3, 8, 8), torch.randn(5, 3, 3, 3)
    work = {"conv": lambda: F.conv2d(x, weight, padding=1)}
    assert load("measure").count_flops(work) == {"conv": 2 * 2 * 64 * 5 * 27}


def test_flops_are_those_of_torchs_counter(load, tiny_discriminator):
    discriminator, images = tiny_discriminator(), torch.randn(2, 3, 16, 16)

    def work() -> None:
        discriminator(images).sum().backward()

    with FlopCounterMode(display=False) as counter:
        work()
    assert load("measure").count_flops({"d": work}) == {"d": counter.get_total_flops()}


def test_a_step_weighs_lazy_passes_by_their_interval(load):
    training = load("measure").CASES["e-64"].config.training
    weights = load("step").weights(training)
    times = {"generator": 1.0, "path": 4.0, "discriminator": 10.0, "r1": 16.0, "average": 100.0}
    times["undo"] = 1000.0
    assert load("measure").weighted(times, weights) == 1 + 1 + 10 + 1 + 100 + 1000


def test_harm_begins_with_the_images_themselves_and_changes_them_more_and_more(load):
    faces = torch.randint(0, 256, (40, 3, 32, 32), dtype=torch.uint8)
    for harm, steps in load("trends").HARMS.values():
        harmed = [harm(faces, step) for step in steps]
        assert torch.equal(harmed[0], faces)
        changes = [(other.float() - faces.float()).abs().mean().item() for other in harmed]
        assert changes == sorted(changes) and changes[-1] > 10
        assert all(other.dtype == torch.uint8 and other.shape == faces.shape for other in harmed)
