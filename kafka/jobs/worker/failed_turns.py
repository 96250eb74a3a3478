"""Jobs whose last turn ended in an error: they wait, so that they do not hold up the others of their partition."""

from __future__ import annotations

from dataclasses import dataclass, field

from confluent_kafka import KafkaException

from kafka.backoff import Backoff
from kafka.jobs.worker.transactions import TransactionFailed
from kafka.model.translation import cause

_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 10.0
_UNEXPECTED_TIMES = 3


@dataclass(slots=True)
class _Failed:
    backoff: Backoff = field(default_factory=lambda: Backoff(_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS))
    unexpected: int = 0
    error: str = ""


class FailedTurns:
    """Remembers them from one beginning of their owner to the next."""

    def __init__(self) -> None:
        self._failed: dict[str, _Failed] = {}

    def note(self, job_id: str, error: Exception) -> None:
        """Remember that a job's turn has ended in this error."""
        failed = self._failed.setdefault(job_id, _Failed())
        # What Kafka's clients raise passes with the outage that it comes from; anything else would not.
        failed.unexpected += not isinstance(error, KafkaException | TransactionFailed)
        # Its words, which may hold what a record holds, are for the worker's log alone.
        failed.error = cause(error).name() if isinstance(error, KafkaException) else type(error).__name__
        failed.backoff.begin()

    def forget(self, job_id: str) -> None:
        """It has continued."""
        self._failed.pop(job_id, None)

    def waits(self, job_id: str) -> bool:
        """Whether it is not its turn yet."""
        return self.waits_for(job_id) is not None

    def waits_for(self, job_id: str) -> str | None:
        """Return why it is not its turn yet; None if it is."""
        found = self._failed.get(job_id)
        return (
            f"it is tried again after an error, {found.error}" if found is not None and found.backoff.waiting else None
        )

    def known(self, job_id: str) -> bool:
        """Whether its last turn ended in an error."""
        return job_id in self._failed

    def hopeless(self, job_id: str) -> str | None:
        """Return why a job would never end, if it is so."""
        found = self._failed.get(job_id)
        if found is None or found.unexpected < _UNEXPECTED_TIMES:
            return None
        return f"an unexpected {found.error}, {found.unexpected} times; the worker's log has more"
