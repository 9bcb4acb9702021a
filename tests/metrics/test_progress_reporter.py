import pytest

from stylesmith.metrics import extraction
from stylesmith.metrics.extraction import ProgressReporter, batch_ranges


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time, which stands still unless it is set."""
    now = [0.0]
    monkeypatch.setattr(extraction.time, "perf_counter", lambda: now[0])
    return now


def run(clock, *, first: float, others: float, count: int = 100) -> tuple[list, list]:
    said, progress = [], []
    meter = ProgressReporter(said.append, lambda done, total: progress.append((done, total)))
    for part in meter.track(batch_ranges(count, 8), count, "fid64"):
        clock[0] += first if part.start == 0 else others
    return said, progress


def test_the_estimate_leaves_out_what_only_the_first_batch_pays_for(clock):
    said, _ = run(clock, first=500, others=30)
    assert said == ["fid64: 100 images, about 6 min"]  # 12 batches of half a minute


def test_short_passes_are_not_announced(clock):
    assert run(clock, first=50, others=1)[0] == []


def test_progress_ends_at_the_number_of_images(clock):
    _, progress = run(clock, first=0, others=0)
    assert progress[0] == (8, 100) and progress[-1] == (100, 100)
    assert progress == sorted(progress)
