"""The same steps as torch's Adam; rows that have nothing to do with one another."""

import torch
from torch.testing import assert_close

from stylesmith.inversion.latent_optimizer import adam_step


def test_steps_are_those_of_torch():
    weights = torch.randn(3, 5, dtype=torch.double)
    theirs = weights.clone().requires_grad_()
    optimizer = torch.optim.Adam([theirs], lr=0.1)
    ours, first, second = weights, torch.zeros_like(weights), torch.zeros_like(weights)
    for step in range(1, 8):
        rate = 0.0 if step == 1 else 0.1 / step  # a rate of 0 still moves the means
        optimizer.param_groups[0]["lr"] = rate
        theirs.grad = torch.sin(3 * theirs).detach()
        gradient = torch.sin(3 * ours)
        optimizer.step()
        ours, first, second = adam_step(
            ours, gradient, first, second, step=step, learning_rate=rate
        )
        assert_close(ours, theirs.detach(), rtol=1e-12, atol=1e-12)
    assert not torch.equal(ours, weights)
