"""The card beside a model."""

from stylesmith.config import DataConfig
from stylesmith.models.model_card import training_card
from stylesmith.presets.own_presets import tiny


def test_a_card_names_those_who_ask_to_be_named():
    data = DataConfig(size=(32, 32), credit="Drawings by A. Artist, CC BY 4.0")
    card = training_card(tiny(data), size=(32, 32), images_seen=1500, source="faces.zip")
    assert "| Images by | Drawings by A. Artist, CC BY 4.0 |" in card
    assert "1.5 thousand images" in card
    unnamed = training_card(
        tiny(DataConfig(size=(32, 32))), size=(32, 32), images_seen=1500, source="faces.zip"
    )
    assert "Images by" not in unnamed
