"""How many copies lie before what a group has committed. Pure functions: nothing here touches a broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kafka.consumers.committed import Committed
from kafka.jobs.copy_runs import CopiesByTopic, CopyRun, PartitionCopies, copies_known
from kafka.metadata.protocol import Partition
from kafka.model.errors import NothingWritten
from kafka.model.records import Position

GroupState = Literal["not_started", "passing", "passed", "committed", "denied", "unknown"]


@dataclass(frozen=True, slots=True)
class Copies:
    """The copies that groups are compared with.

    Attributes:
        total: how many there are.
        places: where they are, as far as that is known.
    """

    total: int
    places: CopiesByTopic

    @property
    def partitions(self) -> list[Partition]:
        """The partitions that have some, sorted: they become known in the order of acknowledgements."""
        return sorted((topic, number) for topic, found in self.places.items() for number in found)

    @property
    def unplaced(self) -> int:
        """Of how many it is not known where they are, not even in which partition."""
        return max(0, self.total - copies_known(self.places))


def one_copy(position: Position) -> Copies:
    """Return the copy at a position."""
    run = CopyRun(position.offset, position.offset, 1)
    return Copies(1, {position.topic: {position.partition: PartitionCopies((run,))}})


@dataclass(frozen=True, slots=True)
class GroupPartition:
    """A group in a partition.

    Attributes:
        partition: by topic and number.
        committed_offset: the offset that the group reads next; None: it has committed nothing there.
        passed: how many copies lie before that, at least and at most; None where no copies were asked about.
        deleted: how many others, at least, were deleted before the group has committed past them.
    """

    partition: Partition
    committed_offset: int | None
    passed: tuple[int, int] | None = None
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class GroupProgress:
    """How far a group has committed.

    Attributes:
        group: its id.
        state: `not_started`: nothing committed in a partition that was asked about; `passing`; `passed`: past all
            copies; `committed`: something, where no copies were asked about; `denied`: Kafka's ACLs do not allow the
            service to see it; `unknown`.
        partitions: those that were asked about.
        problem: why it is denied or unknown, where there is an error for that.
    """

    group: str
    state: GroupState
    partitions: tuple[GroupPartition, ...] = ()
    problem: NothingWritten | None = None

    @property
    def passed(self) -> tuple[int, int]:
        """How many copies the group has committed past, at least and at most, as far as they are placed."""
        found = [part.passed for part in self.partitions if part.passed is not None]
        return sum(least for least, _ in found), sum(most for _, most in found)

    @property
    def deleted(self) -> int:
        """See GroupPartition."""
        return sum(part.deleted for part in self.partitions)


def compared(group: str, copies: Copies, committed: Committed, starts: Mapping[Partition, int | None]) -> GroupProgress:
    """Return how far a group has committed relative to copies.

    Args:
        group: its id.
        copies: all of them.
        committed: what the group has committed in their partitions.
        starts: log start offsets of these; None where one is not known.
    """
    parts = []
    for topic, number in copies.partitions:
        found, offset, start = copies.places[topic][number], committed[topic, number], starts[topic, number]
        passed = (0, 0) if offset is None else found.before(offset)
        deleted = 0 if start is None else max(0, found.before(start)[0] - passed[1])
        parts.append(GroupPartition((topic, number), offset, passed, deleted))
    progress = GroupProgress(group, "passing", tuple(parts))
    if all(part.committed_offset is None for part in parts):
        return GroupProgress(group, "not_started", tuple(parts))
    return GroupProgress(group, "passed", tuple(parts)) if progress.passed[0] >= copies.total else progress


def reading(group: str, committed: Committed) -> GroupProgress:
    """Return what a group has committed, where no copies are asked about."""
    parts = tuple(GroupPartition(partition, offset) for partition, offset in sorted(committed.items()))
    started = any(part.committed_offset is not None for part in parts)
    return GroupProgress(group, "committed" if started else "not_started", parts)
