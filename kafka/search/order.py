"""In which order partitions are merged, where the timestamps of a log are not sorted. Pure, and free of Kafka's client.

Within a partition the order is that of offsets. Between partitions only timestamps can tell what came first, and a
single one that is out of order must not hold its partition back: a copy keeps its original's timestamp and is behind
newer records, and a wrong clock writes times that are years away. So a record takes part in a merge with its own
timestamp unless several of those that follow it in its partition belong before it, and then with the time of those.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

AHEAD = 32
"""How many offsets behind a record are looked at: nearly as many in a row may be out of order."""

_STRAYS = 3
"""How many of AHEAD records may be out of order themselves, and are not believed."""

_Item = TypeVar("_Item")


def merge_time(times_ms: Sequence[int], *, ascending: bool) -> float:
    """Return the time with which a record takes part in a merge.

    This is the record's own wherever the timestamps of a partition are sorted. Else it is no later in the merge than
    that of the fourth among those that follow and come before it by time; the first three may be strays themselves.

    Args:
        times_ms: its timestamp and those of the records that follow it, in the order of the merge; -1: it has none.
        ascending: whether the merge is in the order of offsets and times, or against both.
    """
    own, *behind = times_ms
    known = sorted((time_ms for time_ms in behind if time_ms >= 0), reverse=not ascending)
    if not known:
        # A record without any time must not wait for others.
        return own if own >= 0 else float("-inf" if ascending else "inf")
    first = known[min(_STRAYS, len(known) // 2)]
    if own < 0:
        return first
    return min(own, first) if ascending else max(own, first)


def merged_by_time(
    partitions: Iterable[Sequence[_Item]], time_ms_of: Callable[[_Item], int], *, ascending: bool
) -> list[_Item]:
    """Merge records of several partitions, of which everything is there.

    Args:
        partitions: the records of each, in the order of the merge.
        time_ms_of: the timestamp of a record; -1 where it has none.
        ascending: in the order of offsets and times, or against both.
    """
    timed: list[list[tuple[float, _Item]]] = []
    for records in partitions:
        times = [time_ms_of(record) for record in records]
        places = [merge_time(times[at : at + 1 + AHEAD], ascending=ascending) for at in range(len(times))]
        timed.append(list(zip(places, records, strict=True)))
    merged = heapq.merge(*timed, key=lambda pair: pair[0], reverse=not ascending)
    return [record for _, record in merged]
