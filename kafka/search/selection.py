"""What a search is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from kafka.filter.conditions import Filter
from kafka.metadata.topic import Topic
from kafka.model.records import OffsetRange
from kafka.search.grouping import Grouped
from kafka.search.scan import Scanned
from kafka.search.streams import RecordSummary

Stages = tuple[tuple[OffsetRange, ...], ...]
"""What a search reads, one stage after the other."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are looked for, and in which order.

    Attributes:
        topic: where.
        partition: the only one; None: all.
        times_ms: half-open range of the record's own timestamp; None: any.
        offsets: half-open range of offsets in the one partition, its end None for the end of the log.
        ascending: in the order of offsets and times, or against both.
        filter: which of them; None: all, copies too.
        position: the only partition and offset that may be found; None: any.
    """

    topic: str
    partition: int | None = None
    times_ms: tuple[int, int] | None = None
    offsets: tuple[int, int | None] | None = None
    ascending: bool = True
    filter: Filter | None = None
    position: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Paging:
    """How much of what is found to give at once.

    Attributes:
        limit: how many records at most.
        skip: how many to leave out first; a later page goes by its `rest`.
        preview_bytes: how much of each value to bring along.
        contents: whether to bring along values and headers as they are.
        seconds: how long to read at most; None: as long as the configuration allows.
    """

    limit: int
    skip: int = 0
    preview_bytes: int = 0
    contents: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Continuation:
    """What is left of a search after a page.

    Attributes:
        topic_id: the topic as it was at the first page.
        stages: what is still to be read.
        skip: how many of those found are still to be left out.
        passed: how many were found before, left out or given.
    """

    topic_id: str
    stages: Stages
    skip: int
    passed: int


@dataclass(frozen=True, slots=True)
class Page:
    """What a search has found.

    Attributes:
        topic: the topic's facts.
        found: in the order asked for.
        total: how many there are altogether; an upper bound unless `exact`.
        rest: where to continue; None when nothing follows.
        left: how many offsets are still to be read.
        scanned: what was read for this page, and what became of it.
        seconds: how long that took.
    """

    topic: Topic
    found: list[RecordSummary]
    total: int
    exact: bool
    rest: Continuation | None
    left: int
    scanned: Scanned
    seconds: float


@dataclass(frozen=True, slots=True)
class DeadLettersQuery:
    """Which records are grouped by what their headers say of them as dead letters.

    Attributes:
        topic: where.
        partition: the only one; None: all.
        dialect: the only one whose records are grouped; None: all records.
    """

    topic: str
    partition: int | None = None
    dialect: str | None = None


@dataclass(frozen=True, slots=True)
class GroupsPage:
    """The groups of the records that one request has read; those of other requests are to be added.

    Attributes:
        grouped: the groups, and what was read.
        rest: where to continue; None when nothing follows.
        left: how many offsets are still to be read.
        seconds: how long it took.
    """

    grouped: Grouped
    rest: Continuation | None
    left: int
    seconds: float


@dataclass(frozen=True, slots=True)
class HistogramQuery:
    """Which records to count, and how finely.

    Attributes:
        topic: where.
        partition: the only one; None: all.
        times_ms: half-open range of the record's own timestamp.
        buckets: into how many stretches to divide it; fewer where a stretch would be shorter than a millisecond.
    """

    topic: str
    partition: int | None
    times_ms: tuple[int, int]
    buckets: int
