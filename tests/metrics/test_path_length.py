"""Path lengths of linear generators have closed forms."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from stylesmith.metrics.path_length import (
    crop_face,
    path_lengths,
    path_lengths_around,
    trimmed_mean,
)
from stylesmith.networks.latent_functions import slerp


def squared_distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().flatten(1).sum(dim=1)


def linear(weight: Tensor, shape: tuple[int, int]):
    return lambda points: (points @ weight).reshape(-1, 1, *shape)


def points(count: int = 6, dimension: int = 5) -> tuple[Tensor, Tensor]:
    return torch.randn(count, dimension).double(), torch.randn(count, dimension).double()


@pytest.mark.parametrize("place", [0.0, 0.37])
def test_straight_paths_of_a_linear_generator_have_the_length_of_the_image_of_their_chord(place):
    (a, b), weight = points(), torch.randn(5, 16).double()
    t = torch.full((6, 1), place).double()
    found = path_lengths(
        linear(weight, (4, 4)),
        squared_distance,
        (a, b),
        t,
        interpolate=torch.lerp,
        crop_to_face=False,
    )
    assert_close(found, ((b - a) @ weight).square().sum(dim=1), rtol=1e-6, atol=0)


@pytest.mark.parametrize("place", [0.0, 0.37])
def test_great_circles_are_walked_at_the_speed_of_their_angle(place):
    a, b = points()
    t = torch.full((6, 1), place).double()
    identity = linear(torch.eye(5).double(), (1, 5))
    found = path_lengths(
        identity, squared_distance, (a, b), t, interpolate=slerp, crop_to_face=False
    )
    angle = torch.acos(torch.cosine_similarity(a, b))
    assert_close(found, angle.square(), rtol=1e-6, atol=0)


def test_slerp_stays_on_the_sphere_between_its_normalized_ends():
    a, b = points()
    for t in (0.0, 0.25, 1.0):
        assert_close(slerp(a, b, torch.tensor(t)).norm(dim=1), torch.ones(6).double())
    assert_close(slerp(a, b, torch.tensor(0.0)), a / a.norm(dim=1, keepdim=True))
    assert_close(slerp(a, b, torch.tensor(1.0)), b / b.norm(dim=1, keepdim=True))
    assert_close(slerp(a, a, torch.tensor(0.5)), a / a.norm(dim=1, keepdim=True))


def test_slerp_does_not_depend_on_the_length_of_its_ends():
    a, b = points()
    t = torch.tensor(0.3)
    assert_close(slerp(a, b, t), slerp(5 * a, 0.1 * b, t))


def test_only_the_face_counts_where_images_are_cropped():
    image = torch.zeros(1, 1, 8, 16)
    image[:, :, 3:7, 4:12] = 1
    assert crop_face(image).shape == (1, 1, 4, 8)
    assert crop_face(image).min() == 1
    a, b = points(2, 8 * 16)
    arguments = (linear(torch.eye(128).double(), (8, 16)), squared_distance, (a, b))
    found = path_lengths(
        *arguments, torch.zeros(2, 1).double(), interpolate=torch.lerp, crop_to_face=True
    )
    face = crop_face((b - a).reshape(2, 1, 8, 16))
    assert_close(found, face.square().sum(dim=(1, 2, 3)), rtol=1e-6, atol=0)


def test_the_mean_leaves_out_both_ends():
    values = np.arange(1000.0)
    values[[0, 999]] = -1e9, 1e9
    kept = np.sort(values)[9:991]  # the 1st percentile lies at place 9.99, the 99th at 989.01
    assert trimmed_mean(values) == pytest.approx(kept.mean())
    assert trimmed_mean(np.array([3.0, 5.0])) == 4


def test_around_an_image_of_a_linear_generator_it_is_the_mean_over_the_images_of_all_chords():
    (w, end), weight = points(), torch.randn(5, 16).double()
    ends = [end, end + 1, 3 * end]
    draw = linear(weight, (4, 4))
    found = path_lengths_around(draw, lambda images: images.flatten(1), w, ends)
    wanted = sum(((end - w) @ weight).square().sum(dim=1) for end in ends) / 3
    assert_close(found, wanted, rtol=1e-6, atol=0)
