"""`stylesmith doctor`: what this machine offers, and what is missing."""

from stylesmith import packages
from stylesmith.cli.console import print_line
from stylesmith.formatting import format_bytes


def doctor() -> None:
    """Say which device and precision training would use, and which extras are missing."""
    import platform

    import torch

    import stylesmith
    from stylesmith import devices

    device = devices.choose_device()
    free = devices.free_memory(device)
    precision = devices.choose_precision("auto", device)
    slow = precision == devices.FP32 and device.type == "cpu"
    reason = " (this processor has no bf16 units)" if slow else ""
    rows = {
        "stylesmith": stylesmith.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": devices.device_name(device),
        "precision": f"{devices.dtype_name(precision)} for convolutions{reason}",
        "memory": "unknown" if free is None else f"{format_bytes(free)} free",
        "threads": str(torch.get_num_threads()),
        "--threads N": "where other programs use the cores too, fewer threads can be faster",
    }
    for extra in packages.extras():
        there = all(map(packages.is_installed, packages.requirements(extra)))
        rows[f"[{extra}]"] = "there" if there else f'missing: pip install "stylesmith[{extra}]"'
    for name, value in rows.items():
        print_line(f"{name:<14} {value}")
