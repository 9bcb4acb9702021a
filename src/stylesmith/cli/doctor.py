"""`stylesmith doctor`: what this machine offers, and what is missing."""

from importlib.util import find_spec

from stylesmith.cli.console import console

EXTRA_MODULES = {
    "avatars": ("dicebear", "dicebear_styles", "resvg_py"),
    "hub": ("huggingface_hub",),
    "metrics": ("sklearn",),
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "tensorboard": ("tensorboard",),
    "video": ("av",),
}
"""Modules that each extra brings."""


def doctor() -> None:
    """Say which device and precision training would use, and which extras are missing."""
    import platform

    import torch

    import stylesmith
    from stylesmith.devices import choose_device, choose_precision, device_name, dtype_name
    from stylesmith.devices import free_memory as memory

    device = choose_device()
    free = memory(device)
    precision = choose_precision("auto", device)
    rows = {
        "stylesmith": stylesmith.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device_name(device),
        "precision": f"{dtype_name(precision)} for convolutions"
        + _precision_reason(device.type, precision),
        "memory": "unknown" if free is None else f"{free / 1e9:.1f} GB free",
        "threads": str(torch.get_num_threads()),
    }
    for extra, modules in EXTRA_MODULES.items():
        there = all(find_spec(module) for module in modules)
        rows[f"[{extra}]"] = "there" if there else f'missing: pip install "stylesmith[{extra}]"'
    for name, value in rows.items():
        console.print(f"{name:<14} {value}", markup=False, soft_wrap=True)


def _precision_reason(device_type: str, precision: object) -> str:
    from stylesmith.devices import FP32

    if precision == FP32 and device_type == "cpu":
        return " (this processor has no bf16 units)"
    return ""
