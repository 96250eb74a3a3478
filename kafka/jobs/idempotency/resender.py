"""Single resends with an Idempotency-Key as the service sees them: ask for one, wait for its answer."""

from __future__ import annotations

import time

from kafka.client.config import ClusterConfig
from kafka.jobs.errors import JobOutcomeUnknown, KeyOutcomeUnknown, KeyReused, KeysNotHere
from kafka.jobs.idempotency.requests import RESEND, Answer, IdempotentResend, Key, encode_resend
from kafka.jobs.plan import partition_of
from kafka.jobs.store.client import StoreClient
from kafka.jobs.store.view import StoreSnapshot
from kafka.jobs.stored import UnsupportedFormat
from kafka.model.errors import NothingWritten
from kafka.model.records import Position
from kafka.resend.service import Preparer, Resent


class IdempotentResender:
    """Has single resends with a key carried out by the owner of their store partition.

    Args:
        config: the cluster.
        store: what requests and answers are kept in; None on the embedded broker.
        preparer: knows what may be resent.
    """

    def __init__(self, config: ClusterConfig, store: StoreClient | None, preparer: Preparer) -> None:
        self._config = config
        self._store = store
        self._preparer = preparer

    async def resend(
        self, position: Position, consumer_key: str | None, key: Key, deadline: float
    ) -> tuple[Resent, bool]:
        """Return the copy that the first request with this key has made, and whether this is not the first one.

        Args:
            position: the record.
            consumer_key: the recipient; None leaves the headers alone.
            key: what came with the request.
            deadline: point of time.monotonic(); the request is carried out also after it, once it is accepted.

        Raises:
            KeyReused: another request came with this key before.
            KeysNotHere, StoreUnusable, NoWorker: keys cannot be had.
            NothingWritten: another of its kinds: this request is refused, or the first one was.
            KeyOutcomeUnknown: there is no answer yet; it may be asked for by the same request.
        """
        store = self._store
        if store is None:
            raise KeysNotHere
        topic, seen = await store.usable_snapshot(deadline)
        key_id = key.id("resend", topic.partitions)
        replayed = self._is_known(seen, key_id, position, key)
        if not replayed:
            self._config.policy.require_resends()
            self._config.policy.require_recipient(consumer_key)
            latest = deadline - self._config.limits.delivery_timeout_seconds
            source = await self._preparer.topic(position, latest)
            await store.require_worker(partition_of(key_id))
            created_at_ms = time.time_ns() // 1_000_000
            asked = IdempotentResend(
                key_id, key.instance, position, source.topic_id, consumer_key, key.digest, created_at_ms
            )
            try:
                await store.write(key_id, RESEND, encode_resend(asked), deadline)
            except JobOutcomeUnknown as error:
                raise KeyOutcomeUnknown(error.reason) from error
        answer = await store.until(lambda seen: _answer(seen, key_id, position), deadline)
        if answer is None:
            raise KeyOutcomeUnknown("no worker has answered in time")
        return _told(answer, key), replayed

    def _is_known(self, seen: StoreSnapshot, key_id: str, position: Position, key: Key) -> bool:
        """Whether this request, or another one with this key, has come before, as far as is known.

        One that comes at the same time is met by its answer.
        """
        if _answer(seen, key_id, position) is not None:
            return True
        try:
            asked = seen.idempotent.asked(key_id)
        except UnsupportedFormat:
            return True
        if asked is not None and asked.digest != key.digest:
            raise KeyReused
        return asked is not None


def _answer(seen: StoreSnapshot, key_id: str, position: Position) -> Answer | None:
    try:
        return seen.idempotent.answer(key_id, position)
    except UnsupportedFormat as error:
        raise KeyOutcomeUnknown(str(error)) from error


def _told(answer: Answer, key: Key) -> Resent:
    if answer.digest != key.digest:
        raise KeyReused
    if isinstance(answer.outcome, NothingWritten):
        raise answer.outcome
    return answer.outcome
