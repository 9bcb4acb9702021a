"""A virtual GPU: tensors that say that they are on another device, with the rules of CUDA.

Every operation passes through one `TorchDispatchMode`, which

- raises where CUDA would: tensors of two devices in one operation, `numpy()` of a tensor of the
  GPU, and, on request, float64 as on MPS;
- counts copies between host and GPU, waits of the host for the GPU, and kernel launches, the first
  two by the line of stylesmith that causes them.

With `inner="cpu"` the values are computed, equal to those of the CPU up to rounding. With "meta"
nothing is computed, and a step of a full-size network takes seconds.

It cannot see streams, pinned memory, the choices of cuDNN, races, and assignments to `tensor.data`.
"""

import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import torch
import torch._dynamo  # before torch.Generator is replaced, which it uses as a type
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

import stylesmith

NAME = "vgpu"

PACKAGE = Path(stylesmith.__file__).parent

WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "equal"}
"""Operations whose result the host needs before it can go on."""

FREE = WAITS | {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
"""Operations that start no kernel, besides views."""

COPIES = {"_to_copy", "copy_"}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_"}

_RealGenerator = torch.Generator


def register() -> None:
    """Register the device; before the first backward pass of the process, which counts devices."""
    if torch._C._get_privateuse1_backend_name() != NAME:
        _setup_privateuseone_for_python_backend(NAME)


class VirtualTensor(Tensor):
    """Looks like a tensor on the virtual GPU; `inner` has its data."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor, requires_grad: bool = False) -> "VirtualTensor":
        outer = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=f"{NAME}:0",
            requires_grad=requires_grad,
        )
        outer.inner = inner
        return outer

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        assert VirtualGpu.active, "a tensor of the virtual GPU outlived it"
        return VirtualGpu.active.run(function, args, kwargs or {})

    def __repr__(self) -> str:
        return f"VirtualTensor({tuple(self.shape)}, {self.dtype})"

    def tolist(self):
        return self.cpu().tolist()

    def numpy(self, **_):
        raise TypeError("can't convert a tensor of a GPU to numpy; use Tensor.cpu() first")


@dataclass
class Counts:
    """What a region of code asked of the GPU."""

    launches: Counter[str] = field(default_factory=Counter)
    """By operation."""
    copies: Counter[str] = field(default_factory=Counter)
    """By `h2d` or `d2h` and the place in the package."""
    waits: Counter[str] = field(default_factory=Counter)
    """By place in the package."""


class VirtualGpu(TorchDispatchMode):
    """The device, as long as the block lasts; `counts` may be replaced to begin anew."""

    active: ClassVar["VirtualGpu | None"] = None

    def __init__(self, inner: str = "cpu", *, has_float64: bool = True) -> None:
        super().__init__()
        register()
        self.inner, self.has_float64 = torch.device(inner), has_float64
        self.counts = Counts()

    def __enter__(self):
        VirtualGpu.active = self
        torch.Generator = _make_generator
        clip = torch.nn.utils.clip_grad  # norms of many tensors at once, as on CUDA
        self._has_foreach = clip._has_foreach_support
        clip._has_foreach_support = lambda tensors, device: True
        self._overwrites = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)  # not `p.data = ...`
        self._lifts = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=) makes it on the CPU
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        torch.Generator = _RealGenerator
        torch.nn.utils.clip_grad._has_foreach_support = self._has_foreach
        torch.__future__.set_overwrite_module_params_on_conversion(self._overwrites)
        torch._C._set_only_lift_cpu_tensors(self._lifts)
        super().__exit__(kind, error, trace)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return self.run(function, args, kwargs or {})

    def run(self, function, args: tuple[Any, ...], kwargs: dict[str, Any]):
        """Compute with the tensors inside, after everything that CUDA would refuse or count."""
        name = function.overloadpacket.__name__
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        ours = [x for x in tensors if isinstance(x, VirtualTensor)]
        wanted = kwargs.get("device")
        wanted = None if wanted is None else torch.device(wanted).type
        if not ours and wanted != NAME:
            return function(*args, **kwargs)
        stays = bool(ours) if wanted is None else wanted == NAME
        if name in COPIES:
            self._count_copy(args, stays if name == "_to_copy" else None)
        elif len(ours) != len(tensors):
            self._check_devices(function, name, args, tensors)
        if name in WAITS:
            self.counts.waits[_place()] += 1
        if name == "_local_scalar_dense" and self.inner.type == "meta":
            return torch.ones((), dtype=args[0].dtype).item()
        out = self._compute(function, args, kwargs, wanted, stays=stays)
        if not stays or name == "_local_scalar_dense":
            return out
        self._check_dtypes(name, out)
        if name not in FREE and not _is_view(function):
            self.counts.launches[name] += 1
        out = tree_map(lambda x: VirtualTensor(x) if isinstance(x, Tensor) else x, out)
        return return_and_correct_aliasing(function, args, kwargs, out)

    def _compute(self, function, args, kwargs, wanted, *, stays: bool):
        inner_args, inner_kwargs = tree_map(self._unwrap, (args, kwargs))
        if wanted is not None:
            inner_kwargs["device"] = self.inner if wanted == NAME else torch.device(wanted)
        if stays or self.inner.type != "meta":
            return function(*inner_args, **inner_kwargs)
        if function is torch.ops.aten.copy_.default:  # into a tensor of the host
            return args[0]
        inner_kwargs.pop("device", None)
        out = function(*inner_args, **inner_kwargs)
        return tree_map(
            lambda x: torch.ones(x.shape, dtype=x.dtype) if isinstance(x, Tensor) else x, out
        )

    def _unwrap(self, x):
        if isinstance(x, VirtualTensor):
            return x.inner
        needs_meta = self.inner.type == "meta" and isinstance(x, Tensor) and x.dim() > 0
        return x.to("meta") if needs_meta else x

    def _count_copy(self, args, stays: bool | None) -> None:
        """Count a copy between the host and the GPU; `stays` is where `_to_copy` goes."""
        here = isinstance(args[0], VirtualTensor)
        source, target = (
            (here, stays)
            if stays is not None
            else (
                isinstance(args[1], VirtualTensor),
                here,
            )
        )
        if source != target:
            self.counts.copies[f"{'h2d' if target else 'd2h'} {_place()}"] += 1

    def _check_devices(self, function, name: str, args, tensors: list[Tensor]) -> None:
        others = [x for x in tensors if not isinstance(x, VirtualTensor)]
        if name in INDEXING and isinstance(args[0], VirtualTensor):
            self.counts.copies[f"h2d {_place()}"] += len(others)  # CUDA takes indices along
        elif any(x.dim() for x in others):  # CUDA takes numbers from the host as arguments
            raise RuntimeError(f"tensors of {NAME} and cpu in {function} at {_place()}")

    def _check_dtypes(self, name: str, out) -> None:
        if self.has_float64:
            return
        if any(isinstance(x, Tensor) and x.dtype == torch.float64 for x in tree_leaves(out)):
            raise TypeError(f"{name} makes float64, which this device lacks, at {_place()}")


def _make_generator(device="cpu"):
    device = torch.device(device)
    return _RealGenerator("cpu" if device.type == NAME else device)


def _is_view(function) -> bool:
    returned = (value.alias_info for value in function._schema.returns)
    return any(alias is not None and not alias.is_write for alias in returned)


def _place() -> str:
    """File and line of the package that are being run."""
    for frame in reversed(traceback.extract_stack()):
        if (path := Path(frame.filename)).is_relative_to(PACKAGE):
            return f"{path.relative_to(PACKAGE)}:{frame.lineno}"
    return "outside"
