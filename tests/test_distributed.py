import json
import os
import socket
import subprocess
import sys
from contextlib import closing

import pytest
import torch

from stylesmith import distributed

WORKER = """
import json, sys
import torch
from stylesmith import distributed as d

with d.process_group(torch.device("cpu")):
    rank = d.rank()
    small = torch.tensor(float(rank), dtype=torch.float64)
    grid = torch.full((2, 2), 10.0 * rank).t()
    d.all_reduce_mean_([small, grid])
    agreed = d.all_reduce_min_(torch.tensor([1, rank, 1 - rank]))
    d.barrier()
    print(json.dumps({
        "rank": rank, "world": d.world_size(), "main": d.is_main(),
        "average": [small.item(), grid.tolist()], "agreed": agreed.tolist(),
        "said": d.broadcast_text(f"by {rank}"),
    }))
assert d.world_size() == 1
"""


def test_one_process_needs_no_group():
    x = torch.tensor([1.0, 2.0])
    with distributed.process_group(torch.device("cpu")):
        distributed.all_reduce_mean_([x])
        distributed.barrier()
        assert (distributed.rank(), distributed.world_size()) == (0, 1)
        assert distributed.is_main()
    assert x.tolist() == [1.0, 2.0]
    assert distributed.all_reduce_min_(x).tolist() == [1.0, 2.0]
    assert distributed.broadcast_text("mine") == "mine"


def start_workers(program: str) -> list[tuple[int, str]]:
    """Run a program in two processes; the status and stdout of each."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    workers = [start_worker(rank, port, program) for rank in range(2)]
    try:
        outputs = [worker.communicate(timeout=60)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return [(w.returncode, text) for w, text in zip(workers, outputs, strict=True)]


def test_two_processes_average_and_agree():
    ended = start_workers(WORKER)
    assert [status for status, _ in ended] == [0, 0]
    found = [json.loads(text) for _, text in ended]
    assert [(f["rank"], f["world"], f["main"]) for f in found] == [(0, 2, True), (1, 2, False)]
    for result in found:
        assert result["average"] == [0.5, [[5.0, 5.0], [5.0, 5.0]]]
        assert result["agreed"] == [1, 0, 0]
        assert result["said"] == "by 0"


HANGS = """
import time
from datetime import timedelta
import torch
from stylesmith import distributed as d
from stylesmith.errors import RunError

d.TIMEOUT = timedelta(seconds=2)
try:
    with d.process_group(torch.device("cpu")):
        if d.rank():
            time.sleep(5)
        else:
            d.all_reduce_min_(torch.ones(1))
except RunError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_process_that_does_not_answer_is_one_line():
    (status, said), _ = start_workers(HANGS)
    assert status == 0
    assert said == (
        "process 0: stopped, for another process did not answer within 2 s. It hangs, or its "
        "machine is lost; start all of them again.\n"
    )


def test_a_process_that_finds_no_other_is_one_line():
    environment = {k: v for k, v in os.environ.items() if k not in {"RANK", "MASTER_ADDR"}}
    alone = "import torch; from stylesmith import distributed as d\n"
    alone += "from stylesmith.errors import RunError\n"
    alone += "try:\n    d.process_group(torch.device('cpu')).__enter__()\n"
    alone += "except RunError as error:\n    print(error)"
    done = subprocess.run(
        [sys.executable, "-c", alone],
        env=environment | {"WORLD_SIZE": "2"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("process ? of 2: could not meet the others (")
    assert done.stdout.endswith("Start all of them by torchrun, which tells them where to meet.\n")


def start_worker(rank: int, port: int, program: str = WORKER) -> subprocess.Popen:
    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | place | meeting,
        stdout=subprocess.PIPE,
        text=True,
    )
