"""Body of the answer that groups the records of a dead-letter topic."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _GroupingPart(BaseModel):
    model_config = ConfigDict(frozen=True)


class ExamplePositionItem(_GroupingPart):
    """Where one of the messages is."""

    partition: int
    message_offset: int


class DeadLetterGroupItem(_GroupingPart):
    """Messages of which their headers say the same; the first four fields are those of `filter.dead_letters`."""

    dialect: str | None = Field(description="Null: they are no dead letters, or contradict themselves; see problem.")
    topic: str | None = Field(description="Where they came from.")
    group: str | None = Field(
        description="The consumer group that could not process them; null where none is named, or not clearly."
    )
    reason: str | None = Field(description="Class of the exception, up to 500 characters; null where none is named.")
    problem: str | None = Field(description="Why there is no dialect.")
    count: int
    already_resent: int = Field(description="How many of them carry a consumer_key, and are left out by jobs.")
    first_time: int | None = Field(description="The lowest of their timestamps, Unix milliseconds; null without any.")
    last_time: int | None = Field(description="The highest of their timestamps.")
    example: ExamplePositionItem = Field(description="The first one, by partition, then by offset.")


class GroupingScanItem(_GroupingPart):
    """What was read for an answer."""

    records: int = Field(description="How many records were read.")
    milliseconds: float
    complete: bool = Field(description="Everything was read and nothing follows.")
    stopped_by: Literal["groups", "records", "seconds"] | None
    left: int = Field(description="Offsets still to be read: as many records or fewer.")


class DeadLettersResponse(_GroupingPart):
    """Groups of the messages that one request has read, the largest first; those of the next pages are to be added."""

    groups: list[DeadLetterGroupItem]
    size: int = Field(description="How many groups are in this answer.")
    cursor: str | None = Field(description="Send it with the same other parameters for the next page; null: the end.")
    scan: GroupingScanItem
