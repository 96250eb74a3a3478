"""The dialects that an instance knows, and which of them a record's headers are in.

NothingWritten
└── DialectRefused    a job names a dialect that cannot be used here
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from kafka.model.errors import NothingWritten
from kafka.model.records import Header
from kafka.redrive.dialects import AUTO, BUILT_IN, Dialect

_KEPT_ANSWERS = 1000


@dataclass(eq=False)
class DialectRefused(NothingWritten):
    """A job names a dialect that cannot be used here.

    Attributes:
        name: of the dialect.
        reason: completes the sentence "it is …".
    """

    name: str
    reason: str

    def __str__(self) -> str:
        return f"the job names the dialect {self.name!r}, {self.reason}"


@dataclass(frozen=True)
class Dialects:
    """The dialects that are built in, and those of the operator.

    Attributes:
        own: the operator's; where a record could be in several that share a header, these go first.

    Raises:
        ValueError: two have the same name.
    """

    own: tuple[Dialect, ...] = ()
    _answers: dict[tuple[str, ...], tuple[Dialect, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if len(self._by_name) < len(self.own) + len(BUILT_IN):
            raise ValueError(f"a name that none of {', '.join(dialect.name for dialect in BUILT_IN)} has")

    @cached_property
    def _by_name(self) -> dict[str, Dialect]:
        return {dialect.name: dialect for dialect in (*self.own, *BUILT_IN)}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all dialects, and `auto`."""
        return (AUTO, *(dialect.name for dialect in (*BUILT_IN, *self.own)))

    @property
    def each_name(self) -> tuple[str, ...]:
        """Names of all dialects."""
        return self.names[1:]

    def require_one(self, name: str) -> None:
        """Raise DialectRefused unless there is one dialect of this name, which `auto` is not."""
        if name not in self.each_name:
            raise DialectRefused(name, f"not one of {', '.join(self.each_name)}")

    def require_known(self, name: str) -> None:
        """Raise DialectRefused unless a job may have a target of this dialect."""
        if name not in self.names:
            raise DialectRefused(name, f"not one of {', '.join(self.names)}")

    def may_point(self, name: str) -> bool:
        """Whether dead letters of this dialect may point to their records; with `auto` some may."""
        found = self._by_name.get(name)
        return name == AUTO or (found is not None and found.pointer)

    def candidates(self, name: str, headers: Iterable[Header]) -> tuple[Dialect, ...]:
        """Return the dialects whose headers say where a record with these came from.

        Args:
            name: of a known dialect, which then is the only one, or `auto`.
            headers: of the record.
        """
        return self._recognised(tuple([header for header, _ in headers])) if name == AUTO else (self._by_name[name],)

    def _recognised(self, names: tuple[str, ...]) -> tuple[Dialect, ...]:
        """Return the dialects that a record with headers of these names is in."""
        # The records of one topic have few different lists of names.
        found = self._answers.get(names)
        if found is None:
            if len(self._answers) >= _KEPT_ANSWERS:
                self._answers.clear()
            found = self._answers[names] = self._recognise(frozenset(names))
        return found

    def _recognise(self, names: frozenset[str]) -> tuple[Dialect, ...]:
        """Return the dialects whose topic or partition is there, and all that they require: of each topic's one.

        One that has both goes before one that has half of it; then the operator's own, then one that requires more.
        """
        found: dict[str, Dialect] = {}
        for dialect in sorted(self._by_name.values(), key=lambda each: (each not in self.own, -len(each.required))):
            if not (dialect.topic in names or dialect.partition in names) or not names.issuperset(dialect.required):
                continue
            before = found.get(dialect.topic)
            if before is None or (_whole(dialect, names) and not _whole(before, names)):
                found[dialect.topic] = dialect
        return tuple(dialect for dialect in self._by_name.values() if dialect in found.values())


def _whole(dialect: Dialect, names: frozenset[str]) -> bool:
    return dialect.topic in names and dialect.partition in names


NO_OWN = Dialects()
"""Those that are built in alone."""
