import pytest
import torch

from stylesmith.config import GeneratorConfig, MappingConfig
from stylesmith.latents import RandomKeys
from stylesmith.training.loss_passes import LatentBatch, make_latent_batch

CONFIG = GeneratorConfig(levels=3, mapping=MappingConfig(z_dim=5, w_dim=6, layers=1))


def draw(
    indices=range(4), *, step=7, purpose="generator", mixing=0.5, seed=3, branch=0, level=2
) -> LatentBatch:
    return make_latent_batch(
        CONFIG,
        RandomKeys(seed, branch),
        purpose,
        step,
        indices,
        level=level,
        mixing_probability=mixing,
        label=None,
        device=torch.device("cpu"),
    )


def rows(found: LatentBatch) -> torch.Tensor:
    return torch.cat([found.z, found.mixing_z, *(n.flatten(1) for n in found.noise)], dim=1)


def test_shapes_are_those_of_the_network():
    found = draw()
    assert found.z.shape == found.mixing_z.shape == (4, 5)
    assert [tuple(noise.shape[2:]) for noise in found.noise] == CONFIG.noise_shapes
    assert all(noise.shape[:2] == (4, 1) for noise in found.noise)


def test_an_image_draws_the_same_in_any_micro_batch():
    whole = rows(draw(range(4)))
    parts = torch.cat([rows(draw([0])), rows(draw([1, 2])), rows(draw([3]))])
    assert torch.equal(whole, parts)


def test_no_number_is_used_twice():
    others = [draw(), draw(step=8), draw(purpose="path"), draw(seed=4), draw(branch=1)]
    numbers = torch.cat([rows(other).flatten() for other in others])
    assert numbers.unique().numel() > 0.999 * numbers.numel()  # float32 collides now and then
    assert numbers.mean().abs() < 0.1
    assert numbers.std().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("mixing", [0.0, 0.9, 1.0])
def test_a_share_of_the_steps_mixes_styles(mixing):
    cutoffs = [draw([0], step=step, mixing=mixing).cutoff for step in range(300)]
    mixed = [cutoff for cutoff in cutoffs if cutoff is not None]
    assert len(mixed) / len(cutoffs) == pytest.approx(mixing, abs=0.06 if 0 < mixing < 1 else 0)
    if mixed:  # every cutoff leaves each source at least one layer, and all of them occur
        assert set(mixed) == set(range(1, CONFIG.num_ws))


def test_the_cutoff_of_a_step_is_one_for_all_micro_batches():
    assert {draw([i], mixing=1.0).cutoff for i in range(20)} == {draw([0], mixing=1.0).cutoff}
