"""Parts of data sets for training and testing: which names mean which, and which one is taken."""

from collections.abc import Collection

from stylesmith.errors import DataError

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "t10k": "test",
}
"""Parts that images are split into, by the names that folders and arrays have for them."""

ALL = "all"


def choose_splits(there: Collection[str], wanted: str, where: object) -> list[str]:
    """The parts to take, among those that are there.

    Args:
        there: Values of `SPLITS`.
        wanted: One of them, or `all`; empty takes the training part, and all where there is none.
        where: The data, for messages.

    Raises:
        DataError: If the wanted one is not there, or the data has no parts at all.
    """
    parts = sorted(there)
    if wanted == ALL and parts:
        return parts
    if not wanted:
        return ["train"] if "train" in parts else parts
    name = SPLITS.get(wanted.lower(), wanted)
    if name not in parts:
        listed = f"its parts are: {', '.join(parts)}" if parts else "it is not split"
        raise DataError(f"{where}: has no part {wanted!r}; {listed}. Change or drop --split.")
    return [name]


def describe_splits(taken: Collection[str], there: Collection[str]) -> str:
    """The part that is taken and the others, in words; empty if there is only one."""
    if len(there) < 2:
        return ""
    parts = ", ".join(sorted(there))
    what = "all parts" if len(taken) == len(there) else f"the part {next(iter(taken))!r}"
    return f"{what} of {parts} (--split takes another, or all)"
