import pytest
from pydantic import ValidationError

from stylesmith.config import DiscriminatorConfig, GeneratorConfig, base_grid, parse_size
from stylesmith.errors import ConfigError

# Facts of the papers: feature maps per resolution of the small (E) and the large (F) networks.
WIDTHS_E = [512, 512, 512, 512, 256, 128, 64, 32, 16]
WIDTHS_F = [512, 512, 512, 512, 512, 256, 128, 64, 32]


@pytest.mark.parametrize(("channel_base", "wanted"), [(16384, WIDTHS_E), (32768, WIDTHS_F)])
def test_channels_are_those_of_the_papers(channel_base, wanted):
    config = GeneratorConfig(channel_base=channel_base)
    assert [config.channels(level) for level in range(9)] == wanted


def test_a_level_has_at_least_one_channel():
    assert DiscriminatorConfig(channel_base=8, levels=9).channels(8) == 1


def test_the_1024_generator_has_18_ws_and_17_noise_maps():
    config = GeneratorConfig(levels=9)
    assert config.num_ws == 18
    sides = [2 ** ((i + 5) // 2) for i in range(17)]
    assert config.noise_shapes == [(side, side) for side in sides]


@pytest.mark.parametrize(
    ("height", "width", "base", "levels"),
    [
        (8, 8, (4, 4), 2),
        (1024, 1024, (4, 4), 9),
        (8192, 8192, (4, 4), 12),
        (384, 512, (3, 4), 8),
        (512, 384, (4, 3), 8),
        (96, 160, (3, 5), 6),
        (64, 256, (1, 4), 7),
    ],
)
def test_base_grid_doubles_up_to_the_size(height, width, base, levels):
    assert base_grid(height, width) == (base, levels)
    assert GeneratorConfig(base=base, levels=levels).size() == (height, width)


@pytest.mark.parametrize(("height", "width"), [(720, 1280), (640, 1280), (30, 60), (5, 4)])
def test_rectangles_that_are_no_doubled_grid_are_refused(height, width):
    with pytest.raises(ConfigError, match=f"size {width}x{height}: wanted a small grid doubled"):
        base_grid(height, width)


@pytest.mark.parametrize("side", [1, 4, 7, 100, 96, 160, 1000, 16384])
def test_square_sizes_are_powers_of_two(side):
    with pytest.raises(ConfigError, match="power of two from 8 to 8192"):
        base_grid(side, side)


@pytest.mark.parametrize(
    ("text", "wanted"), [("256", (256, 256)), ("512x384", (384, 512)), (" 96 X 64 ", (64, 96))]
)
def test_sizes_are_read_as_width_times_height(text, wanted):
    assert parse_size(text) == wanted


@pytest.mark.parametrize("text", ["", "big", "-64", "64x", "64x64x3", "1e3", "6.4"])
def test_what_is_no_size_is_quoted(text):
    with pytest.raises(
        ConfigError, match=r"wanted a number such as 256, or WIDTHxHEIGHT"
    ) as caught:
        parse_size(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("base", [(3, 3), (8, 4), (0, 4), (4, -4)])
def test_base_grids_out_of_range_are_refused(base):
    with pytest.raises(ValidationError, match="base"):
        GeneratorConfig(base=base)
