"""Where a dead-letter record came from, by the headers that Spring Kafka or Kafka Connect has left on it.

Pure functions. Anyone may have written these headers: what does not say one place clearly says none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from msgspec import Struct

from kafka.model.errors import NothingWritten
from kafka.model.records import MAX_PARTITION, Header, Record, TopicPartition

Dialect = Literal["spring", "connect", "any"]
"""Whose headers say it; with `any` those that are there, and all of them must agree."""

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)

_LEGAL_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_DECIMAL = re.compile(rb"[0-9]{1,10}")


class Target(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """That a job's copies go where the records came from, instead of to their own topic.

    Attributes:
        dialect: whose headers say where that is.
        by_operator: the job was made by the operator at the command line, who has the settings and may write anywhere;
            otherwise the grants of the caller who has made it decide, as they are when a copy is written. It has no
            default, so that it is never forgotten.
        remove_headers: the copies lack all headers of that dialect.
    """

    dialect: Dialect
    by_operator: bool
    remove_headers: bool = False


@dataclass(eq=False)
class OriginUnclear(NothingWritten):
    """The record's headers do not say where it came from.

    Attributes:
        reason: which header is missing, or is invalid; never what it holds.
    """

    reason: str

    def __str__(self) -> str:
        return f"where the record came from is not clear: {self.reason}"


@dataclass(frozen=True, slots=True)
class _Family:
    """The headers of one dialect.

    Attributes:
        prefix: what the names of all of them begin with.
        topic: name of the header with the topic, in UTF-8.
        partition: name of the header with the partition.
        number: parses the latter; None for what is no partition.
    """

    prefix: str
    topic: str
    partition: str
    number: Callable[[bytes], int | None]


def _int32(value: bytes) -> int | None:
    if len(value) != 4:
        return None
    number = int.from_bytes(value, "big", signed=True)
    return number if number >= 0 else None


def _decimal(value: bytes) -> int | None:
    number = int(value) if _DECIMAL.fullmatch(value) else -1
    return number if 0 <= number <= MAX_PARTITION else None


_SPRING = _Family("kafka_dlt-", "kafka_dlt-original-topic", "kafka_dlt-original-partition", _int32)
_CONNECT = _Family("__connect.errors.", "__connect.errors.topic", "__connect.errors.partition", _decimal)
_FAMILIES: dict[Dialect, tuple[_Family, ...]] = {
    "spring": (_SPRING,),
    "connect": (_CONNECT,),
    "any": (_SPRING, _CONNECT),
}


def origin_of(record: Record, dialect: Dialect) -> TopicPartition:
    """Return where a dead-letter record came from.

    Args:
        record: with its headers.
        dialect: whose headers say it.

    Raises:
        OriginUnclear: a header is missing or malformed, or two of them differ. Spring's recoverer appends its headers
            to those of an earlier time: the last topic may be one for retries, and the first one may have been written
            by anybody; neither is taken for the right one.
    """
    families = _FAMILIES[dialect]
    present = [
        family for family in families if any(name in (family.topic, family.partition) for name, _ in record.headers)
    ]
    if not present:
        raise OriginUnclear(f"it has no header {' and no header '.join(family.topic for family in families)}")
    places = {_place(record, family) for family in present}
    if len(places) > 1:
        raise OriginUnclear("the headers of Spring and those of Kafka Connect name different places")
    return places.pop()


def without_origin(headers: tuple[Header, ...], dialect: Dialect) -> tuple[Header, ...]:
    """Return the headers, in their order, without all those of this dialect: exceptions and times, too."""
    prefixes = tuple(family.prefix for family in _FAMILIES[dialect])
    return tuple(header for header in headers if not header[0].startswith(prefixes))


def _place(record: Record, family: _Family) -> TopicPartition:
    topic = _decoded(_only(record, family.topic))
    if topic is None:
        raise OriginUnclear(f"its header {family.topic} is not the name of a topic")
    partition = family.number(_only(record, family.partition))
    if partition is None:
        raise OriginUnclear(f"its header {family.partition} is not the number of a partition")
    return TopicPartition(topic, partition)


def _only(record: Record, wanted: str) -> bytes:
    """Return what all headers of that name say."""
    values = {value for name, value in record.headers if name == wanted}
    if not values:
        raise OriginUnclear(f"it has no header {wanted}")
    if len(values) > 1:
        raise OriginUnclear(f"it has several headers {wanted}, which differ")
    # Null is malformed, as nothing is: neither names a topic or a partition.
    return values.pop() or b""


def _decoded(value: bytes) -> str | None:
    try:
        name = value.decode()
    except UnicodeDecodeError:
        return None
    return name if _LEGAL_TOPIC.fullmatch(name) and name not in {".", ".."} else None
