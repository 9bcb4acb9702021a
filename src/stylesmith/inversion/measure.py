"""Which distance a projection goes by: LPIPS, or what there is without its weights."""

from pathlib import Path

import torch

from stylesmith.errors import UsageError
from stylesmith.perception.extractor import ImageDistance, open_distance
from stylesmith.perception.lpips import LPIPS
from stylesmith.perception.random_features import RandomDistance
from stylesmith.perception.weights import default_weights_folder, find_weight_file


def choose_distance(
    name: str | None,
    size: tuple[int, int],
    device: torch.device,
    weights_folder: Path | None = None,
) -> tuple[ImageDistance, str]:
    """The distance of that name; None is LPIPS, or another where that can't be had.

    Args:
        name: `lpips`, `random`, `pixels` or None.
        size: Height and width of the images.
        device: Where to compute.
        weights_folder: Where weights lie, if not at the usual place.

    Returns:
        The distance, and a line that says why it isn't LPIPS; empty if it is, or was named.

    Raises:
        UsageError: If there is none of that name, or the images are too small for it.
        ModelError: If its weights are missing or damaged.
    """
    if name is None:
        name, reason = _default_distance(min(size), weights_folder or default_weights_folder())
        line = f"{reason}: the distance is {name!r}, whose values are no LPIPS" if reason else ""
        return open_distance(name, device, weights_folder), line
    found = open_distance(name, device, weights_folder)
    if min(size) < found.min_size:
        raise UsageError(
            f"--distance {name}: needs images of {found.min_size} pixels or more, this network "
            f"draws {size[1]}x{size[0]}. Use 'pixels'."
        )
    return found, ""


def _default_distance(side: int, folder: Path) -> tuple[str, str]:
    """The best that can be had for images of that side, and why it isn't LPIPS."""
    if side < RandomDistance.min_size:
        return "pixels", f"networks need images of {RandomDistance.min_size} pixels or more"
    if side < LPIPS.min_size:
        return "random", f"LPIPS needs images of {LPIPS.min_size} pixels or more"
    names = [find_weight_file(name).file_name for name in ("vgg16", "lpips")]
    if not all((folder / name).is_file() for name in names):
        get = "`stylesmith weights fetch vgg16 lpips`"
        return "random", f"the weights of LPIPS are not there ({get})"
    return "lpips", ""
