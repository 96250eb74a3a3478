"""Where a dead letter came from, and for which consumer group, by the headers that its framework has left on it.

Anyone may have written these headers: what does not say one place clearly says none.

NothingWritten
└── OriginUnclear    the headers do not say where the record came from, or for which group
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kafka.model.errors import NothingWritten
from kafka.model.records import MAX_OFFSET, MAX_PARTITION, Record, TopicPartition
from kafka.redrive.dialects import Dialect, Numbers
from kafka.redrive.known import Dialects

_LEGAL_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_DECIMAL = re.compile(rb"[0-9]{1,19}")
_MOST_GROUP_BYTES = 1024
"""As many as a consumer_key may have."""


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
class Origin:
    """Where a dead letter came from, as far as its headers alone tell.

    Attributes:
        dialects: in which of them it is said; the first one counts where there are several, which agree.
        topic: name of the topic.
        partitions: its partition; two where four bytes are either four digits or an int32, the digits first.
        offset: of the record there; None where that is not said clearly, and the dialect needs none.
    """

    dialects: tuple[Dialect, ...]
    topic: str
    partitions: tuple[int, ...]
    offset: int | None

    @property
    def dialect(self) -> Dialect:
        """The dialect that it is said in."""
        return self.dialects[0]

    def place(self, partitions: int) -> TopicPartition:
        """Return the partition in a topic that has that many; where only one is meant, also one that it does not have.

        Raises:
            OriginUnclear: two may be meant, and the topic has neither.
        """
        if len(self.partitions) == 1:
            return TopicPartition(self.topic, self.partitions[0])
        for partition in self.partitions:
            if partition < partitions:
                return TopicPartition(self.topic, partition)
        header = self.dialect.partition
        raise OriginUnclear(f"its header {header} is four digits or an int32, and the topic has neither partition")


def origin_of(record: Record, name: str, dialects: Dialects) -> Origin:
    """Return where a dead letter came from.

    Args:
        record: with its headers.
        name: of the dialect whose headers say it, or `auto`: whichever are there, and all of them must agree.
        dialects: those that are known.

    Raises:
        OriginUnclear: a header is missing or malformed, or two of them differ. Spring's recoverer appends its headers
            to those of an earlier time: the last topic may be one for retries, and the first one may have been written
            by anybody; neither is taken for the right one.
    """
    candidates = dialects.candidates(name, record.headers)
    if not candidates:
        raise OriginUnclear("its headers are of no known dialect")
    if len(candidates) == 1:
        return _origin(record, candidates[0])
    return _agreed([_origin(record, dialect) for dialect in candidates])


def group_of(record: Record, dialects: Sequence[Dialect]) -> str:
    """Return the consumer group that could not process a dead letter.

    Args:
        record: with its headers.
        dialects: that its origin is said in.

    Raises:
        OriginUnclear: no header says it, or it is nothing that a consumer_key can be, or two of them differ.
    """
    headers = dict.fromkeys(dialect.group for dialect in dialects if dialect.group is not None)
    if not headers:
        raise OriginUnclear(f"the dialect {dialects[0].name} names no consumer group")
    present = headers.keys() if len(headers) == 1 else {name for name, _ in record.headers}
    found = {header: _only(record, header) for header in headers if header in present}
    if not found:
        raise OriginUnclear(f"it has {_none_of(headers)}")
    if len(set(found.values())) > 1:
        raise OriginUnclear(f"its headers {' and '.join(found)} name different consumer groups")
    header, value = next(iter(found.items()))
    group = _group(value)
    if group is None:
        raise OriginUnclear(f"its header {header} is no consumer group that a consumer_key can name")
    return group


def _origin(record: Record, dialect: Dialect) -> Origin:
    topic = _topic(_only(record, dialect.topic))
    if topic is None:
        raise OriginUnclear(f"its header {dialect.topic} is not the name of a topic")
    partitions = _numbers(_only(record, dialect.partition), dialect.numbers, 4, MAX_PARTITION)
    if not partitions:
        raise OriginUnclear(f"its header {dialect.partition} is not the number of a partition")
    return Origin((dialect,), topic, partitions, _offset(record, dialect))


def _offset(record: Record, dialect: Dialect) -> int | None:
    if dialect.offset is None:
        return None
    try:
        # Eight digits as an int64 are more than any log has.
        offset = next(iter(_numbers(_only(record, dialect.offset), dialect.numbers, 8, MAX_OFFSET)), None)
    except OriginUnclear:
        if dialect.pointer:
            raise
        return None
    if offset is None and dialect.pointer:
        raise OriginUnclear(f"its header {dialect.offset} is not an offset")
    return offset


def _agreed(origins: Sequence[Origin]) -> Origin:
    """Return the one place that all of these say."""
    first = origins[0]
    partitions = first.partitions
    for origin in origins[1:]:
        partitions = tuple(partition for partition in partitions if partition in origin.partitions)
        if origin.topic != first.topic or not partitions:
            raise OriginUnclear(f"{_headers_of(first, origin)} name different places")
        if origin.dialect.pointer != first.dialect.pointer:
            raise OriginUnclear(f"{_headers_of(first, origin)} say that it is a dead letter and that it points to one")
    offsets = {origin.offset for origin in origins if origin.offset is not None}
    if first.dialect.pointer and len(offsets) > 1:
        raise OriginUnclear(f"{_headers_of(first, origins[1])} name different offsets")
    return Origin(tuple(origin.dialect for origin in origins), first.topic, partitions, first.offset)


def _headers_of(one: Origin, other: Origin) -> str:
    return f"its headers of the dialects {one.dialect.name} and {other.dialect.name}"


def _only(record: Record, wanted: str) -> bytes:
    """Return what all headers of that name say."""
    values = [value for name, value in record.headers if name == wanted]
    if not values:
        raise OriginUnclear(f"it has no header {wanted}")
    if len(values) > 1 and len(set(values)) > 1:
        raise OriginUnclear(f"it has several headers {wanted}, which differ")
    # Null is malformed, as nothing is: neither names a topic or a partition.
    return values[0] or b""


def _none_of(headers: Iterable[str]) -> str:
    return f"no header {' and no header '.join(headers)}"


def _topic(value: bytes) -> str | None:
    name = _text(value)
    return name if name is not None and _LEGAL_TOPIC.fullmatch(name) and name not in {".", ".."} else None


def _group(value: bytes) -> str | None:
    name = _text(value) if 0 < len(value) <= _MOST_GROUP_BYTES else None
    if name is None or name.isprintable():
        return name
    return None if any(unicodedata.category(character) == "Cc" for character in name) else name


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _numbers(value: bytes, numbers: Numbers, width: int, most: int) -> tuple[int, ...]:
    """Return the numbers that these bytes can be: none, one, or digits and big-endian bytes at once."""
    found = []
    if numbers != "binary" and _DECIMAL.fullmatch(value):
        found.append(int(value))
    if numbers != "text" and len(value) == width:
        found.append(int.from_bytes(value, "big", signed=True))
    return tuple([number for number in found if 0 <= number <= most])
