"""The optimizer finds what was drawn, and each image by itself."""

import pytest
import torch
from torch.testing import assert_close

from stylesmith.errors import UsageError
from stylesmith.inversion import LatentOptimizer
from stylesmith.inversion.latent_optimizer import ProjectionState, cat_states, w_statistics
from stylesmith.networks import Growth
from stylesmith.networks.sampling_pipeline import sample_w


def optimize(optimizer: LatentOptimizer, images: torch.Tensor, *, steps: int) -> ProjectionState:
    """So many steps and an evaluation."""
    wanted = optimizer.embed(images)
    state = optimizer.evaluate(optimizer.initial_state(len(images)), wanted)
    for _ in range(steps):
        state = optimizer.step(state, wanted)
    return optimizer.evaluate(state, wanted)


def test_the_start_and_the_scale_are_the_mean_and_the_spread_of_w(generator):
    w, found = sample_w(generator), w_statistics(generator)
    assert len(w) == 10_000
    assert_close(found.mean, w.mean(0))
    assert found.sigma**2 == pytest.approx(float(w.var(0, unbiased=False).sum()), rel=1e-4)


def test_a_class_has_a_mean_of_its_own(tiny_generator):
    network = tiny_generator(label_size=2)
    zero, one, both = (w_statistics(network, label).mean for label in (0, 1, None))
    assert (zero - one).abs().max() > 0.1
    # both takes other latents of each class
    assert_close(both, (zero + one) / 2, atol=0.05, rtol=0)
    with pytest.raises(UsageError, match="class 2"):
        w_statistics(network, 2)


def test_a_drawn_image_is_found(generator, make_optimizer):
    optimizer = make_optimizer(generator, steps=60, noise=False)
    w = generator.mapping(torch.randn(3, 8))
    images = generator.draw(generator.broadcast(w))  # not clipped, as a file would have it
    state = optimize(optimizer, images, steps=60)
    assert (state.distances[:, 1] < 0.02 * state.distances[:, 0]).all()


@pytest.mark.parametrize("space", ["w", "w+"])
@pytest.mark.parametrize("noise", [True, False])
def test_an_image_is_found_alike_in_any_batch(generator, make_optimizer, space, noise):
    optimizer = make_optimizer(generator, exact=True, space=space, noise=noise)
    images = torch.randn(3, 3, 16, 16, dtype=torch.double)
    together = optimize(optimizer, images, steps=20)
    alone = cat_states([optimize(optimizer, images[i : i + 1], steps=20) for i in range(3)])
    assert_close(together.rows, alone.rows, rtol=1e-4, atol=1e-4)  # convolutions are fp32
    assert (together.rows[0] - together.rows[1]).abs().max() > 0.1  # nor are all the same


def test_one_w_or_one_for_each_layer(generator, make_optimizer, targets):
    images = targets[0].image[None]
    for space, layers in (("w", 1), ("w+", 6)):
        optimizer = make_optimizer(generator, space=space)
        w = optimizer.variables.w(optimize(optimizer, images, steps=5).rows)
        assert w.shape == (1, layers, 8)
        assert optimizer.variables.broadcast(w).shape == (1, 6, 8)
    assert len({tuple(row.tolist()) for row in w[0]}) == 6


def test_without_noise_the_networks_own_maps_stay(generator, make_optimizer, targets):
    optimizer = make_optimizer(generator, noise=False)
    state = optimize(optimizer, targets[0].image[None], steps=3)
    assert state.rows.shape == (1, 8)
    for found, own in zip(
        optimizer.variables.noise_maps(state.rows), generator.synthesis.fixed_noise, strict=True
    ):
        assert found is own
    assert (state.regularizers == 0).all()


def test_noise_maps_stay_normalized_and_move(generator, make_optimizer, targets):
    optimizer = make_optimizer(generator)
    state = optimize(optimizer, targets[0].image[None], steps=10)
    start = optimizer.variables.optimized_noise(optimizer.initial_state(1).rows)
    for noise, before in zip(optimizer.variables.optimized_noise(state.rows), start, strict=True):
        assert_close(noise.mean(), torch.tensor(0.0), atol=1e-5, rtol=0)
        assert_close(noise.square().mean(), torch.tensor(1.0))
        assert (noise - before).abs().max() > 0.01


def test_the_regularizer_keeps_the_image_out_of_the_noise(generator, make_optimizer):
    """A smooth image that w cannot draw: without the regularizer it moves into the maps."""
    x = torch.linspace(-1, 1, 16).expand(1, 3, 16, 16)
    free, held = (
        optimize(make_optimizer(generator, steps=50, noise_weight=weight), x, steps=50)
        for weight in (1e-8, 1e5)
    )
    assert free.distances[0, -1] < held.distances[0, -1]
    assert free.regularizers[0, -1] / 1e-8 > 30 * held.regularizers[0, -1] / 1e5


def test_the_first_step_moves_no_w(generator, make_optimizer, targets):
    """At time 0 the learning rate is 0; the noise maps are normalized all the same."""
    optimizer = make_optimizer(generator)
    before = optimizer.initial_state(1)
    after = optimizer.step(before, optimizer.embed(targets[0].image[None]))
    assert torch.equal(optimizer.variables.w(after.rows), optimizer.variables.w(before.rows))
    assert (after.first != 0).any() and (before.first == 0).all()


def test_noise_on_w_is_of_the_scale_of_the_schedule(generator, make_optimizer):
    optimizer = make_optimizer(generator, space="w+", steps=1000)
    found = torch.cat([optimizer._w_noise(step) for step in range(100)])
    wanted = 0.05 * optimizer.statistics.sigma * (1 - 0.05 / 0.75) ** 2  # in the middle of them
    assert float(found.std()) == pytest.approx(wanted, rel=0.1)
    assert (optimizer._w_noise(750) == 0).all()
    one, two = (optimizer._w_noise(step).flatten() for step in (1, 2))
    assert torch.corrcoef(torch.stack([one, two]))[0, 1].abs() < 0.5  # 48 numbers, afresh


def test_seeds_optimize_in_other_ways(generator, make_optimizer, targets):
    rows = [
        optimize(make_optimizer(generator, seed=seed), targets[0].image[None], steps=3).rows
        for seed in (0, 0, 1)
    ]
    assert torch.equal(rows[0], rows[1]) and not torch.equal(rows[0], rows[2])


def test_a_network_that_still_grows_is_projected_at_its_size(tiny_generator, make_optimizer):
    network = tiny_generator(kind="adain", connection="grow", levels=4).requires_grad_(False)
    network.growth = Growth(2, 1.0)
    optimizer = make_optimizer(network)
    state = optimize(optimizer, torch.randn(1, 3, 16, 16), steps=2)
    assert [m.shape[-1] for m in optimizer.variables.optimized_noise(state.rows)] == [
        4,
        4,
        8,
        8,
        16,
        16,
    ]
    assert len(optimizer.variables.noise_maps(state.rows)) == len(network.config.noise_shapes) == 8
