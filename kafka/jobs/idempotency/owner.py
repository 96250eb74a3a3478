"""Carries out the single resends with an Idempotency-Key of one partition of the store: many in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Protocol

from kafka.client.clients import log
from kafka.client.config import JOB_BATCH_BYTES, MAX_MESSAGE_BYTES
from kafka.client.properties import job_batch_bytes
from kafka.jobs.idempotency.copy_preparer import CopyPreparer
from kafka.jobs.idempotency.requests import (
    ANSWER,
    IDEMPOTENCY_KINDS,
    RESEND,
    Answer,
    IdempotencyTable,
    IdempotentResend,
    encode_answer,
)
from kafka.jobs.stored import UnsupportedFormat
from kafka.jobs.worker.failed_turns import FailedTurns
from kafka.jobs.worker.transactions import Entry, RecordsRefused, Transactions, Written
from kafka.model.errors import (
    AccessDenied,
    ClusterUnavailable,
    CopyTooLarge,
    DeadlineExceeded,
    NothingWritten,
    ResendError,
)
from kafka.model.records import Position
from kafka.resend.service import Prepared, Resent

_TOGETHER_SECONDS = 0.02
"""How long those that came first wait for the records of those that came with them."""
_LOOK_AGAIN_SECONDS = 0.01
_AT_ONCE = 500
_BATCH_BYTES = 8 * 1024 * 1024
_REMOVE_SECONDS = 30.0
_REMOVED_AT_ONCE = 1000


class Ready(Protocol):
    """Returns a producer of the partition."""

    def __call__(self, batch_bytes: int) -> Transactions:
        """Return one whose batches become no larger; 0: that puts each copy into one of its own."""


@dataclass(slots=True)
class _Completed:
    """A resend whose outcome is to be committed: a copy, or why there is none."""

    asked: IdempotentResend
    outcome: Prepared | NothingWritten


class IdempotentResends:
    """The single resends with a key of one partition, as its owner carries them out. Only one thread may use it.

    Each is tried until it has an outcome for good, or is too old to be kept: the client may come back for it.

    Args:
        table: what the store has of them.
        copy_preparer: reads records.
        failed: those that have to wait because they failed.
        ready: returns a producer.
        retention_seconds: how long answers are kept.
    """

    def __init__(
        self,
        table: IdempotencyTable,
        copy_preparer: CopyPreparer,
        failed: FailedTurns,
        ready: Ready,
        retention_seconds: float,
    ) -> None:
        self._table = table
        self._copy_preparer = copy_preparer
        self._failed = failed
        self._ready = ready
        self._retention_seconds = retention_seconds
        self._waiting: dict[str, None] = {}
        self._reading: dict[str, tuple[IdempotentResend, Future[Prepared]]] = {}
        self._removed_at = 0.0

    @property
    def idle_seconds(self) -> float | None:
        """How long there is nothing to do but to look for more; None: any time."""
        return _LOOK_AGAIN_SECONDS if self._reading else None

    def note(self, ids: Iterable[str]) -> None:
        """See that these have changed in the table."""
        self._waiting.update((key_id, None) for key_id in ids if key_id not in self._reading)

    def turn(self) -> bool:
        """Begin what is new, and commit what is ready; return whether anything was committed.

        Raises:
            RestartOwnership, KafkaException: nothing more can be done with this producer.
        """
        if begun := self._begin():
            wait(begun, _TOGETHER_SECONDS)
        dealt = [found for key_id in list(self._reading) if (found := self._dealt(key_id)) is not None]
        for batch in _batches(dealt, lambda found: self._failed.known(found.asked.key_id)):
            self._commit(batch)
        return bool(dealt)

    def remove_old(self) -> None:
        """Remove what was kept long enough, a transaction at a time."""
        if time.monotonic() - self._removed_at < min(_REMOVE_SECONDS, self._retention_seconds):
            return
        old = self._table.older_than(_now_ms() - round(self._retention_seconds * 1000), _REMOVED_AT_ONCE)
        if len(old) < _REMOVED_AT_ONCE:
            self._removed_at = time.monotonic()
        if not old:
            return
        self._ready(JOB_BATCH_BYTES[0]).commit(
            (), [(_key(key_id, kind), None) for key_id in old for kind in IDEMPOTENCY_KINDS]
        )
        for key_id in old:
            for kind in IDEMPOTENCY_KINDS:
                self._table.take(key_id, kind, None)
            self._failed.forget(key_id)

    def _begin(self) -> list[Future[Prepared]]:
        """Have the records read of those that wait, as far as it is their turn."""
        begun = []
        for key_id in list(self._waiting):
            if len(self._reading) >= _AT_ONCE:
                break
            if self._failed.waits(key_id):
                continue
            del self._waiting[key_id]
            try:
                asked = self._table.asked(key_id)
            except UnsupportedFormat:
                # A worker that knows its version may carry it out.
                continue
            if asked is not None and asked.instance in self._copy_preparer.rules.policies:
                future = self._copy_preparer.submit(asked)
                self._reading[key_id] = asked, future
                begun.append(future)
        return begun

    def _dealt(self, key_id: str) -> _Completed | None:
        """Return what came of reading the record, once that is known for good."""
        asked, future = self._reading[key_id]
        if not future.done():
            return None
        del self._reading[key_id]
        try:
            return _Completed(asked, future.result())
        except (ClusterUnavailable, DeadlineExceeded) as error:
            self._again(key_id, error)
        except NothingWritten as error:
            return _Completed(asked, error)
        except Exception as error:  # noqa: BLE001 one that is unexpected must not hold up the others
            log.exception("resend with a key: to be tried again")
            self._again(key_id, error)
        return None

    def _again(self, key_id: str, error: Exception) -> None:
        self._failed.note(key_id, error)
        self._waiting[key_id] = None

    def _commit(self, batch: list[_Completed]) -> None:
        """Commit copies and answers together, without the copies that the broker refuses."""
        limits = [found.outcome.topic.max_message_bytes for found in batch if isinstance(found.outcome, Prepared)]
        batch_bytes = job_batch_bytes(min(limits, default=MAX_MESSAGE_BYTES))
        answers: dict[str, bytes] = {}

        def entries(written: Written) -> Iterable[Entry]:
            answers.update(_answers(batch, {copy.original: offset for copy, offset in written}))
            return [(_key(key_id, ANSWER), answer) for key_id, answer in answers.items()]

        while True:
            prepared = [found.outcome for found in batch if isinstance(found.outcome, Prepared)]
            try:
                # The removal of the requests goes with the copies: so one request tells the coordinator of both.
                self._ready(batch_bytes).commit(
                    [outcome.copy for outcome in prepared],
                    [(_key(found.asked.key_id, RESEND), None) for found in batch],
                    entries,
                )
            except RecordsRefused as error:
                batch_bytes = batch_bytes if error.refused else 0
                _refuse(batch, error.refused)
            except AccessDenied as error:
                topics = {outcome.copy.original.topic for outcome in prepared}
                if len(topics) > 1:
                    # Which of them it is only they alone can tell.
                    for topic in topics:
                        self._commit([found for found in batch if found.asked.position.topic == topic])
                    return
                _refuse(batch, {outcome.copy.original: error for outcome in prepared})
            except Exception as error:
                for found in batch:
                    self._failed.note(found.asked.key_id, error)
                raise
            else:
                for key_id, answer in answers.items():
                    # It counts at once: a second request may stand before it in the log, and is read before it.
                    self._table.take(key_id, ANSWER, answer)
                    self._failed.forget(key_id)
                return


def _refuse(batch: Iterable[_Completed], refused: Mapping[Position, ResendError]) -> None:
    for found in batch:
        error = refused.get(found.asked.position)
        if not isinstance(found.outcome, Prepared) or not isinstance(error, NothingWritten):
            continue
        found.outcome = found.outcome.explained(error) if isinstance(error, CopyTooLarge) else error


def _answers(batch: Iterable[_Completed], offsets: Mapping[Position, int | None]) -> Iterable[tuple[str, bytes]]:
    """Return the answers to write, by id, now that the offsets of the copies are known by their originals."""
    for found in batch:
        outcome = found.outcome
        if isinstance(outcome, Prepared):
            position = found.asked.position
            told: Resent | NothingWritten = Resent(
                position, position.partition, offsets.get(position), outcome.timestamp
            )
        else:
            told = outcome
        yield found.asked.key_id, encode_answer(Answer(found.asked.digest, _now_ms(), told))


def _batches(dealt: Iterable[_Completed], doubtful: Callable[[_Completed], bool]) -> list[list[_Completed]]:
    """Return what goes into one transaction each.

    Two copies of one record do not go together: the report of a delivery names the original. What failed before goes
    alone, and last, so that it takes no other one with it.
    """
    batches: list[list[_Completed]] = []
    alone: list[list[_Completed]] = []
    positions: set[Position] = set()
    size_bytes = 0
    for found in dealt:
        if doubtful(found):
            alone.append([found])
            continue
        own_bytes = found.outcome.copy.size_bytes if isinstance(found.outcome, Prepared) else 0
        if not batches or found.asked.position in positions or size_bytes + own_bytes > _BATCH_BYTES:
            batches.append([])
            positions.clear()
            size_bytes = 0
        batches[-1].append(found)
        positions.add(found.asked.position)
        size_bytes += own_bytes
    return batches + alone


def _key(key_id: str, kind: str) -> bytes:
    return f"{key_id}/{kind}".encode()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
