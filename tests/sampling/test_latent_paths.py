"""Motions: through the images they are made of, and back to the start."""

import pytest
import torch
from torch.testing import assert_close

from stylesmith.errors import UsageError
from stylesmith.sampling import NoiseSettings, mix_styles, write_latent_file
from stylesmith.sampling.latent_files import load_sources
from stylesmith.sampling.video import latent_path, mixing_path, noise_path, render_frames

WAYS = ["smooth", "straight", "sphere"]
SEEDS = [3, 5, 8]


def same_codes(a, b):
    assert_close(a.ws, b.ws, atol=1e-5, rtol=1e-5)
    for x, y in zip(a.noise, b.noise, strict=True):
        assert (x is None) == (y is None)
        if x is not None:
            assert_close(x, y, atol=1e-6, rtol=1e-5)


def at(*times):
    return torch.tensor(times).double()


@pytest.mark.parametrize("way", WAYS)
def test_a_path_passes_every_image_and_closes(make_pipeline, way):
    pipeline = make_pipeline(settings={"psi": 0.7})
    motion = latent_path(pipeline, SEEDS, way)
    assert_close(motion(at(0, 1, 2)).ws, pipeline.ws(SEEDS))
    same_codes(motion(at(3)), motion(at(0)))
    between = motion(at(0.5)).ws
    assert (between - motion(at(0)).ws).abs().max() > 1e-3


def test_ways_differ_between_images(make_pipeline):
    pipeline = make_pipeline()
    points = [latent_path(pipeline, SEEDS, way)(at(0.5)).ws for way in WAYS]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert (points[i] - points[j]).abs().max() > 1e-3


def test_the_noise_of_a_path_is_that_of_its_first_image(make_pipeline):
    pipeline = make_pipeline(settings={"noise": NoiseSettings("random")})
    motion = latent_path(pipeline, SEEDS)
    for time in (0.0, 1.7):
        pairs = zip(motion(at(time)).noise, pipeline.codes([3]).noise, strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("way", WAYS)
def test_a_mixing_path_moves_only_its_layers(make_pipeline, way):
    pipeline = make_pipeline()
    motion = mixing_path(pipeline, 7, SEEDS, (4, 5), way)
    base = pipeline.codes([7])
    codes = motion(at(0, 1.4))
    assert_close(codes.ws[:, :4], base.ws[:, :4].expand(2, -1, -1))
    same_codes(motion(at(1)), mix_styles(base, pipeline.codes([5]), (4, 5), pipeline.config))
    same_codes(motion(at(3)), motion(at(0)))


def test_turning_noise_stays_normal_and_closes(make_pipeline):
    pipeline = make_pipeline()
    motion = noise_path(pipeline, 3)
    same_codes(motion(at(0)), pipeline.codes([3]))
    same_codes(motion(at(4)), motion(at(0)))
    own, opposite = motion(at(0)), motion(at(2))
    assert_close(own.noise[4], -opposite.noise[4], atol=1e-5, rtol=0)
    first, quarter = (motion(at(t)).noise[4].double() for t in (0, 1))
    for time in (0.3, 1.9):  # cos^2 + sin^2 = 1: the mean square goes round between both
        noise = motion(at(time)).noise[4].double()
        angle = torch.tensor(time * torch.pi / 2).double()
        assert_close(noise, angle.cos() * first + angle.sin() * quarter, atol=1e-5, rtol=0)
    assert abs(float((first * quarter).mean())) < 0.3  # the other draw has nothing to do with it


def test_the_other_noise_is_never_the_seeds_own(make_pipeline):
    pipeline = make_pipeline(settings={"noise": NoiseSettings("random", (4,))})
    for seed in (0, 1, 2):
        codes = noise_path(pipeline, seed)(at(0, 1))
        assert codes.noise[0] is None
        assert not torch.equal(codes.noise[4][0], codes.noise[4][1])


def test_files_are_keyframes_in_w_and_not_in_z(make_pipeline, tmp_path):
    pipeline = make_pipeline()
    path = tmp_path / "face.safetensors"
    write_latent_file(path, pipeline.codes([5]), model=pipeline.model_hash, settings={})
    sources = load_sources(pipeline, [3, path, 8])
    for way in ("smooth", "straight"):
        same_codes(
            latent_path(pipeline, sources, way)(at(1.5)), latent_path(pipeline, SEEDS, way)(at(1.5))
        )
    with pytest.raises(UsageError, match=r"face.safetensors: holds w and no z"):
        latent_path(pipeline, sources, "sphere")


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_frames_go_round_once_in_a_grid(make_pipeline, batch_size):
    pipeline = make_pipeline()
    pipeline.batch_size = batch_size
    cells = [latent_path(pipeline, SEEDS), latent_path(pipeline, [8, 9, 10])]
    drawn = list(render_frames(pipeline, cells, keyframes=3, frames_per_keyframe=2, columns=1))
    assert len(drawn) == 6 and drawn[0].shape == (3, 32, 16)
    assert_close(drawn[2][:, :16], pipeline.draw(pipeline.codes([5]))[0], atol=1e-4, rtol=0)
    assert_close(drawn[4][:, 16:], pipeline.draw(pipeline.codes([10]))[0], atol=1e-4, rtol=0)


def test_noise_cannot_turn_where_there_is_none(make_pipeline):
    with pytest.raises(UsageError, match="this network has no noise inputs"):
        noise_path(make_pipeline(noise=False), 3)
