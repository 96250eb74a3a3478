"""Bodies of the answers to those who look: callers, topics and messages, named as the API document names them."""

from __future__ import annotations

import base64
from typing import Literal

from pydantic import Field

from kafka.model.records import Record, TimestampType
from kafka.search.streams import RecordSummary, found_of
from service.api.schema.answer import AnswerBody
from service.api.schema.resend import ErrorResponse
from service.api.schema.scan import ScanItem

Encoding = Literal["utf-8", "base64"]
TimestampTypeName = Literal["CreateTime", "LogAppendTime", "NoTimestampType"]

_TIMESTAMP_TYPES: dict[TimestampType, TimestampTypeName] = {
    TimestampType.NOT_AVAILABLE: "NoTimestampType",
    TimestampType.CREATE_TIME: "CreateTime",
    TimestampType.LOG_APPEND_TIME: "LogAppendTime",
}


class CallerInstance(AnswerBody):
    """An instance that the caller may do something to."""

    instance_id: str
    state: Literal["opening", "ready", "away", "closing"]
    reason: str | None = Field(description="Why it is away.")
    embedded: bool = Field(description="A broker in memory: nothing is kept, and nothing is found by time.")
    read_only: bool = Field(description="The operator has stopped all resends.")
    actions: list[str] = Field(description="What the caller may do there.")
    dialects: list[str] = Field(description="Dialects of dead letters that jobs may name there, `auto` first.")


class CallerResponse(AnswerBody):
    """Who the token belongs to, and what they may touch."""

    name: str
    project: str = Field(description="A project id that works in the caller's paths.")
    instances: list[CallerInstance]


class PartitionBounds(AnswerBody):
    """Where a partition begins and ends; null where the service may not know."""

    partition: int
    log_start_offset: int | None
    high_watermark: int | None


class TopicItem(AnswerBody):
    """A topic. Where the service may not see its configuration, what that would tell is null."""

    name: str
    partition: int = Field(description="How many partitions it has.")
    replication: int
    retention_time: int | None = Field(
        description="Hours, rounded up; null: unlimited, or not known where compacted is null as well."
    )
    topic_type: Literal["NORMAL"]
    permissions: list[str] = Field(description="What the caller may do with it.")
    topic_id: str | None
    compacted: bool | None = Field(description="Null: the service may not see the topic's configuration.")
    internal: bool
    timestamp_type: TimestampTypeName | None
    partitions: list[PartitionBounds]
    record_count: int | None = Field(description="Offsets between the bounds: as many records or fewer.")
    record_count_is_upper_bound: Literal[True]
    resend_allowed: bool
    resend_refusal: ErrorResponse | None = Field(description="What a resend of its records would be answered with.")


class TopicsResponse(AnswerBody):
    """The topics that the caller's grants reach."""

    total: int = Field(description="How many match.")
    size: int = Field(description="How many are in this answer.")
    permissions: list[str] = Field(description="What the caller may do on this instance.")
    topics: list[TopicItem]
    remain_partitions: Literal[0] = Field(description="Always 0: Kafka has no such limit.")
    max_partitions: Literal[0] = Field(description="Always 0: Kafka has no such limit.")


class HeaderItem(AnswerBody):
    """A header of a record."""

    name: str
    value: str | None
    encoding: Encoding


class MessageItem(AnswerBody):
    """A record: where it is and what it is like; asked for by position, with its content."""

    topic: str
    partition: int
    message_offset: int
    timestamp: int | None = Field(description="Unix milliseconds; null if the record has none.")
    timestamp_type: TimestampTypeName
    key: str | None
    key_encoding: Encoding
    size: int = Field(description="Bytes of key, value and headers.")
    value_size: int | None = Field(description="Bytes of the value; null for a null value.")
    message_id: str
    app_id: Literal[""]
    tag: Literal[""]
    huge_message: bool = Field(description="Its value is too large to be shown; download=true gives it.")
    consumer_key: str | None = Field(
        description="Value of its last header consumer_key; null if that value is null, and without such a header."
    )
    consumer_key_encoding: Encoding
    has_consumer_key: bool | None = Field(
        description="Whether it has a header consumer_key; null: not known, since a header name is not UTF-8."
    )
    preview: str | None = Field(default=None, description="The beginning of the value as text; only if asked for.")
    preview_lossy: bool = Field(
        default=False, description="Bytes in it are not UTF-8, and are U+FFFD in the preview; only if asked for."
    )
    value: str | None = Field(default=None, description="By position, or with values=true; absent when huge.")
    value_encoding: Encoding = Field(default="utf-8", description="As value.")
    headers: list[HeaderItem] = Field(
        default=[], description="By position, or with values=true: in their order, repeated ones too."
    )


class MessagesResponse(AnswerBody):
    """A page of messages."""

    messages: list[MessageItem]
    total: int
    total_relation: Literal["exact", "upper_bound"]
    size: int = Field(description="How many are in this answer.")
    cursor: str | None = Field(description="Send it with the same other parameters for the next page; null: the end.")
    scan: ScanItem


class BucketItem(AnswerBody):
    """A stretch of time and how many records have their time in it."""

    start_time: int
    end_time: int
    count: int


class HistogramResponse(AnswerBody):
    """How many records there are in each stretch of time."""

    buckets: list[BucketItem]
    approximate: bool = Field(description="Counted by the brokers' index of times; false: by every record's own time.")
    total: int
    uncounted_partitions: list[int] = Field(
        description="Partitions left out: their times are out of order, and they are too large to be read."
    )


def shown_bytes(content: bytes | None) -> tuple[str | None, Encoding]:
    """Return bytes as text, and how: as it is where that is UTF-8, else in base64. None stays None."""
    if content is None:
        return None, "utf-8"
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), "base64"


def listed_message(topic: str, found: RecordSummary, max_value_bytes: int, preview: int) -> MessageItem:
    """Return what a list tells of a record.

    Args:
        topic: where it was found.
        found: the record.
        max_value_bytes: a larger value is huge.
        preview: how many characters of the value to show; 0: none, not even the field.
    """
    key, key_encoding = shown_bytes(found.key)
    consumer_key, consumer_key_encoding = shown_bytes(found.consumer_key)
    fields: dict[str, object] = {
        "topic": topic,
        "partition": found.partition,
        "message_offset": found.offset,
        # Kafka writes -1 for none (RecordBatch.NO_TIMESTAMP), and keeps the type.
        "timestamp": found.timestamp_ms if found.timestamp_ms >= 0 else None,
        "timestamp_type": _TIMESTAMP_TYPES[found.timestamp_type],
        "key": key,
        "key_encoding": key_encoding,
        "size": found.size_bytes,
        "value_size": found.value_bytes,
        "message_id": f"{found.partition}-{found.offset}",
        "app_id": "",
        "tag": "",
        "huge_message": (found.value_bytes or 0) > max_value_bytes,
        "consumer_key": consumer_key,
        "consumer_key_encoding": consumer_key_encoding,
        "has_consumer_key": found.has_consumer_key,
    }
    if preview:
        begin = found.preview
        text = None if begin is None else begin.decode("utf-8", "replace")[:preview]
        fields["preview"] = text
        fields["preview_lossy"] = text is not None and not (begin or b"").startswith(text.encode())
    if found.record is not None:
        fields |= _contents(found.record, huge=fields["huge_message"] is True)
    return MessageItem.model_validate(fields)


def whole_message(record: Record, max_value_bytes: int) -> MessageItem:
    """Return all that there is to tell of a record.

    Args:
        record: as it was read.
        max_value_bytes: a larger value is left out.
    """
    return listed_message(record.position.topic, found_of(record, 0, contents=True), max_value_bytes, 0)


def _contents(record: Record, *, huge: bool) -> dict[str, object]:
    headers = [
        dict(zip(("name", "value", "encoding"), (name, *shown_bytes(value)), strict=True))
        for name, value in record.headers
    ]
    if huge:
        return {"headers": headers}
    value, encoding = shown_bytes(record.value)
    return {"value": value, "value_encoding": encoding, "headers": headers}
