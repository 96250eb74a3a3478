"""All that can go wrong between a request and its acknowledged copy.

    ResendError
    ├── NothingWritten                     certainly no copy was written
    │   ├── RecordUnavailable              there is no record to resend at that position
    │   │   ├── TopicMissing
    │   │   ├── PartitionMissing
    │   │   ├── OffsetExpired              below the log start offset
    │   │   ├── OffsetAtEnd                equal to the high watermark: the next record will get it
    │   │   ├── OffsetBeyondEnd            above the high watermark
    │   │   ├── NoRecordAtOffset           a hole in the log; its reason is `aborted` or `no_record`
    │   │   ├── TransactionOpen            at or above the last stable offset until the deadline
    │   │   ├── RecordDamaged              its batch fails the checksum
    │   │   └── TopicReplaced              deleted and created again since the offsets were read
    │   ├── TopicRefused                   records of this topic are not resent
    │   │   ├── InternalTopic
    │   │   ├── CompactedTopic
    │   │   ├── TopicNotAllowed            outside the instance's topic patterns
    │   │   └── InstanceReadOnly
    │   ├── CopyRefused                    this record cannot be copied unchanged
    │   │   ├── HeaderNameNotUtf8
    │   │   ├── TimestampNotCarriable      zero, negative or missing
    │   │   ├── CopyTooLarge
    │   │   ├── CopyTooOld                 the topic would delete or refuse it for its age
    │   │   ├── CopyTooNew                 the topic refuses a time that far ahead
    │   │   └── CopyRejected               the broker refused the copy for another reason
    │   ├── RecipientNotAllowed            outside the instance's patterns of consumer_keys
    │   ├── QueryRefused                   a search that cannot be done
    │   │   └── NoLookupByTime             the embedded broker has no index of times
    │   ├── AccessDenied                   Kafka's ACLs do not allow the service what it needs
    │   ├── ClusterUnavailable             worth another try later, as it is
    │   │   ├── ClusterAway
    │   │   ├── NotEnoughReplicas      of the partition: fewer in sync than min.insync.replicas
    │   │   ├── Throttled              by a quota of the cluster
    │   │   ├── QueueFull
    │   │   ├── TooManyScans
    │   │   └── Closing
    │   └── DeadlineExceeded               time ran out before anything was written
    └── OutcomeUnknown                     the copy may or may not have been written

Each error carries its facts as fields and words itself. None holds a record's content, and none knows about HTTP.
Long for a module, as the tree is read as a whole; kafka.model.translation makes these of the client library's errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from kafka.model.records import Position

AwayKind = Literal["credentials", "tls", "controller", "advertised", "unresolved", "unreachable"]
"""Why a cluster cannot be used: the brokers refuse the login; TLS is not established; what answers is a KRaft
controller; no broker answers at the address that it advertises; a name has no address; nothing is told but silence or
a connection that is refused."""


class ResendError(Exception):
    """The root of the tree."""


class NothingWritten(ResendError):
    """The resend failed and certainly no copy was written.

    Attributes:
        code: stable name of the kind, for what is stored: the class may be renamed, the code not. Kinds whose outcome
            is final have one; those that are worth another try (ClusterUnavailable, DeadlineExceeded) are not stored.
    """

    code: ClassVar[str | None] = None
    _by_code: ClassVar[dict[str, type[NothingWritten]]] = {}

    def __init_subclass__(cls, code: str | None = None) -> None:
        cls.code = code
        if code is not None and NothingWritten._by_code.setdefault(code, cls) is not cls:
            raise TypeError(f"{cls.__qualname__} has the code {code!r} of {NothingWritten._by_code[code].__qualname__}")

    @staticmethod
    def of_code(code: str) -> type[NothingWritten]:
        """Return the kind of error that has this code.

        Raises:
            KeyError: none has; another version may.
        """
        return NothingWritten._by_code[code]


class RecordUnavailable(NothingWritten):
    """There is no record to resend at that position."""


@dataclass(eq=False)
class TopicMissing(RecordUnavailable, code="topic_missing"):
    """The cluster has no topic of that name, or hides it from the service."""

    topic: str

    def __str__(self) -> str:
        return f"topic {self.topic!r} does not exist"


@dataclass(eq=False)
class PartitionMissing(RecordUnavailable, code="partition_missing"):
    """The topic has fewer partitions.

    Attributes:
        partitions: how many the topic has.
    """

    topic: str
    partition: int
    partitions: int

    def __str__(self) -> str:
        return f"topic {self.topic!r} has partitions 0 to {self.partitions - 1}, no partition {self.partition}"


@dataclass(eq=False)
class OffsetExpired(RecordUnavailable, code="offset_expired"):
    """The offset is below the log start offset: the record was deleted by retention or by request."""

    position: Position
    log_start_offset: int

    def __str__(self) -> str:
        return f"{self.position} is gone: the log now starts at offset {self.log_start_offset}"


@dataclass(eq=False)
class OffsetAtEnd(RecordUnavailable, code="offset_at_end"):
    """The offset equals the high watermark: the next record written will get it."""

    position: Position

    def __str__(self) -> str:
        return f"{self.position} is not written yet: it is the end of the log"


@dataclass(eq=False)
class OffsetBeyondEnd(RecordUnavailable, code="offset_beyond_end"):
    """The offset is above the high watermark."""

    position: Position
    high_watermark: int

    def __str__(self) -> str:
        return f"{self.position} is beyond the end of the log, whose high watermark is {self.high_watermark}"


@dataclass(eq=False)
class NoRecordAtOffset(RecordUnavailable, code="no_record_at_offset"):
    """The log continues past the offset, but holds no committed record there.

    Attributes:
        reason: `aborted`, a record is there but its transaction was aborted; `no_record`, it was compacted away or is
            a transaction marker, two cases that a client cannot tell apart.
    """

    position: Position
    reason: Literal["aborted", "no_record"]

    def __str__(self) -> str:
        if self.reason == "aborted":
            return f"the record at {self.position} belongs to an aborted transaction"
        return f"no record is at {self.position}: it was compacted away or is a transaction marker"


@dataclass(eq=False)
class TransactionOpen(RecordUnavailable, code="transaction_open"):
    """A transaction open at or below the offset did not end within the deadline, so it is not known to be committed."""

    position: Position
    last_stable_offset: int

    def __str__(self) -> str:
        return (
            f"{self.position} is held back by an open transaction: "
            f"the last stable offset is still {self.last_stable_offset}"
        )


@dataclass(eq=False)
class RecordDamaged(RecordUnavailable, code="record_damaged"):
    """The broker gives a batch that fails its checksum; where it ends, and so what follows, cannot be told."""

    position: Position

    def __str__(self) -> str:
        return f"{self.position} is damaged on the broker: its batch fails the checksum"


@dataclass(eq=False)
class TopicReplaced(RecordUnavailable, code="topic_replaced"):
    """The topic was deleted and created again since the offsets were read: they name other records now."""

    topic: str

    def __str__(self) -> str:
        return f"topic {self.topic!r} was deleted and created again: its offsets name other records now"


class TopicRefused(NothingWritten):
    """Records of this topic are not resent."""


@dataclass(eq=False)
class InternalTopic(TopicRefused, code="internal_topic"):
    """A topic that Kafka or this service keeps its own state in."""

    topic: str

    def __str__(self) -> str:
        return f"topic {self.topic!r} is internal"


@dataclass(eq=False)
class CompactedTopic(TopicRefused, code="compacted_topic"):
    """A resent record would replace the newest value of its key."""

    topic: str

    def __str__(self) -> str:
        return f"topic {self.topic!r} is compacted: a resent record would replace the newest value of its key"


@dataclass(eq=False)
class TopicNotAllowed(TopicRefused, code="topic_not_allowed"):
    """The instance's policy names the topics that may be resent, and this is none of them."""

    topic: str

    def __str__(self) -> str:
        return f"topic {self.topic!r} is not among the topics that may be resent on this instance"


@dataclass(eq=False)
class InstanceReadOnly(TopicRefused, code="instance_read_only"):
    """The operator has stopped all resends of the instance."""

    def __str__(self) -> str:
        return "this instance is read-only: nothing is resent on it"


class CopyRefused(NothingWritten):
    """This record cannot be copied unchanged, or the topic does not take its copy."""


@dataclass(eq=False)
class HeaderNameNotUtf8(CopyRefused, code="header_name_not_utf8"):
    """A header name is not UTF-8; the client library would write another name in its place."""

    position: Position

    def __str__(self) -> str:
        return f"a header name of the record at {self.position} is not UTF-8 and cannot be written unchanged"


@dataclass(eq=False)
class TimestampNotCarriable(CopyRefused, code="timestamp_not_carriable"):
    """The record's timestamp is zero, negative or missing: the client library would replace it by the current time."""

    position: Position
    timestamp_ms: int

    def __str__(self) -> str:
        return f"the timestamp {self.timestamp_ms} of the record at {self.position} cannot be written unchanged"


@dataclass(eq=False)
class CopyTooLarge(CopyRefused, code="copy_too_large"):
    """The copy, larger than its original by the consumer_key header, exceeds a limit.

    Attributes:
        size_bytes: size of the copy in a batch of its own before compression; None where only the broker knows.
        limit_bytes: the limit; None where only the broker knows.
        limit_name: the property that sets it, `max.message.bytes` of the topic or `message.max.bytes` of the client.
    """

    position: Position
    size_bytes: int | None
    limit_bytes: int | None
    limit_name: str

    def __str__(self) -> str:
        size = "" if self.size_bytes is None else f" of {self.size_bytes} bytes"
        limit = "" if self.limit_bytes is None else f" of {self.limit_bytes} bytes"
        return f"the copy{size} of the record at {self.position} exceeds the limit{limit} set by {self.limit_name}"


@dataclass(eq=False)
class CopyTooOld(CopyRefused, code="copy_too_old"):
    """The topic would refuse the copy for its age, or delete it within minutes.

    Attributes:
        limit_name: the topic property, `retention.ms` or `message.timestamp.before.max.ms`.
    """

    position: Position
    timestamp_ms: int
    limit_ms: int | None
    limit_name: str

    def __str__(self) -> str:
        limit = "" if self.limit_ms is None else f" of {self.limit_ms} ms"
        return (
            f"the record at {self.position}, whose timestamp is {self.timestamp_ms}, "
            f"is older than the topic's {self.limit_name}{limit} allows"
        )


@dataclass(eq=False)
class CopyTooNew(CopyRefused, code="copy_too_new"):
    """The record's timestamp lies further in the future than `message.timestamp.after.max.ms` allows."""

    position: Position
    timestamp_ms: int
    limit_ms: int

    def __str__(self) -> str:
        return (
            f"the record at {self.position}, whose timestamp is {self.timestamp_ms}, is further in the future "
            f"than the topic's message.timestamp.after.max.ms of {self.limit_ms} ms allows"
        )


@dataclass(eq=False)
class CopyRejected(CopyRefused, code="copy_rejected"):
    """The broker refused the copy.

    Attributes:
        reason: the protocol's name of the error, such as `INVALID_RECORD`.
    """

    position: Position
    reason: str

    def __str__(self) -> str:
        return f"the broker refused the copy of the record at {self.position}: {self.reason}"


@dataclass(eq=False)
class RecipientNotAllowed(NothingWritten, code="recipient_not_allowed"):
    """The consumer_key is none that the instance allows.

    Attributes:
        allowed: the patterns of those that it allows, for people.
    """

    allowed: str

    def __str__(self) -> str:
        return f"this instance allows no such consumer_key, only {self.allowed}"


class QueryRefused(NothingWritten):
    """A search that cannot be done as it was asked for."""


@dataclass(eq=False)
class NoLookupByTime(QueryRefused):
    """The embedded broker does not know where a time is in a log."""

    def __str__(self) -> str:
        return "the embedded broker cannot look up records by time"


@dataclass(eq=False)
class AccessDenied(NothingWritten, code="access_denied"):
    """Kafka's ACLs do not allow the service what it needs.

    Attributes:
        operation: the missing operation in Kafka's words: Read, Write, Describe, DescribeConfigs, IdempotentWrite.
        resource: what it is missing on, such as `topic 'orders'` or `the cluster`.
    """

    operation: str
    resource: str

    def __str__(self) -> str:
        return f"Kafka does not allow this service {self.operation} on {self.resource}"


class ClusterUnavailable(NothingWritten):
    """The same request may succeed later."""

    @property
    def retry_after_seconds(self) -> int:
        """When another try makes sense."""
        return 1


@dataclass(eq=False)
class ClusterAway(ClusterUnavailable):
    """No broker of the cluster answers.

    Attributes:
        reason: what the client library said last; holds addresses, no secrets.
        kind: which kind of reason it is; None where that is not known.
    """

    reason: str
    kind: AwayKind | None = None

    def __str__(self) -> str:
        return "the Kafka cluster does not answer"


@dataclass(eq=False)
class QueueFull(ClusterUnavailable):
    """More requests are waiting than the service is set to hold."""

    limit: int

    def __str__(self) -> str:
        return f"{self.limit} requests are already waiting"


@dataclass(eq=False)
class Throttled(ClusterUnavailable):
    """A broker throttles the service for its quota, and the copy would not be acknowledged within the deadline.

    Attributes:
        seconds: for how long it reads nothing more.
    """

    seconds: float

    @property
    def retry_after_seconds(self) -> int:
        """When another try makes sense."""
        return max(1, math.ceil(self.seconds))

    def __str__(self) -> str:
        return "the Kafka cluster throttles this service by a quota, and the copy would not be written in time"


@dataclass(eq=False)
class NotEnoughReplicas(ClusterUnavailable):
    """Fewer replicas of the partition are in sync than min.insync.replicas demands: its leader takes no record."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return (
            f"partition {self.partition} of topic {self.topic!r} has fewer in-sync replicas than its "
            "min.insync.replicas demands, and takes no record"
        )


@dataclass(eq=False)
class TooManyScans(ClusterUnavailable):
    """As many searches are under way as the service is set to do at once, or as it does for one caller."""

    limit: int

    def __str__(self) -> str:
        return f"{self.limit} searches at once are carried out, at most half of them for one caller, and others wait"


@dataclass(eq=False)
class Closing(ClusterUnavailable):
    """The service is stopping."""

    def __str__(self) -> str:
        return "the service is stopping"


@dataclass(eq=False)
class DeadlineExceeded(NothingWritten):
    """Time ran out before anything was written.

    Attributes:
        waited_for: what did not come in time, such as `the record`.
    """

    waited_for: str

    def __str__(self) -> str:
        return f"time ran out waiting for {self.waited_for}; nothing was written"


@dataclass(eq=False)
class OutcomeUnknown(ResendError):
    """The copy was handed to the cluster and no final answer came: it may or may not have been written.

    Attributes:
        reason: the protocol's or the library's name of the error, such as `_MSG_TIMED_OUT`.
    """

    position: Position
    reason: str

    def __str__(self) -> str:
        return f"whether the copy of the record at {self.position} was written is not known ({self.reason})"
