"""What a job is to resend. Everything that decides is fixed when the job is accepted; nothing here touches a broker."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeVar

import jmespath
from jmespath.exceptions import JMESPathError

from kafka.jobs.errors import ExpressionRefused
from kafka.jobs.origin import ORIGINS, Origin, Target
from kafka.records import CONSUMER_KEY, Record, Span

FORMAT = 1
"""Version of everything that is written to the store. A worker leaves alone what has another one."""

_ID_BYTES = 12
_Parsed = TypeVar("_Parsed")


class PlanNotUnderstood(Exception):
    """It has a format or a field that this version does not know: whoever knows it may run the job."""


@dataclass(frozen=True, slots=True)
class HeaderCondition:
    """What is asked of a record's headers of one name.

    Attributes:
        name: the headers' name.
        value: what the last header of that name must be, as UTF-8; None: anything.
        absent: the record must have no header of that name.
    """

    name: str
    value: str | None = None
    absent: bool = False

    def holds(self, record: Record) -> bool:
        """Whether the record meets it."""
        values = [value for name, value in record.headers if name == self.name]
        if self.absent:
            return not values
        if self.value is None:
            return bool(values)
        return bool(values) and values[-1] == self.value.encode()


@dataclass(frozen=True)
class Filter:
    """Which of the selected records are resent: those that meet all conditions.

    Attributes:
        key: the key's UTF-8 text; None: any.
        headers: conditions on headers.
        jmespath: an expression over the value as JSON that must be true of it, which it is of no other value.
        copies: also records that carry a consumer_key already, which most often are copies themselves.
    """

    key: str | None = None
    headers: tuple[HeaderCondition, ...] = ()
    jmespath: str | None = None
    copies: bool = False

    def holds(self, record: Record, *, headers_known: bool = True) -> bool:
        """Whether the record meets all conditions; headers that cannot be read are taken to meet theirs."""
        if self.key is not None and record.key != self.key.encode():
            return False
        if headers_known and not self._holds_of_headers(record):
            return False
        return self._expression is None or self._true_of(record.value)

    def _holds_of_headers(self, record: Record) -> bool:
        if not self.copies and any(name == CONSUMER_KEY for name, _ in record.headers):
            return False
        return all(condition.holds(record) for condition in self.headers)

    @cached_property
    def _expression(self) -> Any:
        return None if self.jmespath is None else parse_expression(self.jmespath)

    def _true_of(self, value: bytes | None) -> bool:
        if value is None:
            return False
        try:
            found = self._expression.search(json.loads(value))
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, JMESPathError):
            # Also an expression that does not fit this value, for which the library has more errors than its own.
            return False
        # As JMESPath has it: false, null and what is empty are false, 0 is true.
        return found is not None and found is not False and found not in ("", [], {})


def parse_expression(text: str) -> Any:
    """Return a compiled JMESPath expression.

    Raises:
        ExpressionRefused: it is none; says where.
    """
    try:
        return jmespath.compile(text)
    except (JMESPathError, RecursionError) as error:
        raise ExpressionRefused(" ".join(str(error).split())) from None


@dataclass(frozen=True, slots=True)
class Plan:
    """A job as it was accepted.

    Attributes:
        job_id: begins with the number of the store's partition that holds the job's records.
        instance: id of the instance whose cluster it runs on.
        project: project id of the request.
        made_by: name of the caller.
        made_at_ms: milliseconds since the Unix epoch.
        topic: where the records stand.
        topic_id: the topic as it was then; another one under the same name is another topic.
        spans: what to read, by partition and offset, none empty and none overlapping; ends were fixed at acceptance.
        positions: offsets by partition that alone are meant; None: all of the spans.
        times_ms: half-open range of the records' own timestamps; None: any.
        filter: which of them.
        consumer_key: whom the copies are for; None leaves the headers alone.
        records_per_second: at most; None: as fast as possible.
        stop_after_failures: the job fails when so many records could not be resent; None: never for that.
        dry_run: count and report what would be resent, and write nothing.
        target: where the copies go; None: to the topic and the partition of their records.
        digest: of the request that made the job with an Idempotency-Key; None without one.
    """

    job_id: str
    instance: str
    project: str
    made_by: str
    made_at_ms: int
    topic: str
    topic_id: str
    spans: tuple[Span, ...]
    positions: Mapping[int, frozenset[int]] | None = None
    times_ms: tuple[int, int] | None = None
    filter: Filter = field(default_factory=Filter)
    consumer_key: str | None = None
    records_per_second: float | None = None
    stop_after_failures: int | None = None
    dry_run: bool = False
    target: Target | None = None
    digest: str | None = None

    @property
    def offsets(self) -> int:
        """How many offsets there are to read: an upper bound of the records."""
        return sum(span.length for span in self.spans)

    def selects(self, record: Record, *, headers_known: bool = True) -> bool:
        """Whether a record of the spans is to be resent; see Filter.holds."""
        position = record.position
        if self.positions is not None and position.offset not in self.positions.get(position.partition, frozenset()):
            return False
        if self.times_ms is not None and not self.times_ms[0] <= record.timestamp_ms < self.times_ms[1]:
            return False
        return self.filter.holds(record, headers_known=headers_known)


def new_job_id(partitions: int) -> str:
    """Return an id that no job has, in a random partition of the store.

    Args:
        partitions: how many the store has.
    """
    # Not by a hash of the id: crc32 put ids that differ in one digit into one partition (measured).
    return f"{secrets.randbelow(partitions)}-{secrets.token_hex(_ID_BYTES)}"


def partition_of(job_id: str) -> int:
    """Return which partition of the store holds a job.

    Raises:
        ValueError: it is no job's id.
    """
    number, dash, rest = job_id.partition("-")
    if not dash or not number.isdecimal() or not number.isascii() or len(number) > 5 or len(rest) != 2 * _ID_BYTES:
        raise ValueError(job_id)
    if set(rest) - set("0123456789abcdef"):
        raise ValueError(job_id)
    return int(number)


def spans_of_positions(positions: Mapping[int, frozenset[int]], gap: int = 1000) -> tuple[Span, ...]:
    """Return spans that cover these offsets, reading on over gaps that cost less than starting anew."""
    spans: list[Span] = []
    for partition in sorted(positions):
        for offset in sorted(positions[partition]):
            last = spans[-1] if spans else None
            if last is not None and last.partition == partition and offset - last.end <= gap:
                spans[-1] = Span(partition, last.start, offset + 1)
            else:
                spans.append(Span(partition, offset, offset + 1))
    return tuple(spans)


_FIELDS = frozenset(field.name for field in fields(Plan)) | {"format"}
Encoding = dict[str, Any]


def encode_plan(plan: Plan) -> bytes:
    """Return the plan as the JSON that stands in the store."""
    filter_ = plan.filter
    return json.dumps(
        {
            "format": FORMAT,
            "job_id": plan.job_id,
            "instance": plan.instance,
            "project": plan.project,
            "made_by": plan.made_by,
            "made_at_ms": plan.made_at_ms,
            "topic": plan.topic,
            "topic_id": plan.topic_id,
            "spans": [[span.partition, span.start, span.end] for span in plan.spans],
            "positions": None
            if plan.positions is None
            else {str(partition): sorted(offsets) for partition, offsets in plan.positions.items()},
            "times_ms": plan.times_ms,
            "filter": {
                "key": filter_.key,
                "headers": [[condition.name, condition.value, condition.absent] for condition in filter_.headers],
                "jmespath": filter_.jmespath,
                "copies": filter_.copies,
            },
            "consumer_key": plan.consumer_key,
            "records_per_second": plan.records_per_second,
            "stop_after_failures": plan.stop_after_failures,
            "dry_run": plan.dry_run,
            # Not there in a plan without: workers of versions that do not know it run that one, and no other.
            **({} if plan.target is None else {"target": _encode_target(plan.target)}),
            # Left out, an older version understands the plan.
            **({} if plan.digest is None else {"digest": plan.digest}),
        },
        separators=(",", ":"),
    ).encode()


def _encode_target(target: Target) -> Encoding:
    return {"origin": target.origin, "remove_headers": target.remove_headers, "by_operator": target.by_operator}


def decode_plan(content: bytes) -> Plan:
    """Return the plan that encode_plan wrote.

    Raises:
        PlanNotUnderstood: it has another format, an unknown field, or lacks one.
    """
    try:
        found: Encoding = json.loads(content)
        if found.get("format") != FORMAT:
            raise PlanNotUnderstood(f"its format is {found.get('format')!r}, not {FORMAT}")
        if unknown := sorted(set(found) - _FIELDS):
            raise PlanNotUnderstood(f"it has an unknown field {unknown[0]!r}")
        if unknown := sorted(set(found["filter"]) - {"key", "headers", "jmespath", "copies"}):
            raise PlanNotUnderstood(f"its filter has an unknown field {unknown[0]!r}")
        times_ms, positions, filter_ = found["times_ms"], found["positions"], found["filter"]
        return Plan(
            _text(found["job_id"]),
            _text(found["instance"]),
            _text(found["project"]),
            _text(found["made_by"]),
            _number(found["made_at_ms"]),
            _text(found["topic"]),
            _text(found["topic_id"]),
            tuple(_span(*span) for span in found["spans"]),
            None
            if positions is None
            else {int(number): frozenset(map(_number, offsets)) for number, offsets in positions.items()},
            None if times_ms is None else (_number(times_ms[0]), _number(times_ms[1])),
            Filter(
                _maybe(_text, filter_["key"]),
                tuple(_condition(*condition) for condition in filter_["headers"]),
                _maybe(_text, filter_["jmespath"]),
                _truth(filter_["copies"]),
            ),
            _maybe(_text, found["consumer_key"]),
            _maybe(_rate, found["records_per_second"]),
            _maybe(_number, found["stop_after_failures"]),
            _truth(found["dry_run"]),
            _maybe(_target, found.get("target")),
            _maybe(_text, found.get("digest")),
        )
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise PlanNotUnderstood(f"it is not a plan: {type(error).__name__}") from None


# Somebody else wrote the plan: what is of another type would end its owner's turn in an error, again and again.


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError
    # Half a surrogate pair, which JSON can hold, cannot be compared with what stands in a record.
    found.encode()
    return found


def _number(found: object) -> int:
    if not isinstance(found, int) or isinstance(found, bool):
        raise TypeError
    return found


def _rate(found: object) -> float:
    if not isinstance(found, int | float) or not 0 < found < float("inf"):
        raise TypeError
    return found


def _truth(found: object) -> bool:
    if not isinstance(found, bool):
        raise TypeError
    return found


def _maybe(parse: Callable[[object], _Parsed], found: object) -> _Parsed | None:
    return None if found is None else parse(found)


def _span(partition: object, start: object, end: object) -> Span:
    return Span(_number(partition), _number(start), _number(end))


def _target(found: object) -> Target:
    if not isinstance(found, dict):
        raise TypeError
    if unknown := sorted(set(found) - {"origin", "remove_headers", "by_operator"}):
        raise PlanNotUnderstood(f"its target has an unknown field {unknown[0]!r}")
    origin: Origin | None = next((known for known in ORIGINS if known == found["origin"]), None)
    if origin is None:
        raise PlanNotUnderstood("its target is of an unknown kind")
    return Target(origin, _truth(found["remove_headers"]), _truth(found["by_operator"]))


def _condition(name: object, value: object, absent: object) -> HeaderCondition:
    return HeaderCondition(_text(name), _maybe(_text, value), _truth(absent))
