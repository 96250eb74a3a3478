"""What a filter may ask of messages: in the body of a job, and in the query of a search."""

from __future__ import annotations

from typing import Annotated, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kafka.filter.conditions import Filter
from kafka.filter.corrected import with_texts
from kafka.filter.errors import ExpressionRefused
from kafka.redrive.known import Dialects
from service.api.schema.refused import refused_words
from service.http.refusals import BodyRefused, FilterRefused, JobFieldRefused, shown
from service.http.strict_json import read_json

_MOST_HEADERS = 20
_MOST_TEXT = 4096

_Text = Annotated[str, Field(max_length=_MOST_TEXT)]
DialectName = Annotated[str, Field(max_length=64)]


class RequestPart(BaseModel):
    """A part of what a client asks for: what is not there is read as it is written here, and nothing is guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class HeaderConditionItem(RequestPart):
    """What is asked of the headers of one name; with neither value nor absent there must be one."""

    name: _Text
    value: _Text | None = Field(default=None, description="Of the last header of that name.")
    absent: bool = Field(default=False, description="There is none of that name.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.absent and self.value is not None:
            raise JobFieldRefused("an entry of headers has a value and is to be absent: choose one")
        return self


class DeadLettersItem(RequestPart):
    """Which dead letters are meant; what is left out is any. A group of GET …/dead-letters has these fields."""

    dialect: DialectName | None = Field(default=None, description="In which it is said where they came from.")
    topic: _Text | None = Field(default=None, description="Where they came from.")
    group: _Text | None = Field(default=None, description='The consumer group that failed; "": none is named.')
    reason: _Text | None = Field(default=None, description='Class of the exception; "": none is named.')


class FilterItem(RequestPart):
    """Which of the selected messages are meant: those that meet all of it."""

    key: _Text | None = Field(default=None, description="Exactly this key, as UTF-8.")
    key_prefix: _Text | None = Field(default=None, description="The key begins with this, as UTF-8.")
    key_contains: _Text | None = Field(default=None, description="The key contains this, as UTF-8.")
    headers: list[HeaderConditionItem] | None = Field(default=None, min_length=1, max_length=_MOST_HEADERS)
    jmespath: _Text | None = Field(default=None, description="An expression that must be true of the value as JSON.")
    include_resent: bool = Field(default=False, description="Also messages that carry a consumer_key already.")
    dead_letters: DeadLettersItem | None = Field(
        default=None, description="Dead letters of one group; null: any messages."
    )


def parse_filter(text: str) -> Filter:
    """Return the filter that the query of a search has.

    Args:
        text: JSON, as a job has it.

    Raises:
        FilterRefused: it is none.
    """
    try:
        content = read_json(text.encode())
    except BodyRefused:
        raise FilterRefused(f"filter is {shown(text)}, not JSON that names each field once") from None
    if not isinstance(content, dict):
        raise FilterRefused(f"filter is {shown(content)}, not an object")
    try:
        asked = FilterItem.model_validate(content)
    except ValidationError as error:
        raise FilterRefused(refused_words(error, FilterItem, content, "filter")) from None
    except JobFieldRefused as error:
        raise FilterRefused(str(error)) from None
    return msgspec.convert(asked.model_dump(exclude_none=True), Filter)


def require_known_dialect(asked: Filter | None, dialects: Dialects) -> None:
    """Raise DialectRefused if a filter names a dialect of dead letters that is none of these."""
    if asked is not None and asked.dead_letters is not None and asked.dead_letters.dialect is not None:
        dialects.require_one(asked.dead_letters.dialect)


def hint_of(asked: Filter, matched: int, not_matched: int) -> str | None:
    """Return what may be wrong with a filter; None where it has matched something, or nothing is known to be wrong.

    Args:
        asked: the filter.
        matched: how many messages have met it.
        not_matched: how many have not.
    """
    if matched or not not_matched or asked.jmespath is None:
        return None
    try:
        expression = asked.expression
    except ExpressionRefused:
        # An earlier version has accepted it.
        return None
    fields = None if expression is None else expression.compared_fields
    if fields is None:
        return None
    said = (
        f"nothing matches, and the filter compares two fields of the value, {shown(fields[0])} and {shown(fields[1])}; "
        "a text to compare with is written in single quotes, double quotes name a field"
    )
    better = with_texts(asked.jmespath)
    return said if better is None else f"{said}: {better}"
