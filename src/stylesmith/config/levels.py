"""Settings that follow the resolution, as the papers' tables of batch sizes and rates do.

Such a setting is a number; or a table by resolution, where an entry holds from its resolution up to
the next one; or several such tables by number of GPUs, of which one is followed whatever the real
number is. Resolutions count from a 4x4 base: level n of any pyramid stands for 4 * 2**n.
"""

from typing import Annotated, Any, TypeVar

from pydantic import Field

Count = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(gt=0)]

CountTable = Annotated[dict[int, Count], Field(min_length=1)]
AmountTable = Annotated[dict[int, Amount], Field(min_length=1)]

CountByLevel = Count | CountTable | Annotated[dict[int, CountTable], Field(min_length=1)]
AmountByLevel = Amount | AmountTable | Annotated[dict[int, AmountTable], Field(min_length=1)]
IntervalByLevel = Amount | AmountTable

N = TypeVar("N", int, float)


def at_level(setting: N | dict[int, N] | dict[int, dict[int, N]], level: int, devices: int) -> N:
    """The value in force at a level, in the column of that many GPUs.

    Below the first entry of a table, that one holds.

    Raises:
        KeyError: If there are columns, and none for that number of GPUs.
    """
    if not isinstance(setting, dict):
        return setting
    table = column(setting, devices)
    reached = [resolution for resolution in table if resolution <= 4 << level]
    return table[max(reached, default=min(table))]


def column(setting: dict[int, N] | dict[int, dict[int, N]], devices: int) -> dict[int, N]:
    """The table by resolution; of several, the one for that many GPUs."""
    columns = {key: value for key, value in setting.items() if isinstance(value, dict)}
    if columns:
        return columns[devices]
    return {key: value for key, value in setting.items() if not isinstance(value, dict)}


def device_columns(setting: object) -> list[int]:
    """Numbers of GPUs that a setting has columns for; none where all share one."""
    if not isinstance(setting, dict):
        return []
    return sorted(key for key, value in setting.items() if isinstance(value, dict))


def scaled(setting: Any, factor: float) -> Any:
    """The same setting with all its numbers multiplied."""
    if not isinstance(setting, dict):
        return setting * factor
    return {key: scaled(value, factor) for key, value in setting.items()}
