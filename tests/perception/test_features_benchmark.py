"""The yardstick of extractors runs, and reports what it measured."""

import importlib
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def test_it_reports_rates_as_json(capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", ["features.py", "--batch", "4", "--rounds", "3"])
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    features = importlib.import_module("features")
    arguments = features.parse_arguments()
    report = features.rounded(features.run(arguments))
    assert json.loads(json.dumps(report)) == report
    assert (report["extractor"], report["dimension"], report["side"]) == ("random", 512, 32)
    assert report["range"]["low"] <= report["images_per_second"] <= report["range"]["high"]
