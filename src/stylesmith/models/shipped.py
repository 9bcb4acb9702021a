"""Models that come with the package and stand, by name, wherever a model is wanted."""

from pathlib import Path

SHIPPED_FOLDER = Path(__file__).parent / "shipped"


def shipped_models() -> list[str]:
    """Their names."""
    return sorted(path.parent.name for path in SHIPPED_FOLDER.glob("*/config.json"))


def locate_model(source: str | Path) -> Path:
    """The path of a model: `source` itself, or that of a shipped model of this name.

    What exists under the name here comes first.
    """
    path = Path(source)
    if not path.exists() and str(source) in shipped_models():
        return SHIPPED_FOLDER / path
    return path
