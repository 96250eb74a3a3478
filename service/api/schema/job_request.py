"""What the body of a job may hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from kafka.jobs.filter import Filter, HeaderCondition
from kafka.jobs.plan import MAX_RATE
from kafka.jobs.spec import JobSpec
from kafka.redrive.dialects import DIALECTS, Dialect, Target
from service.api.schema.resend import INEXACT_FROM, MAX_OFFSET, MAX_PARTITION, TOPIC, ResendRequest
from service.http.refusals import JobFieldRefused, shown
from service.http.strict_json import read_json

MOST_POSITIONS = 10_000
_MOST_PARTITIONS = 100_000
_MOST_HEADERS = 20
_MOST_TEXT = 4096
_LATEST_MS = 2**63 - 1
_LEAST_RATE = 1e-6
"""One record in twelve days. A number below the smallest that a double can hold would be 0."""

_SELECTIONS = ("offsets", "start_time and end_time", "messages")
_T = TypeVar("_T")


class _RequestPart(BaseModel):
    # What is not there is read as it is written here: nothing is guessed. Parsing is done by hand, for the words.
    model_config = ConfigDict(extra="forbid")


class OffsetRangeItem(_RequestPart):
    """A range of offsets of one partition."""

    partition: int = Field(ge=0, le=MAX_PARTITION)
    start: int = Field(default=0, ge=0, le=MAX_OFFSET)
    end: int | None = Field(default=None, ge=1, le=MAX_OFFSET, description="Not part of it; null: the log's end.")


class MessagePosition(_RequestPart):
    """Where a message is."""

    partition: int = Field(ge=0, le=MAX_PARTITION)
    message_offset: int = Field(ge=0, le=MAX_OFFSET)


class HeaderConditionItem(_RequestPart):
    """What is asked of the headers of one name; with neither value nor absent there must be one."""

    name: str = Field(max_length=_MOST_TEXT)
    value: str | None = Field(default=None, max_length=_MOST_TEXT, description="Of the last header of that name.")
    absent: bool = Field(default=False, description="There is none of that name.")


class FilterItem(_RequestPart):
    """Which of the selected messages are resent: those that meet all of it."""

    key: str | None = Field(default=None, max_length=_MOST_TEXT, description="Exactly this key, as UTF-8.")
    headers: list[HeaderConditionItem] | None = Field(default=None, min_length=1, max_length=_MOST_HEADERS)
    jmespath: str | None = Field(
        default=None, max_length=_MOST_TEXT, description="An expression that must be true of the value as JSON."
    )
    include_resent: bool = Field(default=False, description="Also messages that carry a consumer_key already.")


class TargetItem(_RequestPart):
    """That the copies of dead-letter messages go to the topic and the partition that these came from."""

    dialect: Dialect = Field(
        description="Whose headers tell them: Spring Kafka's, Kafka Connect's, or whichever of both are there."
    )
    remove_headers: bool = Field(
        default=False, description="The copies lack these headers, and all others that this dialect has left."
    )


class JobRequest(_RequestPart):
    """Which messages to resend, and the recipient; at most one of offsets, the two times, and messages."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"topic": "topic-test", "consumer_key": "keyA", "dry_run": True}}
    )

    topic: str = Field(pattern=f"^{TOPIC.pattern}$", description="Topic name.")
    partitions: list[int] | None = Field(
        default=None, min_length=1, max_length=_MOST_PARTITIONS, description="The only partitions; all without."
    )
    offsets: list[OffsetRangeItem] | None = Field(
        default=None, min_length=1, max_length=_MOST_PARTITIONS, description="Ranges of offsets, one a partition."
    )
    start_time: int | None = Field(default=None, ge=0, description="First timestamp, Unix milliseconds.")
    end_time: int | None = Field(default=None, ge=1, description="First timestamp after the range.")
    messages: list[MessagePosition] | None = Field(
        default=None, min_length=1, max_length=MOST_POSITIONS, description="Exactly these messages."
    )
    filter: FilterItem | None = None
    consumer_key: str | None = Field(default=None, description="The recipient; without it, all consumers.")
    records_per_second: float | None = Field(default=None, ge=_LEAST_RATE, le=MAX_RATE, description="At most.")
    max_failures: int | None = Field(default=None, ge=1, description="The job fails at that many failures.")
    dry_run: bool = Field(default=False, description="Count and report, and write nothing.")
    target: TargetItem | None = Field(
        default=None, description="Where the copies go; null: to the topic and the partition of the messages."
    )


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
    fields = _object(read_json(body), "the body", tuple(JobRequest.model_fields))
    if "topic" not in fields:
        raise JobFieldRefused("the body lacks topic")
    # Topic and consumer_key are as those of a single resend, and refused in the same words.
    single = ResendRequest.model_validate(
        {"topic": fields["topic"], "partition": 0, "message_offset": 0, "consumer_key": fields.get("consumer_key")}
    )
    times = _times(fields.get("start_time"), fields.get("end_time"))
    offsets = _optional(fields.get("offsets"), _offsets)
    positions = _optional(fields.get("messages"), _positions)
    given = [name for name, value in zip(_SELECTIONS, (offsets, times, positions), strict=True) if value is not None]
    if len(given) > 1:
        raise JobFieldRefused(f"the body selects by {given[0]} and by {given[1]}: choose one")
    partitions = _optional(fields.get("partitions"), _partitions)
    _check_inside(partitions, offsets, positions)
    return JobSpec(
        project=project,
        created_by=created_by,
        topic=single.topic,
        partitions=partitions,
        offsets=offsets,
        times_ms=times,
        positions=positions,
        filter=_optional(fields.get("filter"), _filter) or Filter(),
        consumer_key=single.consumer_key,
        records_per_second=_optional(fields.get("records_per_second"), _rate),
        max_failures=_optional(fields.get("max_failures"), lambda value: _whole(value, "max_failures", 1)),
        dry_run=_parse_bool(fields.get("dry_run", False), "dry_run"),
        target=_optional(fields.get("target"), _target),
    )


def parse_nothing(body: bytes) -> None:
    """Accept the body of a call that takes none: nothing at all, or an object without fields.

    Raises:
        BodyRefused, FieldRefused: it says something.
    """
    if body:
        _object(read_json(body), "the body", ())


def _object(value: object, name: str, known: Collection[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise JobFieldRefused(f"{name} is {shown(value)}, not an object")
    for field in value:
        if field not in known:
            raise JobFieldRefused(f"{name} has an unknown field {shown(field)}")
    return value


def _optional(value: object, parse: Callable[[object], _T]) -> _T | None:
    return None if value is None else parse(value)


def _list(value: object, name: str, most: int) -> list[object]:
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise JobFieldRefused(f"{name} is {shown(value)}, not a list of 1 to {most} entries")
    return value


def _whole(value: object, name: str, least: int = 0, most: int = MAX_OFFSET) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < INEXACT_FROM:
        # Clients whose numbers are doubles write whole ones that way.
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise JobFieldRefused(f"{name} is {shown(value)}, not a whole number from {least} to {most}")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise JobFieldRefused(f"{name} is {shown(value)}, not a text of at most {_MOST_TEXT} characters")
    return value


def _parse_bool(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise JobFieldRefused(f"{name} is {shown(value)}, neither true nor false")
    return value


def _check_inside(
    partitions: tuple[int, ...] | None,
    offsets: Mapping[int, tuple[int, int | None]] | None,
    positions: Collection[tuple[int, int]] | None,
) -> None:
    """Refuse a selection that names a partition which is left out at the same time."""
    if partitions is None:
        return
    named = [*(offsets or ()), *(partition for partition, _ in positions or ())]
    inside = set(partitions)
    outside = next((partition for partition in named if partition not in inside), None)
    if outside is not None:
        field = "offsets" if offsets else "messages"
        raise JobFieldRefused(f"{field} names partition {outside}, which partitions leaves out")


def _partition(value: object) -> int:
    return _whole(value, "a partition", 0, MAX_PARTITION)


def _partitions(value: object) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_partition(entry) for entry in _list(value, "partitions", _MOST_PARTITIONS)))


def _offsets(value: object) -> dict[int, tuple[int, int | None]]:
    ranges: dict[int, tuple[int, int | None]] = {}
    for entry in _list(value, "offsets", _MOST_PARTITIONS):
        fields = _object(entry, "an entry of offsets", ("partition", "start", "end"))
        partition, start = _partition(fields.get("partition")), _whole(fields.get("start", 0), "start")
        end = _optional(fields.get("end"), lambda given: _whole(given, "end"))
        if end is not None and end <= start:
            raise JobFieldRefused(f"the offsets of partition {partition} begin at {start} and end at {end}")
        if partition in ranges:
            raise JobFieldRefused(f"offsets names partition {partition} more than once")
        ranges[partition] = (start, end)
    return ranges


def _positions(value: object) -> tuple[tuple[int, int], ...]:
    found = []
    for entry in _list(value, "messages", MOST_POSITIONS):
        fields = _object(entry, "an entry of messages", ("partition", "message_offset"))
        found.append((_partition(fields.get("partition")), _whole(fields.get("message_offset"), "message_offset")))
    return tuple(found)


def _times(start: object, end: object) -> tuple[int, int] | None:
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise JobFieldRefused("start_time and end_time belong together")
    times = _whole(start, "start_time", 0, _LATEST_MS), _whole(end, "end_time", 0, _LATEST_MS)
    if times[0] >= times[1]:
        raise JobFieldRefused(f"start_time {times[0]} must be before end_time {times[1]}")
    return times


def _rate(value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | Decimal)
        or not Decimal(str(_LEAST_RATE)) <= value <= MAX_RATE
    ):
        raise JobFieldRefused(
            f"records_per_second is {shown(value)}, not a number from {_LEAST_RATE:.6f} to {MAX_RATE}"
        )
    return float(value)


def _filter(value: object) -> Filter:
    fields = _object(value, "filter", ("key", "headers", "jmespath", "include_resent"))
    headers = fields.get("headers")
    return Filter(
        _optional(fields.get("key"), lambda given: _text(given, "key")),
        () if headers is None else tuple(map(_condition, _list(headers, "headers", _MOST_HEADERS))),
        _optional(fields.get("jmespath"), lambda given: _text(given, "jmespath")),
        _parse_bool(fields.get("include_resent", False), "include_resent"),
    )


def _target(value: object) -> Target:
    fields = _object(value, "target", tuple(TargetItem.model_fields))
    found = fields.get("dialect")
    dialect: Dialect | None = next((known for known in DIALECTS if known == found), None)
    if dialect is None:
        raise JobFieldRefused(f"the dialect of the target is {shown(found)}, not one of {', '.join(DIALECTS)}")
    remove_headers = _parse_bool(fields.get("remove_headers", False), "remove_headers")
    return Target(dialect, by_operator=False, remove_headers=remove_headers)


def _condition(value: object) -> HeaderCondition:
    fields = _object(value, "an entry of headers", ("name", "value", "absent"))
    absent = _parse_bool(fields.get("absent", False), "absent")
    wanted = _optional(fields.get("value"), lambda given: _text(given, "value"))
    if absent and wanted is not None:
        raise JobFieldRefused("an entry of headers has a value and is to be absent: choose one")
    return HeaderCondition(_text(fields.get("name"), "name"), wanted, absent)
