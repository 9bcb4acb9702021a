"""Changed inputs of every kind are read or refused with one line, and nothing else ever happens.

Half of the changes know the structure of the file, half are blind. Every case is told by its
number; `STYLESMITH_MUTATION=zips:17` runs that case alone. `pytest -s` prints the figures.
"""

import contextlib
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import support
from tests.mutations import subjects
from tests.mutations.changes import change_blindly
from tests.mutations.subjects import Subject, silently

FAST_CASES, ALL_CASES = 32, 1250
MAX_SECONDS = 20
"""Processor time of one case; all of them together take minutes."""
MAX_MEMORY = 3 << 30
"""Bytes that a case may take, at most 1 GiB of them for an image."""

SubjectMaker = Callable[[Path], list[Subject]]


def make_run(work: Path) -> Path:
    photos = support.make_photos(work / "photos", count=8)
    run = support.start(photos, work / "run", steps=4, conditional=True)
    return run.path


MAKERS: dict[str, SubjectMaker] = {
    "images": lambda work: subjects.images(),
    "zips": lambda work: subjects.zips(),
    "labels": lambda work: subjects.labels(),
    "latents": lambda work: subjects.latents(make_run(work) / "model", work),
    "models": lambda work: subjects.model_folders(make_run(work) / "model"),
    "config": lambda work: subjects.runs(make_run(work), "config"),
    "checkpoints": lambda work: subjects.runs(make_run(work), "checkpoints"),
    "logs": lambda work: subjects.runs(make_run(work), "logs"),
}


@dataclass
class Figures:
    """What a campaign over one kind reached."""

    cases: int = 0
    refused: int = 0
    slowest: float = 0.0
    memory: int = 0

    def __str__(self) -> str:
        return (
            f"{self.cases} cases, {self.cases - self.refused} accepted, {self.refused} refused, "
            f"slowest {self.slowest:.2f} s, memory {self.memory / 2**20:.0f} MiB"
        )


@contextlib.contextmanager
def bounded(limit: int = MAX_MEMORY) -> Iterator[None]:
    """Bound memory, and the processor time of a case."""

    def stop(*_: object) -> None:
        raise AssertionError(f"took more than {MAX_SECONDS} s")

    before = resource.getrlimit(resource.RLIMIT_AS)
    old = signal.signal(signal.SIGPROF, stop)
    resource.setrlimit(resource.RLIMIT_AS, (memory("VmSize") + limit, before[1]))
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.signal(signal.SIGPROF, old)


def memory(name: str) -> int:
    """Bytes of memory of this process, by their name in Linux; 1 TiB where there is no such."""
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    found = [line for line in lines if line.startswith(f"{name}:")]
    return int(found[0].split()[1]) * 1024 if found else 1 << 40


def run_case(subject: Subject, seed: str, work: Path) -> str | None:
    """Change the input, read it, and hold that nothing was written; the error if it is refused."""
    dice = random.Random(seed)
    name = dice.choice(sorted(subject.changes))
    change = subject.changes[name] if dice.random() < 0.5 else change_blindly
    content = change(subject.files[name], dice)
    reader = dice.choice(subject.readers)
    folder, out = work / "input", work / "output"
    out.mkdir()
    for other, data in (subject.files | {name: content}).items():  # type: ignore[operator]
        (folder / other).parent.mkdir(parents=True, exist_ok=True)
        (folder / other).write_bytes(data)
    before = subjects.folder_files(folder)
    with bounded():
        error = silently(reader, folder if subject.unpacked else folder / name, out)
    # Weights beyond all measure are told from others by drawing alone, in a run that goes on.
    went_on = subject.input_grows and (not error or "draws no finite images" in error)
    if not went_on:
        after = subjects.folder_files(folder)
        different = [n for n in before | after if before.get(n) != after.get(n)]
        assert not different, f"{different} changed, though: {error}"
    if error:
        assert list(out.iterdir()) == [], "a refused input left output"
    return error


def campaign(kind: str, numbers: range, work: Path) -> Figures:
    """Run the cases with these numbers."""
    made, figures = MAKERS[kind](work), Figures()
    before = memory("VmRSS")
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    for number in numbers:
        case, began = work / "case", time.process_time()
        case.mkdir()
        seed = f"{kind}:{number}"
        subject = random.Random(seed).choice(made)
        try:
            figures.refused += run_case(subject, seed, case) is not None
        except BaseException as error:
            error.add_note(f"to repeat: STYLESMITH_MUTATION={seed}")
            raise
        figures.cases += 1
        figures.slowest = max(figures.slowest, time.process_time() - began)
        shutil.rmtree(case)
    figures.memory = memory("VmHWM") - before
    print(f"\n{kind}: {figures}")
    return figures


def chosen(kind: str, numbers: range) -> range:
    """The numbers, or the one that the environment asks for."""
    wanted, _, number = os.environ.get("STYLESMITH_MUTATION", "").partition(":")
    if not wanted:
        return numbers
    if wanted != kind:
        pytest.skip("another case was asked for")
    return range(int(number), int(number) + 1)


@pytest.mark.parametrize("kind", MAKERS)
def test_some_changed_inputs(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figures = campaign(kind, chosen(kind, range(FAST_CASES)), tmp_path)
    assert figures.cases == 1 or 0 < figures.refused < figures.cases


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAKERS)
def test_ten_thousand_changed_inputs(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figures = campaign(kind, chosen(kind, range(ALL_CASES)), tmp_path)
    assert figures.cases == 1 or 0.1 < figures.refused / figures.cases < 0.95
