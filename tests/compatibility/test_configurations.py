"""Presets keep every value, and files of 0.1.0 mean what they meant; new fields may join them."""

import json

import pytest

from tests.compatibility import access, observe
from tests.compatibility.compare import lost, pinned

PRESETS = pinned("presets")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_keeps_every_value(name, tmp_path):
    assert lost(PRESETS[name], observe.preset_json(name, tmp_path)) == []


def test_an_empty_file_means_what_it_meant():
    assert lost(pinned("default_config"), access.default_config()) == []


@pytest.mark.parametrize("name", ["tiny", "adain", "traditional"])
def test_a_stored_configuration_is_read_and_written_as_it_was(name):
    value = json.loads((observe.run_path(name) / "config.json").read_text(encoding="utf-8"))
    assert lost(value, access.reread_config(value)) == []
