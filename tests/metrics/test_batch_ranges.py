import pytest
import torch

from stylesmith import distributed
from stylesmith.errors import RunError
from stylesmith.metrics.extraction import batch_ranges, rank_batches


def test_batches_are_dealt_out_whole_and_once(monkeypatch):
    monkeypatch.setattr(distributed, "world_size", lambda: 3)
    dealt = []
    for rank in range(3):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        dealt += rank_batches(50, 8)
    assert sorted(dealt, key=lambda part: part.start) == batch_ranges(50, 8)
    assert [i for part in batch_ranges(50, 8) for i in part] == list(range(50))


def test_one_process_is_its_own_sum():
    x = torch.randn(3)
    assert distributed.all_reduce_sum(x) is x


def test_a_process_that_is_gone_is_one_line(monkeypatch):
    def gone(tensor: torch.Tensor) -> None:
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    monkeypatch.setattr(distributed.dist, "get_backend", lambda: "gloo")
    monkeypatch.setattr(distributed.dist, "all_reduce", gone)
    with pytest.raises(RunError, match="another process is gone"):
        distributed.all_reduce_sum(torch.zeros(1))
