"""Jobs whose last turn ended in an error: they wait, so that they do not hold up the others of their partition."""

from __future__ import annotations

import time
from dataclasses import dataclass

from confluent_kafka import KafkaException

from kafka.jobs.worker.transactions import TransactionFailed
from kafka.model.errors import cause

_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 10.0
_UNEXPECTED_TIMES = 3


@dataclass(frozen=True, slots=True)
class _Failed:
    times: int
    unexpected: int
    until: float
    reason: str
    error: str


class Backoff:
    """Remembers them from one beginning of their owner to the next."""

    def __init__(self) -> None:
        self._failed: dict[str, _Failed] = {}

    def note(self, job_id: str, error: Exception) -> None:
        """Remember that a job's turn has ended in this error."""
        before = self._failed.get(job_id, _Failed(0, 0, 0.0, "", ""))
        # What Kafka's clients raise passes with the outage that it comes from; anything else would not.
        unexpected = before.unexpected + (not isinstance(error, KafkaException | TransactionFailed))
        wait = min(_FIRST_WAIT_SECONDS * 2**before.times, _LONGEST_WAIT_SECONDS)
        reason = f"an unexpected {type(error).__name__}, {unexpected} times; the worker's log has more"
        # Its words, which may hold what a record holds, are for the worker's log alone.
        words = cause(error).name() if isinstance(error, KafkaException) else type(error).__name__
        failed = _Failed(min(before.times + 1, 20), unexpected, time.monotonic() + wait, reason, f"an error, {words}")
        self._failed[job_id] = failed

    def forget(self, job_id: str) -> None:
        """It has continued."""
        self._failed.pop(job_id, None)

    def waits(self, job_id: str) -> bool:
        """Whether it is not its turn yet."""
        return self.waits_for(job_id) is not None

    def waits_for(self, job_id: str) -> str | None:
        """Return why it is not its turn yet; None if it is."""
        found = self._failed.get(job_id)
        if found is None or time.monotonic() >= found.until:
            return None
        return f"it is tried again after {found.error}"

    def known(self, job_id: str) -> bool:
        """Whether its last turn ended in an error."""
        return job_id in self._failed

    def hopeless(self, job_id: str) -> str | None:
        """Return why a job would never end, if it is so."""
        found = self._failed.get(job_id)
        return found.reason if found is not None and found.unexpected >= _UNEXPECTED_TIMES else None
