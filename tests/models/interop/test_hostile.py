"""No file runs anything, whatever it is; each is refused in one line, soon, in little memory."""

import pickle
import re
import subprocess
import sys
import time

import pytest

from stylesmith.errors import ModelError
from stylesmith.models import load
from stylesmith.models.interop import describe_file, read_external
from tests.models.interop import hostile
from tests.models.interop.makers import PEAK, discriminator, generator, tensorflow_file
from tests.support import child_environment

CANARY = "/nonexistent/canary"
EXECUTED = dict(hostile.executed(CANARY))
EXHAUSTING = dict(hostile.exhausting())
MALFORMED = dict(hostile.malformed())
EVERYTHING = EXECUTED | EXHAUSTING | MALFORMED
SECONDS = 2.0
MEGABYTES = 500


def one_line(path) -> str:
    with pytest.raises(ModelError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(str(path)) and "\n" not in text and text.isprintable(), text
    assert len(text) < 500
    return text


def test_there_are_many():
    assert len(EXECUTED) >= 60
    assert len(EVERYTHING) >= 120


def test_the_commands_are_real(tmp_path):
    """What pickle itself makes of them leaves a file."""
    canary = tmp_path / "canary"
    for name in ("GLOBAL REDUCE", "memo", "protocol 0", "INST"):
        pickle.loads(dict(hostile.executed(str(canary)))[name])
        assert canary.exists()
        canary.unlink()


@pytest.mark.parametrize("name", EXECUTED)
def test_files_that_run_commands_are_refused(tmp_path, name):
    canary, path = tmp_path / "canary", tmp_path / "evil.pkl"
    content = dict(hostile.executed(str(canary)))[name]
    path.write_bytes(content)
    text = one_line(path)
    assert not canary.exists()
    if "program" not in name and "package" not in name:
        assert re.search(r"at byte \d+", text) or "nested storage" in text, text


@pytest.mark.parametrize("name", hostile.EVIL_NAMES)
def test_a_refusal_names_the_global_and_its_byte(tmp_path, name):
    content = EXECUTED[f"global {name!r}"]
    path = tmp_path / "evil.pkl"
    path.write_bytes(content)
    shown = name.replace("\n", "\\n")
    assert f"refused: it wants the global {shown} at byte {content.index(0x93)}," in one_line(path)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("INST", "os.system"),
        ("OBJ", "os.system"),
        ("NEWOBJ", "subprocess.Popen"),
        ("NEWOBJ_EX", "subprocess.Popen"),
        ("BUILD", "os.environ"),
        ("extension b'\\x82'", "opcode EXT1"),
        ("persistent text", "a persistent id os.system"),
        ("in a nested storage", "os.system at byte 123 of a nested storage"),
        ("in a torch zip", "os.system at byte 2 of archive/data.pkl"),
        ("a network's class, called", "a call of dnnlib.tflib.network.Network"),
        ("a class changed", "a change of dnnlib.tflib.network.Network"),
        ("a torch program", "a TorchScript program (it holds archive/code/__torch__.py)"),
    ],
)
def test_a_refusal_names_its_cause(tmp_path, name, what):
    path = tmp_path / "evil.pkl"
    path.write_bytes(EXECUTED[name])
    assert f"refused: {what}" in one_line(path).replace("it wants the global ", "")


@pytest.mark.parametrize("name", EXHAUSTING | MALFORMED)
def test_exhausting_and_malformed_files_are_refused_soon(tmp_path, name):
    path = tmp_path / "evil.pkl"
    path.write_bytes(EVERYTHING[name])
    start = time.process_time()
    one_line(path)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("name", [*EXECUTED, "a billion laughs", "doubled modules", *MALFORMED])
def test_inspecting_a_file_is_as_safe(tmp_path, name):
    path = tmp_path / "evil.pkl"
    path.write_bytes(EVERYTHING[name])
    try:
        lines = describe_file(path)
    except ModelError:
        assert name in ("nothing", "a web page")
        return
    assert len(lines) < 200 and all("\n" not in line and len(line) < 2000 for line in lines)
    if name.startswith("global "):
        assert any("refused" in line and "at byte" in line for line in lines)


PROGRAM = f"""
import sys, time
{PEAK}
from pathlib import Path
import torch
from stylesmith.errors import ModelError
from stylesmith.models import load
torch.zeros(1).numpy()
before = peak()
slowest = 0.0
for path in sorted(Path(sys.argv[1]).glob("*.pkl")):
    start = time.process_time()
    try:
        load(path)
    except ModelError:
        slowest = max(slowest, time.process_time() - start)
        continue
    raise SystemExit("was read: " + str(path))
print(peak() - before, slowest)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_no_file_takes_much_memory_or_time(tmp_path):
    """All of them in a fresh process, whose peak shows the most that one of them took."""
    canary = tmp_path / "canary"
    everything = dict(hostile.executed(str(canary))) | EXHAUSTING | MALFORMED
    for i, content in enumerate(everything.values()):
        (tmp_path / f"{i:03d}.pkl").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        env=child_environment(),
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    megabytes, seconds = map(float, done.stdout.split())
    print(f"{megabytes:.0f} MB, {seconds:.2f} s")
    assert megabytes < MEGABYTES
    assert seconds < SECONDS
    assert not canary.exists()


def test_source_text_in_a_file_is_never_run(tmp_path):
    """TensorFlow and ADA files carry the program of their network; ours never reads it."""
    canary = tmp_path / "canary"
    path = tensorflow_file(tmp_path / "x.pkl", generator(), discriminator())
    source = f"open({str(canary)!r}, 'w')"
    empty = b"X" + (16).to_bytes(4, "little") + b"build_module_src" + b"X\0\0\0\0"
    full = empty[:-4] + len(source).to_bytes(4, "little") + source.encode()
    content = path.read_bytes()
    assert content.count(empty) == 7
    path.write_bytes(content.replace(empty, full))
    assert set(read_external(path).networks) == {"G", "D", "G_ema"}
    load(path)
    describe_file(path)
    assert not canary.exists()
