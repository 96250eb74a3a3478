"""Jobs whose last turn ended in an error: they wait, so that they do not hold up the others of their partition."""

from __future__ import annotations

import time
from dataclasses import dataclass

from confluent_kafka import KafkaException

from kafka.jobs.transactions import TransactionFailed

_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 10.0
_UNEXPECTED_TIMES = 3


@dataclass(frozen=True, slots=True)
class _Failed:
    times: int
    unexpected: int
    until: float
    reason: str


class Trouble:
    """Remembers them from one beginning of their owner to the next."""

    def __init__(self) -> None:
        self._failed: dict[str, _Failed] = {}

    def note(self, job_id: str, error: Exception) -> None:
        """Remember that a job's turn has ended in this error."""
        before = self._failed.get(job_id, _Failed(0, 0, 0.0, ""))
        # What Kafka's clients raise passes with the outage that it comes from; anything else would not.
        unexpected = before.unexpected + (not isinstance(error, KafkaException | TransactionFailed))
        wait = min(_FIRST_WAIT_SECONDS * 2**before.times, _LONGEST_WAIT_SECONDS)
        reason = f"an unexpected {type(error).__name__}, {unexpected} times; the worker's log has more"
        self._failed[job_id] = _Failed(min(before.times + 1, 20), unexpected, time.monotonic() + wait, reason)

    def forget(self, job_id: str) -> None:
        """It has gone on."""
        self._failed.pop(job_id, None)

    def waits(self, job_id: str) -> bool:
        """Whether it is not its turn yet."""
        found = self._failed.get(job_id)
        return found is not None and time.monotonic() < found.until

    def known(self, job_id: str) -> bool:
        """Whether its last turn ended in an error."""
        return job_id in self._failed

    def hopeless(self, job_id: str) -> str | None:
        """Return why a job would never end, if it is so."""
        found = self._failed.get(job_id)
        return found.reason if found is not None and found.unexpected >= _UNEXPECTED_TIMES else None
