"""Request and response bodies, named as the API document names them."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from kafka.model.records import MAX_OFFSET, MAX_PARTITION
from service.http.refusals import (
    BodyNotObject,
    ConsumerKeyEmpty,
    ConsumerKeyNotCarriable,
    ConsumerKeyNotText,
    ConsumerKeyTooLong,
    FieldMissing,
    FieldUnknown,
    OffsetNotExact,
    OffsetNotNumber,
    OffsetNotWhole,
    OffsetOutOfRange,
    PartitionNotInteger,
    PartitionOutOfRange,
    TopicNotLegal,
    TopicNotText,
    shown,
)
from service.http.strict_json import INEXACT_FROM, read_json

MAX_CONSUMER_KEY_BYTES = 1024

_TOPIC_PATTERN = r"^[a-zA-Z0-9._-]{1,249}$"
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")


def topic_name(value: object) -> str:
    """Return a name that Kafka allows for a topic.

    Raises:
        TopicNotText, TopicNotLegal: it is none.
    """
    if not isinstance(value, str):
        raise TopicNotText(f"topic is {shown(value)}, not a string")
    if _TOPIC.fullmatch(value) is None or value in {".", ".."}:
        raise TopicNotLegal(f"topic {shown(value)} is not a name that Kafka allows")
    return value


def _partition(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise PartitionNotInteger(f"partition is {shown(value)}, not an integer")
    if not 0 <= value <= MAX_PARTITION:
        raise PartitionOutOfRange(f"partition {shown(value)} is out of range")
    return value


def _message_offset(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise OffsetNotNumber(f"message_offset is {shown(value)}, not a number")
    if isinstance(value, Decimal):
        return _whole(value)
    if not 0 <= value <= MAX_OFFSET:
        raise OffsetOutOfRange(f"message_offset {shown(value)} is out of range")
    return value


def _whole(value: Decimal) -> int:
    """Take 4.0 for 4: clients whose numbers are doubles write whole ones that way."""
    if value < 0:
        raise OffsetOutOfRange(f"message_offset {shown(value)} is out of range")
    if value >= INEXACT_FROM:
        raise OffsetNotExact(f"message_offset {shown(value)} is a float of 2^53 or more and may be rounded")
    if value != value.to_integral_value():
        raise OffsetNotWhole(f"message_offset {shown(value)} is not a whole number")
    return int(value)


def _consumer_key(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConsumerKeyNotText(f"consumer_key is {shown(value)}, neither a string nor null")
    if not value:
        raise ConsumerKeyEmpty("consumer_key is an empty string")
    if len(value) > MAX_CONSUMER_KEY_BYTES or len(value.encode("utf-8", "surrogatepass")) > MAX_CONSUMER_KEY_BYTES:
        raise ConsumerKeyTooLong(f"consumer_key {shown(value)} is longer than {MAX_CONSUMER_KEY_BYTES} bytes of UTF-8")
    if not value.isprintable() and any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        raise ConsumerKeyNotCarriable(f"consumer_key {shown(value)} holds a control character or half a surrogate pair")
    return value


# The bounds stand before the validator that checks them in its own words, or the JSON schema would lack them.
Topic = Annotated[
    str,
    Field(pattern=_TOPIC_PATTERN, description="Topic name.", examples=["topic-test"]),
    BeforeValidator(topic_name),
]
Partition = Annotated[
    int,
    Field(ge=0, le=MAX_PARTITION, description="Partition, from 0.", examples=[0]),
    BeforeValidator(_partition),
]
MessageOffset = Annotated[
    int,
    Field(
        ge=0,
        le=MAX_OFFSET,
        description="Offset of the message, from 0. 4 and 4.0 are the same; a float must be below 2^53.",
        examples=[4],
    ),
    BeforeValidator(_message_offset),
]
ConsumerKey = Annotated[
    str | None,
    BeforeValidator(_consumer_key),
    Field(
        description=(
            "The key of the application that the copy is for: set as the copy's header consumer_key, in place of "
            f"earlier ones. At most {MAX_CONSUMER_KEY_BYTES} bytes of UTF-8 without control characters. Without it, or "
            "with null, the headers stay as they are."
        ),
        examples=["keyA"],
    ),
]


class ResendRequest(BaseModel):
    """Which message to resend, and the recipient."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "example": {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"}
        },
    )

    topic: Topic
    partition: Partition
    message_offset: MessageOffset
    consumer_key: ConsumerKey = None


class ResendResponse(BaseModel):
    """The request's fields, once the copy is acknowledged by all in-sync replicas."""

    model_config = ConfigDict(frozen=True)

    topic: str = Field(description="Topic name.")
    partition: int = Field(description="Partition.")
    message_offset: int = Field(description="Offset of the message that was resent, not of its copy.")
    consumer_key: str | None = Field(
        default=None, description="Application key that the copy carries; absent when none was asked for."
    )


class ErrorResponse(BaseModel):
    """What went wrong, and what to do."""

    error_code: str = Field(description="Stable code, listed in docs/errors.md.", pattern=r"^RESEND\.00[0-9]{6}$")
    error_msg: str = Field(description="What is wrong with which value, and what to do.")


class InstanceReadiness(BaseModel):
    """Whether one instance's cluster can be used now."""

    state: Literal["opening", "ready", "away", "closing"]
    reason: str | None = Field(default=None, description="Why it is away.")


class Readiness(BaseModel):
    """Whether the service takes requests, and which of its instances it could serve."""

    status: Literal["starting", "ready", "stopping"]
    instances: dict[str, InstanceReadiness]
    callers: str | None = Field(
        default=None, description="Why grants may be out of date; absent while the callers file can be read."
    )


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"]


_FIELDS = tuple(ResendRequest.model_fields)
_REQUIRED = tuple(name for name, field in ResendRequest.model_fields.items() if field.is_required())


def parse_resend(body: bytes) -> ResendRequest:
    """Return what the body of a resend asks for.

    Checked in this order: text, JSON, object, unknown fields (an unknown name explains a missing one), missing fields,
    then each field in the order of the API document.

    Raises:
        BodyRefused: the body as a whole.
        FieldRefused: one of its fields.
    """
    content = read_json(body)
    if not isinstance(content, dict):
        raise BodyNotObject(f"the body is {shown(content)}, not an object")
    for name in content:
        if name not in _FIELDS:
            raise FieldUnknown(f"the body has an unknown field {shown(name)}")
    missing = [name for name in _REQUIRED if name not in content]
    if missing:
        raise FieldMissing(f"the body lacks {', '.join(missing)}")
    return ResendRequest.model_validate(content)
