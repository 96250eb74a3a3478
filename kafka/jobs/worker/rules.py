"""What decides over jobs beside their plans, and may change while they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kafka.model.errors import NothingWritten
from kafka.model.policy import ResendPolicy
from kafka.redrive.known import NO_OWN, Dialects


class MayResend(Protocol):
    """Tells what a caller may do, as things are now. Several threads ask."""

    def __call__(self, caller: str, project: str, instance: str, topic: str) -> bool:
        """Whether the grants of the caller of this name cover jobs on that topic."""
        ...


def nobody(caller: str, project: str, instance: str, topic: str) -> bool:
    """Whether a caller may, where no callers are known: no."""
    del caller, project, instance, topic
    return False


class CodeOf(Protocol):
    """Tells the stable code by which callers know an error."""

    def __call__(self, error: NothingWritten) -> str | None:
        """Return the code; None where the error has none."""
        ...


def no_code(error: NothingWritten) -> None:
    """Return the code of an error, where nobody has given them any: None."""
    del error


@dataclass(frozen=True, slots=True)
class Rules:
    """What operators allow, and how the reasons of failures are called.

    Attributes:
        policies: what may be resent, by the instance that a job was made for; jobs of others are left alone.
        may_resend: what callers may do, for jobs whose target comes out of the records' headers.
        code_of: the codes of errors, which are kept with the failures of jobs.
        dialects: how dead letters may say where they came from.
    """

    policies: Mapping[str, ResendPolicy]
    may_resend: MayResend = nobody
    code_of: CodeOf = no_code
    dialects: Dialects = NO_OWN
