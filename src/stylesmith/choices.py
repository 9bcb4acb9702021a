"""Names that options and settings accept, as `Literal` types; importable without torch.

The command line needs them before a command runs, and `--help` must not wait for torch.
"""

import functools
import inspect
from collections.abc import Callable
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from stylesmith.errors import check_choice

_Checked = TypeVar("_Checked", bound=Callable[..., Any])

DeviceName = Literal["auto", "cpu", "cuda", "mps"]

PrecisionName = Literal["auto", "fp32", "bf16", "fp16"]

TruncationCenter = Literal["global", "class"]
"""The point of W towards which truncation pulls: the mean of all classes, or of the image's."""

PathInterpolation = Literal["smooth", "straight", "sphere"]
"""Between keyframes: splines or straight lines in W, or great circles in Z."""

ResizeFilter = Literal["lanczos", "box"]
"""Lanczos is sharp; box averages, as some published data sets were made."""

ProtocolName = Literal["paper", "small"]
"""Whether counts of images and sizes of networks are the published ones or small ones."""

ProjectionSpace = Literal["w", "w+"]
"""One w for all layers, as the mapping gives it; or a w of its own for each layer."""

ProjectionForm = Literal["code", "paper"]
"""Which to follow where StyleGAN2's appendix D and the published projector differ."""

DistanceName = Literal["lpips", "random", "pixels"]

ResampleFilter = Literal["box", "[1,2,1]", "[1,3,3,1]"]
"""Name of the filter that a discriminator halves the resolution by."""

ProgramFormat = Literal["onnx", "torch-export"]
PROGRAM_SUFFIXES: dict[ProgramFormat, str] = {"onnx": ".onnx", "torch-export": ".pt2"}
"""Formats of programs that an export writes, and what their files are called."""

ExportFormat = Literal["model", "ada", "rosinality", "onnx", "torch-export"]

NoiseInput = Literal["fixed", "inputs", "none"]
"""`fixed`: the network's own maps, as constants; `inputs`: one input per map; `none`: no noise."""

AugmentGroup = Literal["blit", "geom", "color", "filter", "noise", "cutout"]
"""Groups of transformations of adaptive discriminator augmentation (ADA), in their order."""

AugmentPolicy = Literal["color", "translation", "cutout"]
"""Policies of DiffAugment, in the order of the pipeline."""

StrengthSignal = Literal["fixed", "r_t", "r_v"]
"""How the strength p of augmentation is set: constant; by scores of training or held-out images."""


def check_choices(function: _Checked) -> _Checked:
    """Decorate a function, or a data class, whose arguments are words of closed sets.

    A call with another word is refused before anything else happens. Arguments that are no text
    are left to the function: some take a word or a tensor.

    Raises:
        UsageError: In a call, naming the argument, the words it may be, and the nearest one.
    """
    if inspect.isclass(function):
        setattr(function, "__init__", check_choices(function.__init__))  # noqa: B010
        return function
    signature = inspect.signature(function)
    choices = {
        name: words
        for name, parameter in signature.parameters.items()
        if (words := words_of(parameter.annotation))
    }

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind_partial(*args, **kwargs).arguments
        for name in choices.keys() & given.keys():
            if isinstance(given[name], str):
                check_choice(name, given[name], choices[name])
        return function(*args, **kwargs)

    return checked  # type: ignore[return-value]


def words_of(annotation: Any) -> tuple[str, ...]:
    """The words of a `Literal`, alone or in a union; none of any other type."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if get_origin(annotation) in (Union, UnionType):
        return tuple(word for part in get_args(annotation) for word in words_of(part))
    return ()
