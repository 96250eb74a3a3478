"""How the store's records are written: as JSON, by types that say what each field may be.

Any user with Write on the store may have written a record. A number that no partition, offset or time can have would
end the turn of its owner in an error again and again, and an infinite one the thread that reads the store; so what is
not exactly as a type has it is not understood.
"""

from __future__ import annotations

import json
import re
from typing import Any, Generic, TypeVar

import msgspec

FORMAT = 1
"""Version of what is written to the store, where a record has no other one. A worker leaves alone what has another."""

_SHOWN_CHARACTERS = 60
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.(.*)`)?", re.DOTALL)
_UNKNOWN_VALUE = re.compile(r"Invalid enum value '(.*)' - at `\$\.(.*)`", re.DOTALL)

_Stored = TypeVar("_Stored", bound=msgspec.Struct)
_Found = TypeVar("_Found")


class UnsupportedFormat(Exception):
    """It has a format or a field that this version does not know: a worker that knows it may run the job."""


class _Header(msgspec.Struct):
    format: int


_HEADERS = msgspec.json.Decoder(_Header)
_ENCODER = msgspec.json.Encoder()


class Codec(Generic[_Stored]):
    """Writes records of one kind, and reads them again.

    Args:
        kind: the type, whose tag is its version, in the field `format`.
        name: what a record is, with its article.
        whole: what has the fields, where it is said what is wrong with one.
    """

    def __init__(self, kind: type[_Stored], name: str, whole: str = "it") -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self._format = kind.__struct_config__.tag
        self._name = name
        self._whole = whole

    def encode(self, value: _Stored) -> bytes:
        """Return the JSON that is in the store."""
        return _ENCODER.encode(value)

    def decode(self, content: bytes) -> _Stored:
        """Return what was encoded.

        Raises:
            UnsupportedFormat: it has another format, an unknown field, or lacks one, or a value is not as it must be.
        """
        try:
            # Of its own: the decoder takes what has no tag at all for the right one.
            found = _HEADERS.decode(content).format
            if found == self._format:
                return self._decoder.decode(content)
        except RecursionError:
            raise UnsupportedFormat(f"it is not {self._name}: it is nested too deep") from None
        except ValueError as error:
            raise UnsupportedFormat(self._words(str(error))) from None
        has = "its format is" if self._whole == "it" else f"{self._whole} has the format"
        raise UnsupportedFormat(f"{has} {found}, not {self._format}")

    def _words(self, error: str) -> str:
        """Return what is wrong in words that name the field, where the decoder has named it."""
        if match := _UNKNOWN_FIELD.fullmatch(error):
            part, what, value = match[2], "field", match[1]
        elif match := _UNKNOWN_VALUE.fullmatch(error):
            (part, _, what), value = match[2].rpartition("."), match[1]
        else:
            return f"it is not {self._name}: {error}"
        return f"{f'its {part}' if part else self._whole} has an unknown {what} {value[:_SHOWN_CHARACTERS]!r}"


def readable_fields(content: bytes) -> dict[str, Any]:
    """Return the fields of a record, as far as it is JSON at all; see readable."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def readable(found: object, kind: type[_Found], otherwise: _Found) -> _Found:
    """Return a field of a record that as a whole is not understood, if it is of that type."""
    try:
        return msgspec.json.decode(json.dumps(found), type=kind)
    except (ValueError, RecursionError):
        return otherwise
