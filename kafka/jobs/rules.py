"""What decides over jobs beside their plans, and may change while they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kafka.policy import ResendPolicy


class MayResend(Protocol):
    """Tells what a caller may do, as things are now. Several threads ask."""

    def __call__(self, caller: str, project: str, instance: str, topic: str) -> bool:
        """Whether the grants of the caller of this name cover jobs on that topic."""
        ...


def nobody(caller: str, project: str, instance: str, topic: str) -> bool:
    """Whether a caller may, where no callers are known: no."""
    del caller, project, instance, topic
    return False


@dataclass(frozen=True, slots=True)
class Rules:
    """What operators allow.

    Attributes:
        policies: what may be resent, by the instance that a job was made for; jobs of others are left alone.
        may_resend: what callers may do, for jobs whose target comes out of the records' headers.
    """

    policies: Mapping[str, ResendPolicy]
    may_resend: MayResend = nobody
