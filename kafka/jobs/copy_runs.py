"""Where the copies of a job are, in a bounded size, and how many of them lie before an offset.

The copies of a transaction mostly follow each other in each partition: a run, of which every offset is a copy. Where
runs become too many, neighbours are taken together, those first between which the fewest other offsets lie. How many
copies lie before an offset is known exactly outside of such a run, and within bounds inside of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from kafka.model.copies import Copy
from kafka.model.records import Natural, PartitionNumber

KEPT_RUNS = 64
"""Of one partition."""
KEPT_RUNS_OF_JOB = 128
"""Of all partitions together, as long as each has one: a job in the store takes up to 25 kB of memory for them."""
KEPT_PARTITIONS = 1000
"""Copies in further ones are counted, and it is not noted where they are: a redrive may have any number of targets."""


class CopyRun(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Copies between two offsets of a partition.

    Attributes:
        first: no copy of the run lies before it.
        last: offset of the last one.
        count: how many there are; as many as offsets, unless records of others, or markers of transactions, lie
            between them.
    """

    first: Natural
    last: Natural
    count: Natural

    @property
    def others(self) -> int:
        """How many of the offsets are not copies."""
        return self.last - self.first + 1 - self.count

    def before(self, offset: int) -> tuple[int, int]:
        """Return how many of the copies lie before an offset, at least and at most."""
        if offset > self.last:
            return self.count, self.count
        most = max(0, min(self.count - 1, offset - self.first))
        return min(most, max(0, self.count - (self.last - offset + 1))), most


class PartitionCopies(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The copies in one partition.

    Attributes:
        runs: in the order of their offsets.
        unplaced: copies of the last transaction that the broker has acknowledged without telling their offsets; none
            lies before the first offset of the last run.
    """

    runs: tuple[CopyRun, ...] = ()
    unplaced: Natural = 0

    @property
    def count(self) -> int:
        """How many there are, also those whose offset is not known."""
        return self.unplaced + sum(run.count for run in self.runs)

    def before(self, offset: int) -> tuple[int, int]:
        """Return how many of the copies lie before an offset, at least and at most."""
        bounds = [run.before(offset) for run in self.runs]
        return sum(least for least, _ in bounds), sum(most for _, most in bounds) + self.unplaced

    def with_written(self, offsets: Sequence[int | None], most_runs: int) -> PartitionCopies:
        """Return the copies, and those of one more transaction.

        Args:
            offsets: where these are, all behind those of before; None where the broker has not told.
            most_runs: how many runs to keep.
        """
        placed = sorted(offset for offset in offsets if offset is not None)
        unplaced = len(offsets) - len(placed)
        if not placed:
            return PartitionCopies(self.runs, self.unplaced + unplaced)
        found, runs = _runs(placed), list(self.runs)
        if unplaced:
            # They may lie between these, or before them.
            found = [CopyRun(runs[-1].last + 1 if runs else 0, placed[-1], len(placed))]
        if self.unplaced:
            # They were written before these.
            last = runs.pop() if runs else CopyRun(0, 0, 0)
            found[0] = CopyRun(last.first, found[0].last, last.count + self.unplaced + found[0].count)
        return PartitionCopies(_fewer([*runs, *found], most_runs), unplaced)


CopiesByTopic = Mapping[str, Mapping[PartitionNumber, PartitionCopies]]
"""Where the copies of a job are, by topic and partition."""


def with_written(known: CopiesByTopic, written: Iterable[tuple[Copy, int | None]]) -> CopiesByTopic:
    """Return where copies are, with those of one more transaction.

    Args:
        known: where those before are.
        written: each copy, and its offset; None where the broker has not told it.
    """
    offsets: dict[tuple[str, int], list[int | None]] = {}
    topic, partition, found = "", -1, list[int | None]()
    for copy, offset in written:
        # Brokers acknowledge those of a partition together, so that most have the one of the copy before.
        if copy.partition != partition or copy.topic != topic:
            topic, partition = copy.topic, copy.partition
            found = offsets.setdefault((topic, partition), [])
        found.append(offset)
    copies = {topic: dict(partitions) for topic, partitions in known.items()}
    count = sum(map(len, copies.values()))
    for (topic, partition), found in offsets.items():
        before = copies.get(topic, {}).get(partition)
        if before is None:
            if count >= KEPT_PARTITIONS:
                continue
            count += 1
        most_runs = max(1, min(KEPT_RUNS, KEPT_RUNS_OF_JOB // count))
        partitions = copies.setdefault(topic, {})
        partitions[partition] = (before or PartitionCopies()).with_written(found, most_runs)
    return copies


def copies_known(copies: CopiesByTopic) -> int:
    """Return of how many copies it is known in which partition they are."""
    return sum(found.count for partitions in copies.values() for found in partitions.values())


def _runs(offsets: Sequence[int]) -> list[CopyRun]:
    """Return the runs of these offsets, which are sorted."""
    first, last = offsets[0], offsets[-1]
    if last - first + 1 == len(offsets):
        return [CopyRun(first, last, len(offsets))]
    runs: list[CopyRun] = []
    start = 0
    for index in range(1, len(offsets) + 1):
        if index == len(offsets) or offsets[index] != offsets[index - 1] + 1:
            runs.append(CopyRun(offsets[start], offsets[index - 1], index - start))
            start = index
    return runs


def _fewer(runs: list[CopyRun], most: int) -> tuple[CopyRun, ...]:
    """Return the same copies in fewer runs."""
    while len(runs) > 2 * most:
        pairs = [_together(*runs[index : index + 2]) for index in range(0, len(runs) - 1, 2)]
        runs = pairs + runs[2 * len(pairs) :]
    joined = [_together(before, after) for before, after in pairwise(runs)]
    while len(runs) > most:
        at = min(range(len(joined)), key=lambda index: joined[index].others)
        runs[at : at + 2] = [joined[at]]
        del joined[at]
        for index in (at - 1, at):
            if 0 <= index < len(joined):
                joined[index] = _together(*runs[index : index + 2])
    return tuple(runs)


def _together(before: CopyRun, after: CopyRun) -> CopyRun:
    return CopyRun(before.first, after.last, before.count + after.count)
