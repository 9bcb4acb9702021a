"""Settings one by one, and the difference of two configs."""

from stylesmith.config import DataConfig, apply_overrides
from stylesmith.presets import differences, flatten_settings
from stylesmith.presets.own_presets import tiny
from stylesmith.presets.stylegan2_configs import config_d, config_e
from stylesmith.presets.stylegan_configs import config_a, config_b

DATA = DataConfig(size=(32, 32))


def test_settings_are_named_as_set_takes_them():
    config = tiny(DATA)
    found = flatten_settings(config)
    assert found["generator.mapping.layers"] == 2
    assert found["data.size"] == [32, 32]
    for key, value in found.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert apply_overrides(config, [f"{key}={value}"]) == config


def test_tables_stay_whole_and_configs_do_not():
    found = flatten_settings(config_a(DATA))
    assert found["training.growth.start"] == 4
    assert found["training.generator_lr"]["1"] == {"4": 0.001, "1024": 0.0015}
    assert not [key for key in found if key.endswith(".4")]


def test_differences_are_what_changes_one_into_the_other():
    first, second = config_a(DATA), config_b(DATA)
    found = differences(first, second)
    assert found["training.growth.start"] == (4, 8)
    nested = {"training.growth.start": {"start": 8}}
    changed = first
    for key, (old, new) in found.items():
        part, name = key.split(".")[:2]
        assert old != new
        changed = changed.change(**{part: {name: nested.get(key, new)}})
    assert differences(changed, second) == {}


def test_the_name_does_not_count_and_the_other_way_round_swaps():
    config = tiny(DATA)
    assert differences(config, config.change(preset="other")) == {}
    first, second = config_d(DATA), config_e(DATA)
    swapped = {key: (b, a) for key, (a, b) in differences(second, first).items()}
    assert swapped == differences(first, second)


def test_a_part_that_only_one_has_is_one_setting():
    found = differences(config_d(DATA), config_e(DATA))
    assert found["training.growth"][1] is None
    assert not [key for key in found if key.startswith("training.growth.")]
