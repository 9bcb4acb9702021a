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
    from stylesmith.errors import StylesmithError
    from stylesmith.models import load, load_discriminator
    from stylesmith.networks import Generator
    from stylesmith.sampling.latent_files import load_latents, save_latents

__version__ = version("stylesmith")
__all__ = [
    "Generator",
    "StylesmithError",
    "__version__",
    "load",
    "load_discriminator",
    "load_latents",
    "save_latents",
]

_HOMES = {
    "Generator": "stylesmith.networks",
    "StylesmithError": "stylesmith.errors",
    "load": "stylesmith.models",
    "load_discriminator": "stylesmith.models",
    "load_latents": "stylesmith.sampling.latent_files",
    "save_latents": "stylesmith.sampling.latent_files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stylesmith' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
