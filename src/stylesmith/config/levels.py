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

Number = TypeVar("Number", int, float)


def at_level(
    setting: Number | dict[int, Number] | dict[int, dict[int, Number]], level: int, devices: int
) -> Number:
    """The value in force at a level, in the column of that many GPUs.

    Below the first entry of a table, that one holds.

    Raises:
        KeyError: If there are columns, and none for that number of GPUs.
    """
    if not isinstance(setting, dict):
        return setting
    table = table_for_devices(setting, devices)
    reached = [resolution for resolution in table if resolution <= 4 << level]
    return table[max(reached, default=min(table))]


def table_for_devices(
    setting: dict[int, Number] | dict[int, dict[int, Number]], devices: int
) -> dict[int, Number]:
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


def scale_setting(setting: Any, factor: float) -> Any:
    """The same setting with all its numbers multiplied."""
    if not isinstance(setting, dict):
        return setting * factor
    return {key: scale_setting(value, factor) for key, value in setting.items()}
