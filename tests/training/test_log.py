import errno
import io
import json
import math
import re
import sys
import types
from datetime import datetime

import pytest
from rich.console import Console

from stylesmith.errors import ModelError, OutputError, UsageError
from stylesmith.training import log
from stylesmith.training.log import LiveView, RunLog, TensorBoardWriter, read_log


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "log.jsonl"


def write(path, *counts, images_seen=0, event="progress"):
    log = RunLog.open(path, images_seen=images_seen)
    for count in counts:
        log.write(event, images_seen=count, steps=count // 8, loss_g=count / 2)
    log.close()


def seen(path):
    return [record["images_seen"] for record in read_log(path)]


def test_records_come_back_as_written_with_event_time_and_clocks(path):
    log = RunLog.open(path)
    written = log.write("hint", images_seen=16, steps=2, text="line\nbreak and \u00e9")
    log.close()
    (record,) = read_log(path)
    assert record == written
    time = datetime.fromisoformat(record.pop("time"))
    assert time.utcoffset().total_seconds() == 0
    assert record == {
        "event": "hint",
        "images_seen": 16,
        "steps": 2,
        "text": "line\nbreak and \u00e9",
    }


def test_a_record_is_on_disk_before_the_log_is_closed(path):
    log = RunLog.open(path)
    log.write("start", images_seen=0, steps=0)
    assert len(read_log(path)) == 1
    log.close()


def test_numbers_that_are_not_finite_become_null(path):
    log = RunLog.open(path)
    log.write("progress", images_seen=0, steps=0, a=math.nan, b=-math.inf, c={"d": [math.inf, 1]})
    log.close()
    assert not re.search("NaN|Infinity", path.read_text())
    (record,) = read_log(path)
    assert (record["a"], record["b"], record["c"]) == (None, None, {"d": [None, 1]})


def test_resuming_drops_what_lies_beyond_the_checkpoint_and_goes_on(path):
    write(path, 8, 16, 24, 32)
    write(path, 24, 40, images_seen=16)
    assert seen(path) == [8, 16, 24, 40]


def test_resuming_at_the_end_leaves_the_file_untouched(path):
    write(path, 8, 16)
    before = path.read_bytes()
    RunLog.open(path, images_seen=16).close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_line_torn_anywhere_is_dropped_and_the_next_record_is_whole(path, cut):
    write(path, 8, 16)
    path.write_bytes(path.read_bytes()[:-cut])
    survivors = [8] if cut > 1 else [8, 16]  # only the line break was lost
    assert seen(path) == survivors
    write(path, 24, images_seen=16)
    assert seen(path) == [*survivors, 24]


def test_zeros_left_by_a_power_cut_are_a_torn_line(path):
    write(path, 8)
    path.write_bytes(path.read_bytes() + b"\0" * 100)
    assert seen(path) == [8]


@pytest.mark.parametrize("damage", [b"{oops", b"[1, 2]", b'{"event": "progress"}', b"\xff\xfe"])
def test_a_damaged_line_before_the_last_is_named(path, damage):
    write(path, 8, 16, 24)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = damage + b"\n"
    path.write_bytes(b"".join(lines))
    for read in (read_log, RunLog.open):
        with pytest.raises(ModelError, match=r"log\.jsonl: line 2 is damaged.*Delete that line"):
            read(path)
    assert path.read_bytes() == b"".join(lines)  # refused, not mended


def test_a_missing_log_is_named(path):
    with pytest.raises(ModelError, match=re.escape(str(path))):
        read_log(path)


def test_a_log_that_cannot_be_opened_or_written_is_one_line(path, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="log cannot be written"):
        RunLog.open(tmp_path / "file" / "log.jsonl")

    class FullDisk(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    log = RunLog(path, FullDisk())
    with pytest.raises(OutputError, match=r"log\.jsonl: .*No space left on device.*--resume"):
        log.write("progress", images_seen=0, steps=0)


def view(*, terminal, **limits):
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=120, legacy_windows=False)
    defaults = {"total_images": None, "total_seconds": None, "start_images": 0, "title": "faces"}
    return LiveView(**defaults | limits, console=console), text


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets by hand."""
    now = types.SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(log, "time", types.SimpleNamespace(monotonic=lambda: now.seconds))
    return now


RECORD = {"loss_g": 0.91, "loss_d": 1.12, "sign_real": 0.7, "sign_fake": None, "memory_gb": 1.5}


def test_without_a_terminal_only_notes_are_printed():
    shown, text = view(terminal=False, total_images=100)
    with shown:
        shown.step(10)
        shown.show_record(RECORD)
        shown.notify("a checkpoint [was] saved")
    assert text.getvalue() == "a checkpoint [was] saved\n"


def test_long_notes_are_not_broken_without_a_terminal():
    shown, text = view(terminal=False)
    shown.notify("word " * 100)
    assert text.getvalue().count("\n") == 1


def test_terminal_shows_speed_time_left_losses_and_memory(clock):
    shown, text = view(terminal=True, total_images=4000)
    with shown:
        for _ in range(10):
            clock.seconds += 1
            shown.step(shown.images_seen + 200)
        shown.show_record(RECORD)
        shown.notify("a hint")
    for part in ("a hint", "faces", "50%", "2.0 kimg", "200.0 img/s", "10 s left", "10 s elapsed"):
        assert part in text.getvalue()
    for part in ("loss G/D 0.91/1.12", "signs real/fake 0.70/-", "1.5 GB"):
        assert part in text.getvalue()


def test_bar_follows_the_limit_that_ends_the_run_first(clock):
    shown, _ = view(terminal=False, total_images=3000, total_seconds=100, start_images=1000)
    clock.seconds += 10
    shown.step(1200)  # 20 a second: 90 s to the image limit, 90 s to the time limit
    assert shown.fraction_and_seconds_left(10) == (pytest.approx(0.1), pytest.approx(90))
    clock.seconds += 10
    shown.step(2600)
    done, left = shown.fraction_and_seconds_left(20)
    assert done == pytest.approx(0.8)
    assert left == pytest.approx(400 / (1600 / 20))
    assert shown.fraction_and_seconds_left(99) == (pytest.approx(0.99), pytest.approx(1))


def test_progress_is_bounded_and_unknown_without_limits(clock):
    shown, _ = view(terminal=False, total_images=10)
    clock.seconds += 1
    shown.step(50)
    assert shown.fraction_and_seconds_left(1) == (1.0, 0.0)
    assert view(terminal=False)[0].fraction_and_seconds_left(5) == (None, None)


def test_rate_forgets_the_distant_past(clock):
    shown, _ = view(terminal=False)
    assert shown.images_per_second is None
    for speed in (1000, 10):
        for _ in range(100):
            clock.seconds += 1
            shown.step(shown.images_seen + speed)
    assert shown.images_per_second == pytest.approx(10)


def test_missing_tensorboard_tells_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match=r'pip install "stylesmith\[tensorboard\]"'):
        TensorBoardWriter(tmp_path)


def test_tensorboard_gets_the_numbers_of_progress_and_samples(tmp_path, monkeypatch):
    calls = []

    class Writer:
        def __init__(self, folder, purge_step):
            calls.append((folder, purge_step))

        def add_scalar(self, name, value, global_step):
            calls.append((name, value, global_step))

        def flush(self):
            pass

        close = flush

    fake = types.SimpleNamespace(SummaryWriter=Writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    board = TensorBoardWriter(tmp_path, images_seen=8)
    clocks = {"time": "now", "images_seen": 16, "steps": 2}
    board.write({"event": "progress", **clocks, "loss_g": 0.5, "r1": None})
    board.write({"event": "samples", **clocks, "file": "a.png", "diversity": 1})
    board.write({"event": "checkpoint", **clocks, "file": "c", "size": 3})
    board.close()
    assert calls == [
        (str(tmp_path), 9),
        ("progress/loss_g", 0.5, 16),
        ("samples/diversity", 1, 16),
    ]


def test_log_lines_are_plain_json(path):
    write(path, 8)
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["progress"]
