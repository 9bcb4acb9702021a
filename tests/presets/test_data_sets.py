"""Presets of a data set: a row, what the paper tuned for it, and no other images."""

import pytest

from stylesmith.config.training import at_level
from stylesmith.errors import ConfigError
from stylesmith.presets import PRESETS, differences
from stylesmith.presets.data_sets import CAR, DATA_SETS
from tests.presets.test_presets import build

ON_DATA = [preset for preset in PRESETS if preset.data_set]


def tuned(row: str, key: str) -> dict[str, tuple[object, object]]:
    """What a data set changes in a row."""
    (preset,) = (preset for preset in ON_DATA if preset.name == f"{row}-{key}")
    size = preset.example_size
    return differences(build(row, size), build(preset.name, size))


def test_every_row_that_the_papers_trained_on_it_is_there():
    rows = {data_set.key: set() for data_set in DATA_SETS}
    for preset in ON_DATA:
        rows[preset.data_set.key].add(preset.name.rpartition("-")[0])
    stylegan = {f"stylegan-{row}" for row in "abcdef"}
    stylegan2 = {f"stylegan2-{row}" for row in "abcdef"}
    a_and_f = {"stylegan2-a", "stylegan2-f"}
    assert rows == {
        "ffhq": stylegan | stylegan2 | {"stylegan2-a-large"},
        "celebahq": stylegan,
        "bedroom": {"stylegan-f"},
        "car": {"stylegan-f"} | stylegan2,
        "cat": {"stylegan-f"} | a_and_f,
        "church": a_and_f,
        "horse": a_and_f,
    }


def test_sizes_are_those_of_the_papers():
    sizes = {data_set.key: data_set.size[0] for data_set in DATA_SETS}
    assert sizes == {"ffhq": 1024, "celebahq": 1024, "car": 512} | dict.fromkeys(
        ["bedroom", "cat", "church", "horse"], 256
    )
    assert all(data_set.size[0] == data_set.size[1] for data_set in DATA_SETS)


def test_the_content_between_bars_is_as_wide_as_the_image_and_centered():
    height, width = CAR.content_size
    assert (width, height) == (512, 384)
    assert (CAR.size[0] - height) % 2 == 0


@pytest.mark.parametrize("row", [f"stylegan-{row}" for row in "abcdef"])
def test_on_ffhq_only_mirroring_changes(row):
    assert tuned(row, "ffhq") == {"data.mirror": (False, True)}


@pytest.mark.parametrize("row", [f"stylegan-{row}" for row in "abcdef"])
def test_on_celeba_hq_all_rows_use_wgan_gp_and_rates_up_to_002(row):
    config = build(f"{row}-celebahq", (1024, 1024))
    training = config.training
    assert (training.loss, training.r1_gamma, training.kimg) == ("wgan_gp", 0, 12000)
    assert config.data.mirror
    for name in ("generator_lr", "discriminator_lr"):
        rates = [at_level(getattr(training, name), level, 8) for level in range(9)]
        assert rates == [0.001] * 5 + [0.0015, 0.002, 0.002, 0.002]
    touched = {key.partition(".")[0] for key in tuned(row, "celebahq")}
    assert touched == {"training", "data"}


@pytest.mark.parametrize(
    ("row", "key", "kimg"),
    [
        ("stylegan-f", "bedroom", 70000),
        ("stylegan-f", "cat", 70000),
        ("stylegan-f", "car", 46000),
        ("stylegan2-d", "car", 57000),
        ("stylegan2-e", "car", 57000),
        ("stylegan2-f", "cat", 88000),
    ],
)
def test_on_most_lsun_sets_only_the_length_changes(row, key, kimg):
    assert tuned(row, key) == {"training.kimg": (25000, kimg)}


@pytest.mark.parametrize("row", ["stylegan2-a", "stylegan2-f"])
@pytest.mark.parametrize(("key", "kimg"), [("church", 48000), ("horse", 100000)])
def test_church_and_horse_have_gamma_100(row, key, kimg):
    assert tuned(row, key) == {"training.kimg": (25000, kimg), "training.r1_gamma": (10, 100)}


def test_mirroring_that_was_asked_for_stays():
    assert build("stylegan2-f-cat", (256, 256), mirror=True).data.mirror
    assert not build("stylegan2-f-cat", (256, 256)).data.mirror


@pytest.mark.parametrize("preset", ON_DATA, ids=lambda preset: preset.name)
def test_other_images_are_refused_with_what_fits(preset):
    row = preset.name.rpartition("-")[0]
    with pytest.raises(ConfigError) as raised:
        build(preset.name, (128, 128))
    text, side = str(raised.value), preset.data_set.size[0]
    assert text.startswith(f"{preset.name} is for {side}x{side} RGB without labels")
    assert f", the data is 128x128 RGB; use {row}, or " in text
    assert "\n" not in text
    build(row, (128, 128))


@pytest.mark.parametrize(
    ("name", "size", "fields", "message"),
    [
        ("stylegan2-f-cat", (512, 512), {}, "the data is 512x512 RGB; .*, or --resolution 256$"),
        ("stylegan2-f-cat", (256, 256), {"channels": 1}, "256x256 gray; .*, or --channels 3$"),
        ("stylegan2-f-cat", (256, 256), {"channels": 4}, "256x256 RGBA; .*, or --channels 3$"),
        (
            "stylegan2-f-cat",
            (256, 256),
            {"label_size": 10},
            "256x256 RGB with labels of length 10; .*, or leave --conditional out$",
        ),
        (
            "stylegan-f-bedroom",
            (32, 32),
            {"channels": 1},
            "use stylegan-f, or --resolution 256 and --channels 3$",
        ),
        (
            "stylegan2-f-car",
            (384, 512),
            {},
            r"\(512x384 between black bars\), the data is 512x384 RGB; use stylegan2-f, or "
            "`data prepare --resolution 512 --picture 512x384`$",
        ),
    ],
)
def test_advice_names_every_misfit_and_nothing_else(name, size, fields, message):
    with pytest.raises(ConfigError, match=message):
        build(name, size, **fields)
