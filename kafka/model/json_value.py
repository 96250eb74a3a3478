"""What counts as a JSON value: RFC 8259 in UTF-8, as the console's JSON.parse has it, and nothing that Python adds."""

from __future__ import annotations

import json
import re
from typing import NoReturn

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


class NotJson(ValueError):
    """The bytes are not JSON."""


class NestedTooDeeply(ValueError):
    """Arrays and objects are nested deeper than the parser goes; whether it is JSON is not known."""


def parse_json(content: bytes) -> object:
    """Return the JSON value that bytes hold.

    A number without fraction and exponent is an int; one of more than 4,300 digits is a float, infinite as any number
    beyond the range of a float: Python does not convert it in linear time.

    Raises:
        NotJson: they are not UTF-8, begin with a byte order mark, or are not JSON; NaN and Infinity are not JSON.
        NestedTooDeeply: see there; it depends on the Python version, and is never less than 500 levels.
    """
    try:
        return _decoded(content.decode())
    except RecursionError:
        raise NestedTooDeeply from None
    except ValueError:
        raise NotJson from None


def parse_number(text: str) -> int | float | None:
    """Return the number that a text is in JSON; None if it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    return _whole_number(text) if text.lstrip("-").isdecimal() else float(text)


def _decoded(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except (json.JSONDecodeError, NotJson):
        raise
    except ValueError:
        # A number has more digits than int() takes (sys.set_int_max_str_digits).
        return _DECODER_OF_LONG_NUMBERS.decode(text)


def _whole_number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _refuse(_: str) -> NoReturn:
    raise NotJson


_DECODER = json.JSONDecoder(parse_constant=_refuse)
_DECODER_OF_LONG_NUMBERS = json.JSONDecoder(parse_constant=_refuse, parse_int=_whole_number)
