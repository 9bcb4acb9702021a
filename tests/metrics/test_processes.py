"""Two processes share the batches and find what one finds."""

import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from stylesmith.metrics import extraction
from tests.metrics.fakes import tiny_model
from tests.metrics.test_evaluate import write_classifiers

ROOT = Path(__file__).parents[2]
NAMES = "fid30,kid20,pr24_3,is40,ppl_wend_10,ppl_image_6,ls_60"

WORKER = f"""
import sys
from pathlib import Path
from stylesmith import distributed
from stylesmith.data.dataset import open_dataset
from stylesmith.metrics import evaluate as evaluation, extraction, reference_statistics
from stylesmith.metrics.protocol import parse_metrics
from stylesmith.metrics.image_sources import DataSource
from tests.metrics.fakes import CPU, FakeClassifier, FakeDistance, tiny_model

evaluation.open_extractor = lambda name, device: FakeClassifier(name)
evaluation.open_distance = lambda name, device: FakeDistance(name)
extraction.batch_size = lambda size: 4
photos, classifiers, kept = map(Path, sys.argv[1:])
with distributed.process_group(CPU):
    if distributed.rank():
        reference_statistics.write_tensor_file = None  # only the main process writes
    settings = evaluation.EvaluationSettings(
        CPU, 0, 2, classifiers, reference_statistics.StatisticsCache(kept))
    real = DataSource(open_dataset(photos))
    for result in evaluation.evaluate(tiny_model(), real, parse_metrics("{NAMES}"), settings):
        print(result.to_json())
"""


def test_two_processes_are_one(measure, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "batch_size", lambda size: 4)
    classifiers = write_classifiers(tmp_path / "classifiers", 2)
    alone = measure(tiny_model(), photos, NAMES, repeats=2, classifiers=classifiers)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = (photos.dataset.path, classifiers, tmp_path / "cache")
    workers = [start(rank, port, *arguments) for rank in range(2)]
    try:
        outputs = [worker.communicate(timeout=90)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, 0]
    assert outputs[1] == ""
    together = [json.loads(line) for line in outputs[0].splitlines()]
    assert len(together) == len(alone)
    for result, line in zip(alone, together, strict=True):
        wanted = json.loads(result.to_json())
        assert line["values"] == pytest.approx(wanted["values"], rel=1e-6), result.title
        same = line.keys() - {"values", "value", "spread", "seconds", "details"}
        assert {key: line[key] for key in same} == {key: wanted[key] for key in same}
    (again,) = measure(tiny_model(), photos, "fid30", cache=tmp_path / "cache")
    assert again.value == pytest.approx(alone[0].values[0], rel=1e-6)


def start(rank: int, port: int, *arguments: Path) -> subprocess.Popen:
    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, *map(str, arguments)],
        env=os.environ | place | meeting,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
