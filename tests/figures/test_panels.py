import torch

from stylesmith.figures.panels import (
    arrange_in_rows,
    choose_columns,
    columns_of_falling_size,
    count_falling_size_images,
)


def numbered(count: int, height: int, width: int) -> torch.Tensor:
    """Image i has the value i everywhere."""
    return torch.arange(count).float()[:, None, None, None].expand(-1, 3, height, width)


def test_rows_are_filled_in_reading_order_and_what_is_left_over_is_nan():
    places = arrange_in_rows(numbered(5, 2, 3), columns=3)
    assert places.shape == (2, 3, 3, 2, 3)
    assert places[:, :, 0, 0, 0].flatten()[:5].tolist() == [0, 1, 2, 3, 4]
    assert places[1, 2].isnan().all()


def test_columns_leave_few_places_over():
    assert [choose_columns(count) for count in (1, 2, 4, 24, 25, 26)] == [1, 2, 2, 6, 5, 7]


def test_columns_of_falling_size_hold_twice_as_many_images_of_half_the_side():
    rows, lods = 3, (0, 1, 1, 3)
    count = count_falling_size_images(rows, lods)
    assert count == 3 + 6 + 6 + 24
    image = columns_of_falling_size(numbered(count, 8, 4), rows, lods, side=16)
    assert image.shape == (3, 3 * 32, 16 + 8 + 8 + 2)
    assert image[0, ::32, 0].tolist() == [0, 1, 2]
    assert image[0, ::16, 16].tolist() == list(range(3, 9))
    assert image[0, ::4, -1].tolist() == list(range(15, 39))
    areas = torch.stack([(image[0] == i).sum() for i in range(count)])
    assert areas[:3].tolist() == [32 * 16] * 3 and areas[-24:].tolist() == [4 * 2] * 24


def test_small_images_keep_every_pixel_and_large_ones_their_mean():
    images = torch.rand(3, 1, 8, 8)
    enlarged = columns_of_falling_size(images, 1, (0, 1), side=32)
    assert torch.equal(enlarged[:, 2::4, 2:32:4], images[0])
    assert torch.equal(enlarged[:, 1:16:2, 33::2], images[1])
    reduced = columns_of_falling_size(images, 1, (0, 1), side=8)
    assert torch.equal(reduced[:, :, :8], images[0])
    torch.testing.assert_close(reduced[:, :4, 8:].mean(), images[1].mean())
