"""What became of the records that a page has read, counted once over all pages of a search."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping

from kafka.filter.conditions import Outcome
from kafka.model.records import OffsetRange

_OUTCOMES = tuple(Outcome)
_NUMBERS = {outcome: number for number, outcome in enumerate(_OUTCOMES)}

NotEvaluated = tuple[int, int, str]
"""Partition and offset of a record, and why the filter's expression cannot be evaluated on its value."""


class OutcomeTally:
    """Counts outcomes. A record that is read again for the next page counts there: nine bytes a record until then."""

    def __init__(self) -> None:
        self._read: dict[int, tuple[array[int], bytearray]] = {}
        self._not_evaluated: list[NotEvaluated] = []

    def note(self, partition: int, offset: int, outcome: Outcome) -> None:
        """Take note of a record."""
        read = self._read.get(partition)
        if read is None:
            read = self._read[partition] = (array("q"), bytearray())
        read[0].append(offset)
        read[1].append(_NUMBERS[outcome])

    def note_not_evaluated(self, partition: int, offset: int, reason: str) -> None:
        """Take note of why the expression cannot be evaluated on a record's value."""
        self._not_evaluated.append((partition, offset, reason))

    def final(self, rest: Iterable[Iterable[OffsetRange]]) -> tuple[Mapping[Outcome, int], NotEvaluated | None]:
        """Return the counts, and the first record that could not be evaluated.

        Args:
            rest: what is left of the search, by stages: a record in there is read again.
        """
        left: dict[int, list[OffsetRange]] = {}
        for stage in rest:
            for span in stage:
                left.setdefault(span.partition, []).append(span)

        def is_left(partition: int, offset: int) -> bool:
            return any(span.start <= offset < span.end for span in left.get(partition, ()))

        counts: Counter[Outcome] = Counter()
        for partition, (offsets, numbers) in self._read.items():
            for number in set(numbers):
                counts[_OUTCOMES[number]] += numbers.count(number)
            if partition in left:
                for offset, number in zip(offsets, numbers, strict=True):
                    if is_left(partition, offset):
                        counts[_OUTCOMES[number]] -= 1
        for partition, offset, reason in self._not_evaluated:
            if not is_left(partition, offset):
                return counts, (partition, offset, reason)
        return counts, None
