"""stylesmith: train, measure, edit, invert and ship style-based GANs.

    import stylesmith
    generator = stylesmith.load("runs/photos")
    images = generator.sample(seeds=range(16), psi=0.7)    # (16, 3, H, W), float, -1..1

Importing this package is cheap; torch comes with the first name that needs it.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stylesmith.models import load
    from stylesmith.networks import Generator

__version__ = version("stylesmith")
__all__ = ["Generator", "__version__", "load"]

_HOMES = {"load": "stylesmith.models", "Generator": "stylesmith.networks"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stylesmith' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
