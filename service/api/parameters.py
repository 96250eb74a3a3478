"""The query of an address: what a parameter may hold, declared once, to be read and to be documented.

An empty value counts as none at all: that is how forms send what was not filled in.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from kafka.consumers.committed import MAX_GROUP_CHARACTERS, is_group_id
from kafka.model.records import MAX_OFFSET
from service.api.schema.resend import topic_name
from service.http.refusals import (
    ParameterMissing,
    ParameterNotChoice,
    ParameterNotGroup,
    ParameterNotWhole,
    ParameterRepeated,
    ParameterTooLong,
    ParameterUnknown,
    QueryNotText,
    TagRefused,
    shown,
)

MOST_PARAMETERS = 100
_WHOLE = re.compile(r"[0-9]{1,19}")

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Parameter(ABC, Generic[Value]):
    """A parameter of a query.

    Attributes:
        name: as it stands in the address.
        description: what it does, for the OpenAPI document.
        required: whether a request without it is refused when it is read.
        default: what counts where it is left out; None where that is a case of its own.
        repeated: whether it may be named several times; see Parameters.all.
    """

    name: str
    description: str
    _: KW_ONLY
    required: bool = False
    default: Value | None = None
    repeated: bool = False

    @abstractmethod
    def parse(self, text: str) -> Value:
        """Return what a text that is not empty says.

        Raises:
            ParameterRefused: it says nothing that is allowed here.
        """

    @property
    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """What it may hold, as JSON Schema."""

    @property
    def documentation(self) -> dict[str, Any]:
        """The parameter, for an operation's part of the OpenAPI document."""
        described = {"name": self.name, "in": "query", "required": self.required, "description": self.description}
        default = {"default": self.default} if isinstance(self.default, int | str) else {}
        schema = {**self.schema, **default}
        return {**described, "schema": {"type": "array", "items": schema} if self.repeated else schema}


@dataclass(frozen=True, slots=True)
class Text(Parameter[str]):
    """Any text.

    Attributes:
        most_characters: how long it may be; None for as long as an address may be.
    """

    most_characters: int | None = None

    def parse(self, text: str) -> str:
        """Return the text as it is."""
        if self.most_characters is not None and len(text) > self.most_characters:
            raise ParameterTooLong(f"{self.name} has {len(text)} characters, more than {self.most_characters}")
        return text

    @property
    def schema(self) -> dict[str, Any]:
        """What it may hold, as JSON Schema."""
        return {"type": "string"} | ({} if self.most_characters is None else {"maxLength": self.most_characters})


@dataclass(frozen=True, slots=True)
class TopicName(Parameter[str]):
    """A name that Kafka allows for a topic."""

    def parse(self, text: str) -> str:
        """Return the name."""
        return topic_name(text)

    @property
    def schema(self) -> dict[str, Any]:
        """What it may hold, as JSON Schema."""
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class GroupId(Parameter[str]):
    """The id of a consumer group."""

    def parse(self, text: str) -> str:
        """Return the id."""
        if len(text) > MAX_GROUP_CHARACTERS:
            raise ParameterTooLong(f"{self.name} has {len(text)} characters, more than {MAX_GROUP_CHARACTERS}")
        if not is_group_id(text):
            raise ParameterNotGroup(f"{self.name} is {shown(text)}, which holds characters that cannot be shown")
        return text

    @property
    def schema(self) -> dict[str, Any]:
        """What it may hold, as JSON Schema."""
        return {"type": "string", "maxLength": MAX_GROUP_CHARACTERS}


@dataclass(frozen=True, slots=True)
class Tag(Parameter[str]):
    """What the API document has, and Kafka's records have not: it may only be empty."""

    def parse(self, text: str) -> str:
        """Refuse the text, whatever it is."""
        del text
        raise TagRefused(f"the query asks for a {self.name}")

    @property
    def schema(self) -> dict[str, Any]:
        """What it may hold, as JSON Schema."""
        return {"type": "string", "maxLength": 0}


@dataclass(frozen=True, slots=True)
class Whole(Parameter[int]):
    """A whole number in decimal digits.

    Attributes:
        least: the smallest that is allowed.
        most: the largest.
    """

    least: int = 0
    most: int = MAX_OFFSET

    def parse(self, text: str) -> int:
        """Return the number."""
        if _WHOLE.fullmatch(text) is None or not self.least <= int(text) <= self.most:
            raise ParameterNotWhole(
                f"{self.name} is {shown(text)}, not a whole number from {self.least} to {self.most}"
            )
        return int(text)

    @property
    def schema(self) -> dict[str, Any]:
        """What it may hold, as JSON Schema."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Choice(Parameter[str]):
    """One of a few words.

    Attributes:
        choices: the words.
    """

    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> str:
        """Return the word."""
        return _one_of(self.choices, self.name, text)

    @property
    def schema(self) -> dict[str, Any]:
        """What it may hold, as JSON Schema."""
        return {"type": "string", "enum": list(self.choices)}


@dataclass(frozen=True, slots=True)
class Flag(Parameter[bool]):
    """True or false, in lower case."""

    def parse(self, text: str) -> bool:
        """Return which of both."""
        return _one_of(("true", "false"), self.name, text) == "true"

    @property
    def schema(self) -> dict[str, Any]:
        """What it may hold, as JSON Schema."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Words(Parameter[tuple[str, ...]]):
    """Some of a few words, with commas between.

    Attributes:
        choices: the words.
    """

    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> tuple[str, ...]:
        """Return the words that were chosen."""
        words = tuple(text.split(","))
        for word in words:
            if word not in self.choices:
                raise ParameterNotChoice(f"{self.name} has {shown(word)}, not one of {', '.join(self.choices)}")
        return words

    @property
    def schema(self) -> dict[str, Any]:
        """What it may hold, as JSON Schema."""
        return {"type": "string"}


def _one_of(choices: Collection[str], name: str, text: str) -> str:
    if text not in choices:
        raise ParameterNotChoice(f"{name} is {shown(text)}, not one of {', '.join(choices)}")
    return text


class Parameters:
    """The parameters of one request: every one by name, once.

    Args:
        query: as it came, without the question mark.
        known: the parameters that there are.

    Raises:
        QueryNotText: it is not UTF-8, or has far too many parameters.
        ParameterUnknown, ParameterRepeated: an unknown one may be mistyped, and the answer to another question.
    """

    def __init__(self, query: bytes, known: Collection[Parameter[Any]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        if not query:
            return
        try:
            pairs = parse_qsl(
                query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
            )
        except ValueError:
            # UnicodeDecodeError is one.
            raise QueryNotText(
                f"the query is not UTF-8 in percent-encoding, or has more than {MOST_PARAMETERS} parameters"
            ) from None
        known_names = {parameter.name for parameter in known}
        repeated = {parameter.name for parameter in known if parameter.repeated}
        names: set[str] = set()
        for name, value in pairs:
            if name not in known_names:
                raise ParameterUnknown(f"the query has an unknown parameter {shown(name)}")
            if name in names and name not in repeated:
                raise ParameterRepeated(f"the query names {name} more than once")
            names.add(name)
            if value:
                self._values.setdefault(name, []).append(value)

    def __contains__(self, parameter: Parameter[Any]) -> bool:
        return parameter.name in self._values

    def get(self, parameter: Parameter[Value]) -> Value | None:
        """Return what a parameter says; its default where it is left out.

        Raises:
            ParameterRefused: it says nothing that is allowed.
        """
        texts = self._values.get(parameter.name)
        return parameter.default if texts is None else parameter.parse(texts[0])

    def all(self, parameter: Parameter[Value]) -> tuple[Value, ...]:
        """Return what a parameter says each time that it is named.

        Raises:
            ParameterRefused: it says nothing that is allowed.
        """
        return tuple(parameter.parse(text) for text in self._values.get(parameter.name, ()))

    def require(self, parameter: Parameter[Value]) -> Value:
        """Return what a parameter says that has a default or has to be there.

        Raises:
            ParameterMissing: it is not.
            ParameterRefused: it says nothing that is allowed.
        """
        value = self.get(parameter)
        if value is None:
            raise ParameterMissing(f"the query has no {parameter.name}")
        return value


NO_PARAMETERS = Parameters(b"")
