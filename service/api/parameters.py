"""Reads the query of an address: every parameter by name, once, and what it holds.

An empty value counts as none at all: that is how forms send what was not filled in.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import parse_qsl

from service.api.schema.resend import TOPIC
from service.http.refusals import (
    ParameterMissing,
    ParameterNotChoice,
    ParameterNotWhole,
    ParameterRepeated,
    ParameterUnknown,
    QueryNotText,
    TopicNotLegal,
    shown,
)

_MOST_PARAMETERS = 100
_WHOLE = re.compile(r"[0-9]{1,19}")


class Parameters:
    """The parameters of one request.

    Args:
        query: as it came, without the question mark.
        known: the names that there are.

    Raises:
        QueryNotText: it is not UTF-8, or has far too many parameters.
        ParameterUnknown, ParameterRepeated: an unknown one may be mistyped, and the answer to another question.
    """

    def __init__(self, query: bytes, known: Collection[str]) -> None:
        try:
            pairs = parse_qsl(
                query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
            )
        except ValueError:
            # UnicodeDecodeError is one.
            raise QueryNotText(
                f"the query is not UTF-8 in percent-encoding, or has more than {_MOST_PARAMETERS} parameters"
            ) from None
        self._values: dict[str, str] = {}
        names: set[str] = set()
        for name, value in pairs:
            if name not in known:
                raise ParameterUnknown(f"the query has an unknown parameter {shown(name)}")
            if name in names:
                raise ParameterRepeated(f"the query names {name} more than once")
            names.add(name)
            if value:
                self._values[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        """Return the parameter as it is."""
        return self._values.get(name)

    def topic(self) -> str:
        """Return the topic.

        Raises:
            ParameterMissing, TopicNotLegal: there is none, or Kafka has none of such a name.
        """
        value = self._values.get("topic")
        if value is None:
            raise ParameterMissing("the query has no topic")
        if TOPIC.fullmatch(value) is None or value in {".", ".."}:
            raise TopicNotLegal(f"topic {shown(value)} is not a name that Kafka allows")
        return value

    def whole(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number from least to most.

        Raises:
            ParameterNotWhole: it is none.
        """
        value = self._values.get(name)
        if value is None:
            return None
        if _WHOLE.fullmatch(value) is None or not least <= int(value) <= most:
            raise ParameterNotWhole(f"{name} is {shown(value)}, not a whole number from {least} to {most}")
        return int(value)

    def yes(self, name: str) -> bool | None:
        """Return whether the parameter says true, None where it says nothing.

        Raises:
            ParameterNotChoice: it says neither true nor false.
        """
        value = self.choice(name, ("true", "false"))
        return None if value is None else value == "true"

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """Return one of a few words.

        Raises:
            ParameterNotChoice: it is none of them.
        """
        value = self._values.get(name)
        if value is not None and value not in choices:
            raise ParameterNotChoice(f"{name} is {shown(value)}, not one of {', '.join(choices)}")
        return value
