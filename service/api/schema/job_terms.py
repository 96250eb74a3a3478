"""What a job was asked for, as the answers about it have it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class JobPart(BaseModel):
    """A part of an answer about a job."""

    # Made of the attributes that have its fields' names, or their aliases. A field that has its default is absent.
    model_config = ConfigDict(extra="forbid", from_attributes=True, validate_by_name=True, validate_by_alias=True)


class SelectedRangeItem(JobPart):
    """A range of offsets that is read."""

    partition: int
    start: int
    end: int = Field(description="Not part of it; fixed when the job was accepted.")


class SelectionItem(JobPart):
    """What is read, as it was fixed when the job was accepted."""

    spans: list[SelectedRangeItem]
    positions: int | None = Field(default=None, description="How many messages alone are meant; absent: all.")
    start_time: int | None = Field(default=None, description="First timestamp; absent: any.")
    end_time: int | None = Field(default=None, description="First timestamp after the range; absent: any.")


class ConditionItem(JobPart):
    """What is asked of the headers of one name."""

    name: str
    value: str | None = Field(default=None, description="Absent: any.")
    absent: bool = Field(default=False, description="true, or absent.")


class DeadLettersToldItem(JobPart):
    """Which dead letters are meant; what is absent is any."""

    dialect: str | None = None
    topic: str | None = None
    group: str | None = Field(default=None, description='"": none is named.')
    reason: str | None = Field(default=None, description='"": none is named.')


class FilterToldItem(JobPart):
    """Which of the messages that are read are resent."""

    key: str | None
    key_prefix: str | None = Field(default=None, description="Absent: any.")
    key_contains: str | None = Field(default=None, description="Absent: any.")
    headers: list[ConditionItem]
    jmespath: str | None
    include_resent: bool
    dead_letters: DeadLettersToldItem | None = Field(default=None, description="Absent: any messages.")


class TargetToldItem(JobPart):
    """That the copies go to where the messages came from."""

    dialect: str
    remove_headers: bool
    group_as_recipient: bool = Field(default=False, description="true, or absent.")
