"""What an operator allows to be resent on one cluster."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from kafka.model.copies import TimestampPolicy
from kafka.model.errors import InstanceReadOnly, RecipientNotAllowed

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ResendPolicy:
    """What may be resent, and how.

    Attributes:
        topics: shell-style patterns (`orders.*`); a topic must match one of them.
        allow_compacted: whether records of compacted topics may be resent although they replace the newest value.
        timestamp: which timestamp copies get.
        read_only: stops all resends.
        consumer_keys: shell-style patterns; the consumer_key of a copy must match one of them, if it has one.
        max_resends: how often jobs may resend a record, by the count that its headers have; None: as often as asked.
    """

    topics: tuple[str, ...] = ("*",)
    allow_compacted: bool = False
    timestamp: TimestampPolicy = TimestampPolicy.ORIGINAL
    read_only: bool = False
    consumer_keys: tuple[str, ...] = ("*",)
    max_resends: int | None = None

    def allows(self, topic: str) -> bool:
        """Whether the topic's name matches one of the patterns."""
        return matches(topic, self.topics)

    def require_recipient(self, consumer_key: str | None) -> None:
        """Raise RecipientNotAllowed unless copies may be for this recipient; None is everybody, which is allowed."""
        if consumer_key is not None and not matches(consumer_key, self.consumer_keys):
            shown = ", ".join(self.consumer_keys[:_SHOWN])
            raise RecipientNotAllowed(f"{shown} and others" if len(self.consumer_keys) > _SHOWN else shown)

    def require_resends(self, *, dry_run: bool = False) -> None:
        """Raise InstanceReadOnly if nothing is to be resent; a dry run writes nothing, and is always allowed."""
        if self.read_only and not dry_run:
            raise InstanceReadOnly


@lru_cache(maxsize=10_000)
def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name matches one of the shell-style patterns; case counts, and `*` alone matches everything."""
    return any(pattern == "*" or fnmatchcase(name, pattern) for pattern in patterns)
