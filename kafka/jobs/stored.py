"""Reads the fields of a stored record's JSON: each has the type and the range that it must have, or it is an error.

Any user with Write on the store may have written the record. A number that no partition, offset or time can have would
end the turn of its owner in an error again and again, and an infinite one the thread that reads the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

MAX_NUMBER = 2**63 - 1
"""The largest int64: offsets, counts and times in Kafka are of that type."""

MAX_PARTITION = 2**31 - 1
"""The largest int32, which a partition's number is."""

MAX_RATE = 10_000_000
"""The largest cap on a rate, in records a second."""

WRONG = (ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, RecursionError)
"""What reading the JSON of a record may raise."""

_Parsed = TypeVar("_Parsed")


def text(found: object) -> str:
    """Return a text that UTF-8 can carry."""
    if not isinstance(found, str):
        raise TypeError
    # Half a surrogate pair, which JSON can hold, cannot be compared with what is in a record.
    found.encode()
    return found


def number(found: object, most: int = MAX_NUMBER) -> int:
    """Return a whole number from 0 to `most`; a float is not one, however whole it is."""
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= most:
        raise TypeError
    return found


def partition(found: object) -> int:
    """Return the number of a partition."""
    return number(found, MAX_PARTITION)


def rate(found: object) -> float:
    """Return a cap on a rate: above 0, and finite."""
    if not isinstance(found, int | float) or isinstance(found, bool) or not 0 < found <= MAX_RATE:
        raise TypeError
    return float(found)


def truth(found: object) -> bool:
    """Return true or false."""
    if not isinstance(found, bool):
        raise TypeError
    return found


def maybe(parse: Callable[[object], _Parsed], found: object) -> _Parsed | None:
    """Return None for null, else what `parse` returns."""
    return None if found is None else parse(found)


def by_partition(found: Mapping[str, object], parse: Callable[[object], _Parsed]) -> dict[int, _Parsed]:
    """Return an object of JSON whose names are the numbers of partitions."""
    return {partition(int(name)): parse(value) for name, value in found.items()}
