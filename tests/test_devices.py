import os

import pytest
import torch

from stylesmith import devices
from stylesmith.errors import UsageError

CPU = torch.device("cpu")


def test_auto_and_cpu_find_a_device():
    assert devices.choose_device("auto").type in {"cpu", "cuda", "mps"}
    assert devices.choose_device("cpu") == CPU


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "xpu9z"])
def test_a_device_that_does_not_exist_is_named(name):
    with pytest.raises(UsageError, match=f"--device {name}: not a device"):
        devices.choose_device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:3", "mps", "meta"])
def test_a_device_that_this_machine_lacks_is_named(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match=f"--device {name}: this machine has none"):
        devices.choose_device(name)


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ({"avx512_bf16"}, torch.bfloat16),
        ({"amx_bf16"}, torch.bfloat16),
        ({"avx512f", "avx2"}, torch.float32),
        (set(), torch.float32),
    ],
)
def test_auto_precision_follows_the_processor(flags, wanted, monkeypatch):
    monkeypatch.setattr(devices, "cpu_flags", lambda: frozenset(flags))
    assert devices.choose_precision("auto", CPU).dtype == wanted


def test_images_are_drawn_in_fp32_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr(devices, "has_bf16", lambda device: True)
    assert devices.choose_drawing_precision("auto", CPU) == devices.FP32
    for name in ("fp32", "bf16", "fp16"):
        assert devices.choose_drawing_precision(name, CPU) == devices.choose_precision(name, CPU)


def test_fp32_is_fp32_once_a_device_is_chosen():
    backends = torch.backends
    for part in (backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul):
        part.fp32_precision = "tf32"  # as torch itself, or a program that uses the package
    devices.choose_device("cpu")
    found = [backends, backends.cudnn, backends.cudnn.conv, backends.cudnn.rnn]
    found += [backends.cuda.matmul, backends.mkldnn.conv, backends.mkldnn.matmul]
    assert {part.fp32_precision for part in found} == {"ieee"}
    with backends.cudnn.flags(enabled=False):
        pass  # names of both kinds agree, or torch would refuse; what it restores is fp32 again
    assert backends.cudnn.conv.fp32_precision == "ieee"
    assert not backends.cudnn.allow_tf32 and not backends.cuda.matmul.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"


def test_bf16_and_fp32_cover_all_levels_without_a_clamp():
    for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        policy = devices.choose_precision(name, CPU)
        assert {policy.dtype_at(level, 9) for level in range(9)} == {dtype}
        assert policy.clamp is None


@pytest.mark.parametrize("levels", [9, 3])
def test_fp16_covers_the_four_highest_resolutions_and_clamps(levels):
    policy = devices.choose_precision("fp16", CPU)
    low = [level for level in range(levels) if policy.dtype_at(level, levels) == torch.float16]
    assert low == list(range(levels))[-4:]
    assert policy.clamp == 256


@pytest.mark.skipif(not os.path.exists("/proc/meminfo"), reason="the system does not tell")
def test_memory_figures_are_plausible_bytes():
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 2**20 < devices.free_memory(CPU) <= total
    assert 50 * 2**20 < devices.peak_memory(CPU) <= total  # torch alone takes more than 50 MB


def test_arithmetic_identity_names_what_decides_bits():
    identity = devices.numeric_environment()
    assert identity["torch"] == torch.__version__
    assert identity["threads"] == str(torch.get_num_threads())
    assert identity["instructions"]


def test_threads_are_set_where_a_number_is_given():
    before = torch.get_num_threads()
    try:
        devices.set_threads(3)
        assert torch.get_num_threads() == 3
        devices.set_threads(None)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("count", [0, -1])
def test_threads_are_at_least_one(count):
    with pytest.raises(UsageError, match=f"--threads {count}: wanted"):
        devices.set_threads(count)


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="the system does not tell")
def test_waiting_for_a_core_only_grows():
    before = devices.seconds_without_core()
    assert before is not None and 0 <= before <= devices.seconds_without_core()
