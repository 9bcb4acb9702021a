"""Codes of several images: joined, cut, and mixed."""

import torch
from torch.testing import assert_close

from stylesmith.networks.latent_codes import LatentCodes, cat_codes


def codes(count, *maps):
    return LatentCodes(torch.randn(count, 4, 3), list(maps))


def test_cutting_and_joining_gives_the_same_codes():
    whole = codes(5, torch.randn(5, 1, 2, 2), torch.randn(1, 1, 4, 4), None)
    again = cat_codes([whole[:2], whole[2:3], whole[3:]])
    assert len(again) == 5
    assert torch.equal(again.ws, whole.ws)
    assert torch.equal(again.noise[0], whole.noise[0])
    assert again.noise[1] is whole.noise[1]  # shared maps are not copied
    assert again.noise[2] is None


def test_no_noise_beside_noise_is_zeros():
    noise = torch.randn(2, 1, 4, 4)
    joined = cat_codes([codes(3, None), codes(2, noise), codes(1, noise[:1])]).noise[0]
    assert joined.shape == (6, 1, 4, 4)
    assert (joined[:3] == 0).all()
    assert torch.equal(joined[3:], torch.cat([noise, noise[:1]]))


def test_styles_of_some_rows_come_from_others():
    one, many = codes(1, None), codes(3, None)
    mixed = one.with_ws_rows(many.ws, [1, 3])
    assert_close(mixed.ws[:, [1, 3]], many.ws[:, [1, 3]])
    assert_close(mixed.ws[:, [0, 2]], one.ws[:, [0, 2]].expand(3, -1, -1))
    assert torch.equal(one.with_ws_rows(many.ws, []).ws, one.ws.expand(3, -1, -1))
