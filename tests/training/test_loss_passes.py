"""The passes: WGAN-GP against its definition, and the multiscale pair."""

import pytest
import torch
from torch.testing import assert_close

from stylesmith.devices import FP32
from stylesmith.networks import Growth, image_pyramid
from stylesmith.training import loss_passes
from tests.support import make_photos, make_train_step, tiny_config


@pytest.fixture
def photos(tmp_path):
    return make_photos(tmp_path / "photos", size=16)


def test_wgan_moves_the_critic_by_scores_drift_and_gradient_norms_between(photos):
    train_step = make_train_step(*tiny_config(photos, "training.loss=wgan_gp"))
    networks, training = train_step.networks, train_step.config.training
    latents, places = (
        train_step._latent_batch("discriminator", range(3)),
        torch.tensor([0.0, 0.3, 1.0]),
    )
    reals = torch.randn(3, 3, 16, 16)
    loss, stats = loss_passes.wgan_pass(networks, reals, None, latents, places, training)

    ws = loss_passes.map_and_mix(networks.generator, latents)[1]
    fakes, critic = networks.generator.synthesis(ws, latents.noise), networks.discriminator
    mixed = (reals + (fakes - reals) * places[:, None, None, None]).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed)
    penalties = (gradient.flatten(1).norm(dim=1) - 1).square()
    real, fake = critic(reals), critic(fakes)
    expected = (fake - real + 0.001 * real**2).mean() + 10 * penalties.mean()
    assert_close(loss, expected)
    assert_close(stats["wgan_penalty"], penalties.mean())
    assert "sign_real" not in stats


MULTISCALE = ("generator.connection=multiscale", "discriminator.connection=multiscale")


def test_the_multiscale_pair_learns_every_image_of_its_pyramid(photos):
    train_step = make_train_step(*tiny_config(photos, *MULTISCALE))
    to_rgb = train_step.state.generator.synthesis.blocks
    before = [block.to_rgb.weight.detach().clone() for block in to_rgb]
    from_rgb = [layer.weight.detach().clone() for layer in train_step.state.discriminator.from_rgb]
    stats = train_step.step()
    assert stats is not None and {"r1", "path_penalty"} <= stats.keys()
    assert train_step.step() is not None
    assert all(not torch.equal(a, b.to_rgb.weight) for a, b in zip(before, to_rgb, strict=True))
    now = train_step.state.discriminator.from_rgb
    assert all(not torch.equal(a, b.weight) for a, b in zip(from_rgb, now, strict=True))


def test_the_multiscale_critic_sees_reals_as_their_pyramid(photos):
    train_step = make_train_step(*tiny_config(photos, *MULTISCALE))
    reals = torch.randn(2, 3, 16, 16)
    views = train_step.networks.prepare_reals(reals)
    for view, expected in zip(views, image_pyramid(reals, 3), strict=True):
        assert torch.equal(view, expected)
    latents = train_step._latent_batch("generator", range(2))
    ws = loss_passes.map_and_mix(train_step.networks.generator, latents)[1]
    drawn = train_step.networks.generate(ws, latents)
    assert [image.shape[-1] for image in drawn] == [4, 8, 16]


def test_a_growing_critic_sees_reals_at_the_level_in_use(photos):
    settings = ("generator.connection=grow", "discriminator.connection=grow")
    train_step = make_train_step(*tiny_config(photos, *settings))
    networks = loss_passes.Networks(
        train_step.state.generator, train_step.state.discriminator, FP32, growth=Growth(1)
    )
    (view,) = networks.prepare_reals(torch.randn(2, 3, 16, 16))
    assert view.shape[-1] == 8
    assert networks.score([view], None).shape == (2,)
