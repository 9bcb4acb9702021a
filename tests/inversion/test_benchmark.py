"""The benchmark of projection times steps of one picture and of a batch."""

import importlib
import sys
from pathlib import Path

import torch

from stylesmith.devices import FP32

FOLDER = Path(__file__).parents[2] / "benchmarks"


def test_it_reports_one_image_and_a_batch(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    try:
        measure, project = map(importlib.import_module, ("measure", "project"))
        config = measure.narrow(8, 4).change(generator={"mapping": {"layers": 1}})
        case = measure.Case(config, batch=2)
        result = project.run(measure.Setting("tiny", case, 2, torch.device("cpu"), FP32))
    finally:
        for name in ("measure", "project"):
            sys.modules.pop(name, None)
    seconds, minutes = result["seconds_per_step"], result["minutes_per_thousand_steps"]
    assert set(seconds) == {"one", "batch"} and min(seconds.values()) > 0
    for form in seconds:
        assert abs(minutes[form] - seconds[form] * 1000 / 60) < 0.01 * minutes[form]
