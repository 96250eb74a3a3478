"""Where the copies of a job go that has another target than the records' own topics, and whether they may.

NothingWritten
└── TargetNotGranted    beyond the grants of the job's maker
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from kafka.client.config import MAX_MESSAGE_BYTES
from kafka.jobs.plan import Plan
from kafka.jobs.worker.marks import CopyMarker
from kafka.jobs.worker.pointed import Pointed, Pointer
from kafka.jobs.worker.rules import Rules
from kafka.metadata.topic import Topic
from kafka.model.copies import Copy, copy_of
from kafka.model.errors import (
    ClusterUnavailable,
    CopyRefused,
    CopyTooLarge,
    HeaderNameNotUtf8,
    NothingWritten,
    TopicNotAllowed,
)
from kafka.model.records import Position, Record, TopicPartition
from kafka.redrive.dialects import without_origin
from kafka.redrive.origin import Origin, OriginUnclear, group_of, origin_of
from kafka.redrive.target import Target
from kafka.resend.service import copy_time, refuse_copy, refuse_topic

_FRESH_SECONDS = 1.0
_KEPT_TOPICS = 1000
_KEPT_ORIGINS = 10_000
_LOOKED_UP_AT_ONCE = 50
_MARKER_BYTES = 100
"""A topic that takes no more has no room for the marker of 78 bytes that ends a transaction, which would never end."""


def refuse_job_copy(copy: Copy, topic: Topic) -> None:
    """Raise if the topic would not take the copy, or would not keep it, or cannot take part in a transaction.

    Raises:
        CopyTooOld, CopyTooNew, CopyTooLarge: with the topic's limit.
    """
    refuse_copy(copy, topic)
    if topic.max_message_bytes < _MARKER_BYTES:
        limit = "max.message.bytes, too small for a transaction"
        raise CopyTooLarge(copy.original, copy.size_bytes, topic.max_message_bytes, limit)


@dataclass(eq=False)
class TargetNotGranted(NothingWritten):
    """The grants of the job's maker do not reach the topic, or do so no more. Whether it exists is not told."""

    caller: str
    topic: str

    def __str__(self) -> str:
        return f"the grants of {self.caller!r}, who has made the job, do not reach its target, topic {self.topic!r}"


class DescribeTopic(Protocol):
    """Asks for the facts of a topic, from a thread that has no event loop; see KafkaMetadata.topic."""

    def __call__(self, name: str, *, to_write: bool = False) -> Future[Topic]:
        """Return what is to be the topic, or the error."""


class Targets:
    """The targets of one job. The facts of each topic are looked up once, and again when they are a second old.

    Args:
        describe: asks for the facts.
        plan: the job.
        target: its target.
        rules: what operators allow.

    Raises:
        DialectRefused: these rules do not have the target's dialect.
    """

    def __init__(self, describe: DescribeTopic, plan: Plan, target: Target, rules: Rules) -> None:
        rules.dialects.require_known(target.dialect)
        self._describe = describe
        self._plan = plan
        self._target = target
        self._dialects = rules.dialects
        self._policy = rules.policies[plan.instance]
        self._marker = CopyMarker(plan, self._policy)
        self._may_resend = rules.may_resend
        self._known: dict[str, tuple[float, Topic | NothingWritten]] = {}
        self._granted: Collection[str] = ()
        self._origins: dict[Position, Origin | OriginUnclear] = {}

    @property
    def max_message_bytes(self) -> int:
        """The largest batch that each of the topics takes."""
        found = (fact for _, fact in self._known.values())
        return min((topic.max_message_bytes for topic in found if isinstance(topic, Topic)), default=MAX_MESSAGE_BYTES)

    def look_up(self, records: Iterable[Record]) -> None:
        """See to it that what is needed for the copies of these records is known as it is now.

        Raises:
            ClusterUnavailable: not now.
        """
        named = {origin.topic for record in records if (origin := self._named(record)) is not None}
        plan = self._plan
        self._granted = {
            topic
            for topic in named
            if self._target.by_operator or self._may_resend(plan.created_by, plan.project, plan.instance, topic)
        }
        now = time.monotonic()
        if len(self._known) > _KEPT_TOPICS:
            self._known = {topic: known for topic, known in self._known.items() if topic in named}
        # What the maker may not touch is not even asked for.
        stale = [
            topic
            for topic in self._granted
            if self._policy.allows(topic)
            and (topic not in self._known or now - self._known[topic][0] >= _FRESH_SECONDS)
        ]
        for first in range(0, len(stale), _LOOKED_UP_AT_ONCE):
            self._ask(stale[first : first + _LOOKED_UP_AT_ONCE])

    def copy(self, record: Record, pointed: Pointed | None = None) -> Copy:
        """Return the copy of a record that was looked up.

        Args:
            record: the dead letter.
            pointed: the record that it points to, or why there is none; None for a letter that points to none.

        Raises:
            OriginUnclear: its headers do not say where it came from, or for which group.
            TargetNotGranted, TopicRefused: it must not go there.
            TopicMissing, PartitionMissing, AccessDenied: it cannot go there.
            RecordUnavailable: there is no record where it points to.
            RecipientNotAllowed: the group is no recipient that the operator allows.
            ResentTooOften: it must not be resent again.
            CopyRefused: its target would not take it.
        """
        origin = self._origin(record)
        topic, place = self._place(origin)
        recipient = group_of(record, origin.dialects) if self._target.group_as_recipient else self._plan.consumer_key
        self._policy.require_recipient(recipient)
        time_policy = copy_time(topic, self._policy)
        if origin.dialect.pointer:
            if isinstance(pointed, NothingWritten):
                # As below.
                raise pointed.with_traceback(None)
            if pointed is None:
                raise AssertionError("a dead letter points to a record that was not read")
            # With its own headers: the letter is only where it was named.
            copy = replace(copy_of(pointed, recipient, time_policy), original=record.position)
        else:
            copy = copy_of(record, recipient, time_policy)
            headers = without_origin(copy.headers, origin.dialects if self._target.remove_headers else ())
            copy = replace(copy, headers=headers, topic=place.topic, partition=place.partition)
        copy = self._marker.marked(copy, pointed if isinstance(pointed, Record) else record)
        refuse_job_copy(copy, topic)
        return copy

    def any_points(self, records: Iterable[Record]) -> bool:
        """Whether any of these points to another record."""
        if not self._dialects.may_point(self._target.dialect):
            return False
        origins = map(self._named, records)
        return any(origin is not None and origin.dialect.pointer for origin in origins)

    def pointers(self, records: Iterable[Record]) -> dict[Position, Pointer]:
        """Return what dead letters that were looked up point to, of what the job may read, by their own positions."""
        found: dict[Position, Pointer] = {}
        for record in records:
            origin = self._named(record)
            if origin is None or not origin.dialect.pointer or origin.offset is None:
                continue
            # What must not be read is refused with its reason when the copy is made.
            with suppress(NothingWritten):
                topic, place = self._place(origin)
                position = Position(place.topic, place.partition, origin.offset)
                found[record.position] = Pointer(position, topic.topic_id)
        return found

    def _place(self, origin: Origin) -> tuple[Topic, TopicPartition]:
        topic = self._topic(origin.topic)
        place = origin.place(topic.partitions)
        topic.require_partition(place.partition)
        return topic, place

    def dialect(self, record: Record) -> str:
        """Return in which dialect it is said where a record came from that was copied."""
        return self._origin(record).dialect.name

    def worded(self, record: Record, error: NothingWritten) -> str:
        """Return why a record could not be copied; where a limit is the target's, with the target's name."""
        origin = None
        if isinstance(error, CopyRefused) and not isinstance(error, HeaderNameNotUtf8):
            origin = self._named(record)
        return str(error) if origin is None else f"{error}; its target is topic {origin.topic!r}"

    def _origin(self, record: Record) -> Origin:
        # Of each letter it is asked several times, until its copy is made.
        found = self._origins.get(record.position)
        if found is None:
            if len(self._origins) >= _KEPT_ORIGINS:
                self._origins.clear()
            try:
                found = origin_of(record, self._target.dialect, self._dialects)
            except OriginUnclear as error:
                found = error
            self._origins[record.position] = found
        if isinstance(found, OriginUnclear):
            # Raised for the same letter again, the traceback would grow.
            raise found.with_traceback(None)
        return found

    def _named(self, record: Record) -> Origin | None:
        try:
            return self._origin(record)
        except OriginUnclear:
            return None

    def _ask(self, topics: Collection[str]) -> None:
        asked = {topic: self._describe(topic, to_write=True) for topic in topics}
        wait(asked.values())
        now = time.monotonic()
        for topic, answer in asked.items():
            try:
                self._known[topic] = now, answer.result()
            except ClusterUnavailable:
                raise
            except NothingWritten as error:
                self._known[topic] = now, error

    def _topic(self, name: str) -> Topic:
        if name not in self._granted:
            raise TargetNotGranted(self._plan.created_by, name)
        if not self._policy.allows(name):
            raise TopicNotAllowed(name)
        fact = self._known[name][1]
        if isinstance(fact, NothingWritten):
            # Raised for many records: each time the traceback would grow.
            raise fact.with_traceback(None)
        refuse_topic(fact, self._policy)
        return fact
