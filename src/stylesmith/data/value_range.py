"""The range of values of all images of a data set, of which some cameras use a small part."""

from collections.abc import Sequence
from contextlib import closing

from stylesmith.data.archive import Archive
from stylesmith.data.decode import FULL_RANGE, read_value_range
from stylesmith.data.scan import process_images

_SMALL_PART = 0.25
"""Images that use less than this of the range look black or gray."""


def find_value_range(archive: Archive, names: Sequence[str]) -> tuple[int, int]:
    """Least and greatest value of all images, 0..65535; the full range if they are of one value.

    Damaged images are left out.
    """
    with closing(process_images(archive, names, read_value_range, None)) as results:
        return _union([found for _, found in results if isinstance(found, tuple)])


def note_value_range(ranges: Sequence[tuple[int, int]], advice: str) -> str:
    """A sentence if all images together use a small part of the range; else empty.

    Args:
        ranges: Least and greatest value of each image, 0..65535.
        advice: What to do, to be continued by `to use all of it`.
    """
    low, high = _union(ranges)
    if high - low >= _SMALL_PART * FULL_RANGE[1]:
        return ""
    return (
        f"All values lie between {low / 655.35:.1f} and {high / 655.35:.1f} percent of white, as "
        f"with 12-bit data in 16-bit files: the images are nearly of one shade. {advice} to use "
        "the whole range."
    )


def _union(ranges: Sequence[tuple[int, int]]) -> tuple[int, int]:
    low = min((low for low, _ in ranges), default=0)
    high = max((high for _, high in ranges), default=0)
    return (low, high) if low < high else FULL_RANGE
