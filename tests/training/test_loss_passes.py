"""The passes: WGAN-GP against its definition, and the multiscale pair."""

import pytest
import torch
from torch.testing import assert_close

from stylesmith.devices import FP32
from stylesmith.networks import Growth, image_pyramid
from stylesmith.training import loss_passes
from tests.support import make_learner, make_photos, tiny_config


@pytest.fixture
def photos(tmp_path):
    return make_photos(tmp_path / "photos", size=16)


def test_wgan_moves_the_critic_by_scores_drift_and_gradient_norms_between(photos):
    learner = make_learner(*tiny_config(photos, "training.loss=wgan_gp"))
    players, training = learner.networks, learner.config.training
    draw, places = learner._latent_batch("discriminator", range(3)), torch.tensor([0.0, 0.3, 1.0])
    reals = torch.randn(3, 3, 16, 16)
    loss, stats = loss_passes.wgan_pass(players, reals, None, draw, places, training)

    ws = loss_passes.map_and_mix(players.generator, draw)[1]
    fakes, critic = players.generator.synthesis(ws, draw.noise), players.discriminator
    mixed = (reals + (fakes - reals) * places[:, None, None, None]).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed)
    penalties = (gradient.flatten(1).norm(dim=1) - 1).square()
    real, fake = critic(reals), critic(fakes)
    wanted = (fake - real + 0.001 * real**2).mean() + 10 * penalties.mean()
    assert_close(loss, wanted)
    assert_close(stats["wgan_penalty"], penalties.mean())
    assert "sign_real" not in stats


MULTISCALE = ("generator.connection=multiscale", "discriminator.connection=multiscale")


def test_the_multiscale_pair_learns_every_image_of_its_pyramid(photos):
    learner = make_learner(*tiny_config(photos, *MULTISCALE))
    to_rgb = learner.state.generator.synthesis.blocks
    before = [block.to_rgb.weight.detach().clone() for block in to_rgb]
    from_rgb = [layer.weight.detach().clone() for layer in learner.state.discriminator.from_rgb]
    stats = learner.step()
    assert stats is not None and {"r1", "path_penalty"} <= stats.keys()
    assert learner.step() is not None
    assert all(not torch.equal(a, b.to_rgb.weight) for a, b in zip(before, to_rgb, strict=True))
    now = learner.state.discriminator.from_rgb
    assert all(not torch.equal(a, b.weight) for a, b in zip(from_rgb, now, strict=True))


def test_the_multiscale_critic_sees_reals_as_their_pyramid(photos):
    learner = make_learner(*tiny_config(photos, *MULTISCALE))
    reals = torch.randn(2, 3, 16, 16)
    views = learner.networks.prepare_reals(reals)
    for view, wanted in zip(views, image_pyramid(reals, 3), strict=True):
        assert torch.equal(view, wanted)
    draw = learner._latent_batch("generator", range(2))
    ws = loss_passes.map_and_mix(learner.networks.generator, draw)[1]
    drawn = learner.networks.generate(ws, draw)
    assert [image.shape[-1] for image in drawn] == [4, 8, 16]


def test_a_growing_critic_sees_reals_at_the_level_in_use(photos):
    settings = ("generator.connection=grow", "discriminator.connection=grow")
    learner = make_learner(*tiny_config(photos, *settings))
    players = loss_passes.Networks(
        learner.state.generator, learner.state.discriminator, FP32, growth=Growth(1)
    )
    (view,) = players.prepare_reals(torch.randn(2, 3, 16, 16))
    assert view.shape[-1] == 8
    assert players.score([view], None).shape == (2,)
