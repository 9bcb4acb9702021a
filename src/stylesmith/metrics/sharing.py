"""Work shared by processes so that their number does not change what is computed.

Whole batches are dealt out in turn: a batch is the same in any process, and so are its features.
"""

from collections.abc import Iterator

from stylesmith import distributed


def batch_ranges(count: int, batch_size: int) -> list[range]:
    """The indices 0 to `count` in consecutive batches."""
    return [range(i, min(i + batch_size, count)) for i in range(0, count, batch_size)]


def rank_batches(count: int, batch_size: int) -> Iterator[range]:
    """The batches that fall to this process."""
    yield from batch_ranges(count, batch_size)[distributed.rank() :: distributed.world_size()]
