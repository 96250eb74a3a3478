"""Reads JSON so that nothing is lost or guessed: no repeated fields, no NaN, no rounding."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation

from service.http.refusals import BodyEmpty, BodyNotJson, BodyNotUtf8, FieldRepeated, shown

_MOST_DIGITS = 100
"""Longer integers are cut to this many digits: still far beyond every range, and cheap to turn into a number."""


def read_json(body: bytes) -> object:
    """Return what a JSON text in UTF-8 says.

    Numbers written with a point or an exponent come as Decimal, exactly as written; others as int.

    Raises:
        BodyEmpty: there is nothing, or white space only.
        BodyNotUtf8: the bytes are not UTF-8.
        BodyNotJson: the text is not JSON, names NaN or Infinity, or is nested too deep.
        FieldRepeated: an object has two fields of one name.
    """
    if not body.strip(b" \t\r\n"):
        raise BodyEmpty("the body is empty")
    try:
        # json.loads would take UTF-16 and UTF-32 as well.
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BodyNotUtf8(f"the body is not UTF-8: byte {error.start} is wrong") from None
    try:
        content: object = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise BodyNotJson(f"the body is not JSON: {error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise BodyNotJson("the body is not usable JSON: it is nested too deep") from None
    return content


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FieldRepeated(f"the body names the field {shown(_repeated(pairs))} more than once")
    return fields


def _repeated(pairs: list[tuple[str, object]]) -> str | None:
    """Return the name that is there for the second time first, in linear time: an object may have thousands."""
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            return name
        names.add(name)
    return None


def _integer(text: str) -> int:
    return int(text[:_MOST_DIGITS])


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent that no Decimal can have.
        return Decimal("Infinity")


def _constant(name: str) -> object:
    raise BodyNotJson(f"the body is not JSON: {name} is no JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)
