"""Reads JSON so that nothing is lost or guessed: no repeated fields, no NaN, no rounding."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache

from service.http.refusals import BodyEmpty, BodyNotJson, BodyNotUtf8, FieldRepeated, shown

INEXACT_FROM = 2**53
"""From here on a double no longer tells neighbouring whole numbers apart."""

_MOST_DIGITS = 100
"""Integers that Python does not read are cut to this many digits: still far beyond every range, and cheap to read."""


def read_json(body: bytes, *, wholes: bool = False) -> object:
    """Return what a JSON text in UTF-8 says.

    Numbers written with a point or an exponent come as Decimal, exactly as written; others as int.

    Args:
        body: the text.
        wholes: 4.0 is 4: clients whose numbers are doubles write whole ones that way. From INEXACT_FROM on it is not.

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
    parse_float = _decimal_or_whole if wholes else _decimal
    try:
        try:
            return _decoder(parse_float).decode(text)
        except json.JSONDecodeError:
            raise
        except ValueError:
            # It has an integer of more digits than Python reads (sys.get_int_max_str_digits).
            return _decoder(parse_float, _cut_integer).decode(text)
    except json.JSONDecodeError as error:
        raise BodyNotJson(f"the body is not JSON: {error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise BodyNotJson("the body is not usable JSON: it is nested too deep") from None


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


def _cut_integer(text: str) -> int:
    return int(text[:_MOST_DIGITS])


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent that no Decimal can have.
        return Decimal("Infinity")


def _decimal_or_whole(text: str) -> Decimal | int:
    number = _decimal(text)
    return whole if -INEXACT_FROM < number < INEXACT_FROM and number == (whole := int(number)) else number


def _constant(name: str) -> object:
    raise BodyNotJson(f"the body is not JSON: {name} is no JSON number")


@cache
def _decoder(
    parse_float: Callable[[str], object], parse_int: Callable[[str], object] | None = None
) -> json.JSONDecoder:
    # Without a parse_int of our own the standard library reads integers in C, several times as fast.
    return json.JSONDecoder(
        object_pairs_hook=_object, parse_int=parse_int, parse_float=parse_float, parse_constant=_constant
    )
