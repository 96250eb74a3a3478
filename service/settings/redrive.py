"""What a deployment can set of dead letters: dialects beyond those that are built in."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from kafka.redrive.dialects import Dialect, Numbers
from kafka.redrive.known import Dialects
from service.settings.about import BOUND, About
from service.settings.http import Section
from service.settings.values import DialectName

_MOST_DIALECTS = 100
_HEADER = Annotated[str, Field(min_length=1, max_length=1000)]
_HEADERS = tuple[_HEADER, ...]


class DialectSettings(Section):
    """One dialect of dead letters. Names are those of headers; see kafka.redrive.dialects.Dialect."""

    topic: Annotated[_HEADER, About("Header with the topic that a dead letter came from. Mandatory.")]
    partition: Annotated[_HEADER, About("Header with its partition there. Mandatory.")]
    offset: Annotated[_HEADER | None, About("Header with its offset there.")] = None
    numbers: Annotated[
        Numbers,
        About(
            "How partition and offset are written: `text` is decimal digits, `binary` int32 and int64, big-endian, "
            "`either` takes both."
        ),
    ] = "text"
    reason: Annotated[
        _HEADERS,
        About("Headers with the exception's class; the first that is there counts.", "a list of names of headers"),
    ] = ()
    message: Annotated[
        _HEADERS,
        About("Headers with the exception's message; the first that is there counts.", "a list of names of headers"),
    ] = ()
    group: Annotated[_HEADER | None, About("Header with the consumer group that could not process the record.")] = None
    required: Annotated[
        _HEADERS,
        About(
            "Headers that have to be there as well for `auto` to recognise the dialect; to tell it from others.",
            "a list of names of headers",
        ),
    ] = ()
    remove: Annotated[
        _HEADERS,
        About(
            "Headers that a redrive removes beside all that are named here; `dead-*` is all that begin with `dead-`.",
            "a list of names of headers, a * only at their end, that do not cover consumer_key",
        ),
    ] = ()

    def dialect(self, name: str) -> Dialect:
        """Return the dialect of this name.

        Raises:
            ValueError: it cannot be.
        """
        fields = self.model_dump(exclude={"remove"})
        alone = (self.topic, self.partition, self.offset, self.group)
        named = (*(header for header in alone if header is not None), *self.reason, *self.message)
        return Dialect(name=name, writer=f"what the settings call {name}", removes=(*named, *self.remove), **fields)

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        try:
            self.dialect("checked")
        except ValueError as error:
            raise PydanticCustomError(BOUND, "a dialect with {problem}", {"problem": str(error)}) from None
        return self


class RedriveSettings(Section):
    """Dead letters, on every instance."""

    dialects: Annotated[
        dict[DialectName, DialectSettings],
        Field(max_length=_MOST_DIALECTS),
        About(
            "Dialects by name, beside those that are built in.",
            f"at most {_MOST_DIALECTS} tables, each named by 1 to 64 of the characters a-z 0-9 _ -, from a letter on, "
            "and not as a dialect that is built in",
        ),
    ] = Field(default_factory=dict)

    def known(self) -> Dialects:
        """Return all dialects that there are."""
        return Dialects(tuple(settings.dialect(name) for name, settings in self.dialects.items()))
