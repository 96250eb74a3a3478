"""How frameworks mark where a dead letter came from: a dialect is data, and these are built in.

All names are names of headers. Another dialect is another value here, or a table of the settings
(`redrive.dialects.NAME`, see service.settings.sections).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from kafka.model.records import CONSUMER_KEY, Header

AUTO = "auto"
"""Instead of a dialect's name: whichever dialect each record's headers are in."""

DIALECT_NAME = r"^[a-z][a-z0-9_-]{0,63}$"

Numbers = Literal["binary", "text", "either"]
"""How partition and offset are written: big-endian as int32 and int64, in decimal digits, or in either of both ways."""

BOOKKEEPING = ("retry_topic-*",)
"""Headers by which Spring counts the attempts: a record that goes back with them counts as tried that often already."""


def name_tests(names: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return names and beginnings of names that these stand for, where a `*` is at the end."""
    listed = tuple(names)
    return (
        frozenset(name for name in listed if not name.endswith("*")),
        tuple(name.removesuffix("*") for name in listed if name.endswith("*")),
    )


def covered(header: Header, names: frozenset[str], beginnings: tuple[str, ...]) -> bool:
    """Whether a header has one of these names, or one that begins so."""
    return header[0] in names or header[0].startswith(beginnings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one framework marks where a dead letter came from.

    Attributes:
        name: in lower case, by which jobs name it.
        writer: who writes it, for people.
        topic: the header with the origin's topic, in UTF-8.
        partition: that with its partition.
        offset: that with its offset; None: there is none.
        numbers: how both are written.
        reason: those with the class of the exception, or what comes closest; the first that is there counts.
        stack_trace: that with the stack trace, where the others name only a class that wraps what was thrown: the last
            cause in it goes before them; None: it has none, or need not be asked.
        message: those with the exception's message, as reason.
        group: that with the consumer group that could not process it; None: there is none.
        required: those that have to be there as well for a record to be recognised as of this dialect.
        removes: what a redrive removes; a name that ends with `*` stands for all that begin so.
        pointer: its dead letters do not hold the record, but name the one at topic, partition and offset.

    Raises:
        ValueError: it cannot be: its name is no name of a dialect, two of its headers are the same one, or a redrive
            would remove what names the recipient.
    """

    name: str
    writer: str
    topic: str
    partition: str
    offset: str | None = None
    numbers: Numbers = "text"
    reason: tuple[str, ...] = ()
    stack_trace: str | None = None
    message: tuple[str, ...] = ()
    group: str | None = None
    required: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    pointer: bool = False

    def __post_init__(self) -> None:
        if re.fullmatch(DIALECT_NAME, self.name) is None or self.name == AUTO:
            raise ValueError("a name in lower case other than auto")
        places = [name for name in (self.topic, self.partition, self.offset, self.group) if name is not None]
        if len(set(places)) < len(places):
            raise ValueError("topic, partition, offset and group in a header each")
        if any(re.fullmatch(r"[^*]+\*?", name) is None for name in self.removes):
            raise ValueError("names of headers to remove, a * only at their end")
        if covered((CONSUMER_KEY, None), *name_tests(self.removes)):
            raise ValueError("no headers to remove that would take consumer_key away")
        if self.pointer and self.offset is None:
            raise ValueError("an offset for a dialect that points to records")

    @property
    def named(self) -> tuple[str, ...]:
        """All headers that it names, but for those that are only removed."""
        alone = (self.topic, self.partition, self.offset, self.group)
        return (*(name for name in alone if name is not None), *self.reason, *self.message)


SPRING = Dialect(
    name="spring",
    writer="Spring Kafka's DeadLetterPublishingRecoverer",
    topic="kafka_dlt-original-topic",
    partition="kafka_dlt-original-partition",
    offset="kafka_dlt-original-offset",
    numbers="binary",
    # The first one is the listener's own failure, the same for all causes.
    reason=("kafka_dlt-exception-cause-fqcn", "kafka_dlt-exception-fqcn", "kafka_dlt-key-exception-fqcn"),
    message=("kafka_dlt-exception-message", "kafka_dlt-key-exception-message"),
    group="kafka_dlt-original-consumer-group",
    removes=("kafka_dlt-*",),
)
SPRING_RETRY_TOPIC = Dialect(
    name="spring-retry-topic",
    writer="Spring Kafka's @RetryableTopic",
    topic="kafka_original-topic",
    partition="kafka_original-partition",
    offset="kafka_original-offset",
    numbers="binary",
    reason=("kafka_exception-cause-fqcn", "kafka_exception-fqcn", "kafka_key-exception-fqcn"),
    message=("kafka_exception-message", "kafka_key-exception-message"),
    # Really with the other prefix.
    group="kafka_dlt-original-consumer-group",
    removes=("kafka_original-*", "kafka_exception-*", "kafka_key-exception-*", "kafka_dlt-*"),
)
SPRING_CLOUD_STREAM = Dialect(
    name="spring-cloud-stream",
    writer="Spring Cloud Stream's binder for Kafka",
    topic="x-original-topic",
    partition="x-original-partition",
    offset="x-original-offset",
    numbers="either",
    # Spring's MessagingException, or one that extends it, whatever the application has thrown.
    reason=("x-exception-fqcn",),
    stack_trace="x-exception-stacktrace",
    message=("x-exception-message",),
    required=("x-exception-fqcn",),
    removes=("x-original-*", "x-exception-*"),
)
X_ORIGINAL = Dialect(
    name="x-original",
    writer="applications' own code",
    topic="x-original-topic",
    partition="x-original-partition",
    offset="x-original-offset",
    numbers="either",
    reason=("x-exception-fqcn", "x-exception-class", "x-exception-type", "x-error-type", "x-failure-reason", "x-error"),
    message=("x-exception-message", "x-error-message", "x-error"),
    removes=("x-original-*", "x-exception-*", "x-error", "x-error-*", "x-failure-reason"),
)
CONNECT = Dialect(
    name="connect",
    writer="sinks of Kafka Connect",
    topic="__connect.errors.topic",
    partition="__connect.errors.partition",
    offset="__connect.errors.offset",
    reason=("__connect.errors.exception.class.name",),
    message=("__connect.errors.exception.message",),
    group="__connect.errors.connector.name",
    removes=("__connect.errors.*",),
)
STREAMS = Dialect(
    name="streams",
    writer="Kafka Streams",
    topic="__streams.errors.topic",
    partition="__streams.errors.partition",
    offset="__streams.errors.offset",
    reason=("__streams.errors.exception",),
    message=("__streams.errors.message",),
    removes=("__streams.errors.*",),
)
SHARE_GROUP = Dialect(
    name="share-group",
    writer="brokers, for share groups",
    topic="__dlq.errors.topic",
    partition="__dlq.errors.partition",
    offset="__dlq.errors.offset",
    reason=("__dlq.errors.message",),
    message=("__dlq.errors.message",),
    group="__dlq.errors.group",
    removes=("__dlq.errors.*",),
    pointer=True,
)

BUILT_IN = (SPRING, SPRING_RETRY_TOPIC, SPRING_CLOUD_STREAM, X_ORIGINAL, CONNECT, STREAMS, SHARE_GROUP)


def without_origin(headers: tuple[Header, ...], dialects: Iterable[Dialect]) -> tuple[Header, ...]:
    """Return the headers, in their order, without those that a redrive removes of these dialects, and bookkeeping."""
    tests = _tests(tuple(dialects))
    return tuple(header for header in headers if not covered(header, *tests))


@lru_cache(maxsize=128)
def _tests(dialects: tuple[Dialect, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    return name_tests((*BOOKKEEPING, *(name for dialect in dialects for name in dialect.removes)))
