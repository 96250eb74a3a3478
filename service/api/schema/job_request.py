"""What the body of a job may hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Self

import msgspec
from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from kafka.jobs.plan import MAX_RATE
from kafka.jobs.spec import JobSpec
from kafka.model.records import MAX_OFFSET, MAX_PARTITION
from service.api.schema.filter import DialectName, FilterItem, RequestPart
from service.api.schema.refused import refused_words
from service.api.schema.resend import ConsumerKey, Topic
from service.http.refusals import JobFieldRefused, shown
from service.http.strict_json import read_json

MOST_POSITIONS = 10_000
_MOST_PARTITIONS = 100_000
_MOST_NAME = 200
_LEAST_RATE = 1e-6
"""One record in twelve days. A number below the smallest that a double can hold would be 0."""

_Partition = Annotated[int, Field(strict=True, ge=0, le=MAX_PARTITION)]
_Offset = Annotated[int, Field(strict=True, ge=0, le=MAX_OFFSET)]
_Positive = Annotated[int, Field(strict=True, ge=1, le=MAX_OFFSET)]
# One entry that is wrong is enough: to tell it costs more than to read it.
_PARTITIONS = Field(min_length=1, max_length=_MOST_PARTITIONS, fail_fast=True)
_POSITIONS = Field(min_length=1, max_length=MOST_POSITIONS, fail_fast=True)


# A body may have ten thousand of these and more, and a dataclass takes half of a model's time.
_entry = dataclass(config=ConfigDict(extra="forbid"), frozen=True, slots=True)


@_entry
class OffsetRangeItem:
    """A range of offsets of one partition."""

    partition: _Partition
    start: _Offset = 0
    end: _Offset | None = Field(default=None, description="Not part of it; null: the log's end.")


@_entry
class MessagePosition:
    """Where a message is."""

    partition: _Partition
    message_offset: _Offset


class TargetItem(RequestPart):
    """That the copies of dead-letter messages go to the topic and the partition that these came from."""

    dialect: DialectName = Field(
        description="Whose headers tell them: one of those that GET /v2/caller lists for the instance; `auto`: all "
        "that are there.",
        examples=["auto"],
    )
    remove_headers: bool = Field(
        default=True,
        description="The copies lack these headers, and all others that the dialect has left, such as the stack trace.",
    )
    group_as_recipient: bool = Field(
        default=False, description="The consumer_key of each copy is the consumer group that its dead letter names."
    )


class JobRequest(RequestPart):
    """Which messages to resend, and the recipient; at most one of offsets, the two times, and messages."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"topic": "topic-test", "consumer_key": "keyA", "dry_run": True}}
    )

    topic: Topic
    name: Annotated[str, Field(max_length=_MOST_NAME)] | None = Field(
        default=None, description="What people are to call the job."
    )
    partitions: Annotated[list[_Partition], _PARTITIONS] | None = Field(
        default=None, description="The only partitions; all without."
    )
    offsets: Annotated[list[OffsetRangeItem], _PARTITIONS] | None = Field(
        default=None, description="Ranges of offsets, one a partition."
    )
    start_time: _Offset | None = Field(default=None, description="First timestamp, Unix milliseconds.")
    end_time: _Offset | None = Field(default=None, description="First timestamp after the range.")
    messages: Annotated[list[MessagePosition], _POSITIONS] | None = Field(
        default=None, description="Exactly these messages."
    )
    filter: FilterItem | None = None
    consumer_key: ConsumerKey = None
    records_per_second: float | None = Field(default=None, ge=_LEAST_RATE, le=MAX_RATE, description="At most.")
    max_failures: _Positive | None = Field(default=None, description="The job fails at that many failures.")
    dry_run: bool = Field(default=False, description="Count and report, and write nothing.")
    provenance: bool | None = Field(
        default=None,
        description="Copies have headers that say what they are copies of; null: with a target or max_resends.",
    )
    max_resends: _Positive | None = Field(
        default=None, description="A message that jobs have resent that often is a failure."
    )
    allow_duplicate: bool = Field(
        default=False,
        description="Accept the job although another one has resent records of the selection for the same recipient.",
    )
    target: TargetItem | None = Field(
        default=None, description="Where the copies go; null: to the topic and the partition of the messages."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.start_time is None) != (self.end_time is None):
            raise JobFieldRefused("start_time and end_time belong together")
        if self.start_time is not None and self.end_time is not None and self.start_time >= self.end_time:
            raise JobFieldRefused(f"start_time {self.start_time} must be before end_time {self.end_time}")
        ways = {"offsets": self.offsets, "start_time and end_time": self.start_time, "messages": self.messages}
        given = [way for way, value in ways.items() if value is not None]
        if len(given) > 1:
            raise JobFieldRefused(f"the body selects by {given[0]} and by {given[1]}: choose one")
        if self.consumer_key is not None and self.target is not None and self.target.group_as_recipient:
            raise JobFieldRefused("the body has a consumer_key and target.group_as_recipient: choose one")
        if self.provenance is False and self.max_resends is not None:
            raise JobFieldRefused("max_resends counts by the headers that provenance leaves away: choose one")
        _check_ranges(self.offsets or ())
        if self.partitions is not None:
            inside = frozenset(self.partitions)
            named: Sequence[OffsetRangeItem] | Sequence[MessagePosition] = self.offsets or self.messages or ()
            for item in named:
                if item.partition not in inside:
                    raise JobFieldRefused(f"{given[0]} names partition {item.partition}, which partitions leaves out")
        return self


def _check_ranges(ranges: Collection[OffsetRangeItem]) -> None:
    seen: set[int] = set()
    for item in ranges:
        if item.end is not None and item.end <= item.start:
            raise JobFieldRefused(
                f"the offsets of partition {item.partition} begin at {item.start} and end at {item.end}"
            )
        if item.partition in seen:
            raise JobFieldRefused(f"offsets names partition {item.partition} more than once")
        seen.add(item.partition)


def parse_job(body: bytes, project: str, created_by: str) -> JobSpec:
    """Return what the body of a job asks for.

    Args:
        body: JSON.
        project: project id of the path.
        created_by: name of the caller.

    Raises:
        BodyRefused: the body as a whole.
        FieldRefused: one of its fields.
    """
    content = _object(read_json(body, wholes=True), JobRequest.model_fields)
    if "topic" not in content:
        raise JobFieldRefused("the body lacks topic")
    try:
        asked = JobRequest.model_validate(content)
    except ValidationError as error:
        raise JobFieldRefused(refused_words(error, JobRequest, content)) from None
    return _to_spec(asked, project, created_by)


def _to_spec(asked: JobRequest, project: str, created_by: str) -> JobSpec:
    """Return what is asked for, with the fields of one name as they are."""
    others = {"partitions", "offsets", "messages", "start_time", "end_time"}
    fields = asked.model_dump(exclude=others, exclude_none=True) | {"project": project, "created_by": created_by}
    if asked.partitions is not None:
        fields["partitions"] = tuple(dict.fromkeys(asked.partitions))
    if asked.offsets is not None:
        fields["offsets"] = {item.partition: (item.start, item.end) for item in asked.offsets}
    if asked.messages is not None:
        fields["positions"] = [(item.partition, item.message_offset) for item in asked.messages]
    if asked.start_time is not None:
        fields["times_ms"] = asked.start_time, asked.end_time
    if asked.target is not None:
        fields["target"]["by_operator"] = False
    if asked.provenance is None:
        # Without a count in its headers, nothing tells how often a record came back.
        fields["provenance"] = asked.target is not None or asked.max_resends is not None
    return msgspec.convert(fields, JobSpec)


class ResendFailedRequest(RequestPart):
    """What may be said about a job of what another one lists as failed; nothing at all is an empty one."""

    allow_duplicate: bool = Field(default=False, description="As for a job over these messages.")


def parse_resend_failed(body: bytes) -> ResendFailedRequest:
    """Return what the body of such a request says.

    Raises:
        BodyRefused, FieldRefused: it cannot be read.
    """
    if not body:
        return ResendFailedRequest()
    content = _object(read_json(body), ResendFailedRequest.model_fields)
    try:
        return ResendFailedRequest.model_validate(content)
    except ValidationError as error:
        raise JobFieldRefused(refused_words(error, ResendFailedRequest, content)) from None


def parse_nothing(body: bytes) -> None:
    """Accept the body of a call that takes none: nothing at all, or an object without fields.

    Raises:
        BodyRefused, FieldRefused: it says something.
    """
    if body:
        _object(read_json(body), ())


def _object(value: object, known: Collection[str]) -> dict[str, object]:
    """Return an object that has no other fields: an unknown one explains one that is missing."""
    if not isinstance(value, dict):
        raise JobFieldRefused(f"the body is {shown(value)}, not an object")
    for field in value:
        if field not in known:
            raise JobFieldRefused(f"the body has an unknown field {shown(field)}")
    return value
