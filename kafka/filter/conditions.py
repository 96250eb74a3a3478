"""Which records are meant: conditions on key, headers and value, and what becomes of each record that is read."""

from __future__ import annotations

from enum import Enum
from functools import cached_property

from msgspec import Struct

from kafka.filter.expression import Expression, parse_expression
from kafka.model.json_value import NotJson
from kafka.model.records import CONSUMER_KEY, Record
from kafka.redrive.dead_letters import DeadLetterCondition
from kafka.redrive.known import NO_OWN, Dialects


class Outcome(Enum):
    """What a job or a search decides about a record that it has read; each value but the first is a field of Counts."""

    NOT_SELECTED = "not_selected"
    """It is between the positions that the job names."""
    OUTSIDE_TIME_RANGE = "outside_time_range"
    ALREADY_RESENT = "already_resent"
    """It carries a consumer_key: most often it is a copy itself."""
    NOT_MATCHED = "not_matched"
    NOT_JSON = "not_json"
    """The filter has an expression, and the value is null or not JSON."""
    NOT_EVALUATED = "not_evaluated"
    """The filter's expression cannot be evaluated on the value."""
    MATCHED = "matched"


class HeaderCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
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


class Filter(Struct, frozen=True, kw_only=True, dict=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which of the selected records are meant: those that meet all conditions.

    Attributes:
        key: the key's UTF-8 text; None: any.
        key_prefix: what the key begins with, as UTF-8; a null key begins with nothing.
        key_contains: what is somewhere in the key, as UTF-8.
        headers: conditions on headers.
        jmespath: an expression over the value as JSON that must be true of it, which it is of no other value.
        include_resent: also records that carry a consumer_key already, which most often are copies themselves.
        dead_letters: what their headers say of them as dead letters; None: anything or nothing.
    """

    key: str | None = None
    key_prefix: str | None = None
    key_contains: str | None = None
    headers: tuple[HeaderCondition, ...] = ()
    jmespath: str | None = None
    include_resent: bool = False
    dead_letters: DeadLetterCondition | None = None

    def judge(self, record: Record, *, headers_known: bool = True, dialects: Dialects = NO_OWN) -> Outcome:
        """Return whether the record meets all conditions, or which it does not.

        Args:
            record: as it was read.
            headers_known: False for a record whose headers cannot be read: they are taken to meet their conditions.
            dialects: of dead letters, those that the instance knows.

        Raises:
            EvaluationFailed: the expression cannot be evaluated on the record's value.
        """
        if headers_known and not self.include_resent and any(name == CONSUMER_KEY for name, _ in record.headers):
            return Outcome.ALREADY_RESENT
        if not self._takes_key(record.key):
            return Outcome.NOT_MATCHED
        if headers_known and not all(condition.holds(record) for condition in self.headers):
            return Outcome.NOT_MATCHED
        if headers_known and not (self.dead_letters is None or self.dead_letters.holds(record, dialects)):
            return Outcome.NOT_MATCHED
        return Outcome.MATCHED if self.expression is None else _judge_value(self.expression, record.value)

    def _takes_key(self, key: bytes | None) -> bool:
        if self.key is not None and key != self.key.encode():
            return False
        if self.key_prefix is not None and not (key is not None and key.startswith(self.key_prefix.encode())):
            return False
        return self.key_contains is None or (key is not None and self.key_contains.encode() in key)

    @cached_property
    def expression(self) -> Expression | None:
        """The checked expression.

        Raises:
            ExpressionRefused: it is none.
        """
        return None if self.jmespath is None else parse_expression(self.jmespath)


def _judge_value(expression: Expression, value: bytes | None) -> Outcome:
    if value is None:
        return Outcome.NOT_JSON
    try:
        return Outcome.MATCHED if expression.is_true_of(value) else Outcome.NOT_MATCHED
    except NotJson:
        return Outcome.NOT_JSON
