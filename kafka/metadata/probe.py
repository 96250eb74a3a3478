"""Whether a cluster can be used: whether a broker that leads partitions answers, at the address that it advertises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import ConfigResource, OffsetSpec, ResourceType

from kafka.client.admin import Admin, offset_of
from kafka.client.connection import ConnectionErrors
from kafka.model.errors import ClusterAway
from kafka.model.translation import away_kind, cause

_METADATA_TRIES = 3
_WITNESS_SECONDS = 0.5
_LEADERS_SECONDS = 4.0
_MOST_QUESTIONS = 16
_MOST_TOPICS = 4
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class _Question:
    """Something that only one broker can answer.

    Attributes:
        broker: its number.
        partition: one that it leads, whose end is asked for: 0.3 ms of processor time. None where no topic is visible:
            then for the broker's own configuration, which takes 4 ms; that this is not allowed is an answer as well.
    """

    broker: int
    partition: tuple[str, int] | None

    def ask(self, admin: Admin, timeout_seconds: float) -> Future[Any]:
        if self.partition is None:
            resource = ConfigResource(ResourceType.BROKER, str(self.broker))
            return admin.describe_configs([resource], request_timeout=timeout_seconds)[resource]
        partition = TopicPartition(*self.partition)
        return admin.list_offsets({partition: _LATEST}, request_timeout=timeout_seconds)[partition]

    def is_answered_by(self, error: KafkaException) -> bool:
        """Whether an error comes from the broker that was asked."""
        # Those of the library itself are negative. That there is no such partition may be what another broker says.
        return self.partition is None and cause(error).code() > 0


class LeaderProbe:
    """Asks the cluster for metadata, and then a broker that leads partitions for a sign of life.

    Metadata alone says little: every connection answers it, also that to a bootstrap server, whose address may be the
    only one that can be reached. Which broker is asked is remembered: one small request every time, until it is not
    answered; then several leaders are asked at once.

    Args:
        admin: a client of the cluster.
        errors: what its clients report of their connections; this one has to be polled for it.
    """

    def __init__(self, admin: Admin, errors: ConnectionErrors) -> None:
        self._admin = admin
        self._errors = errors
        self._witness: _Question | None = None

    async def require(self, timeout_seconds: float) -> None:
        """Return if the cluster can be used.

        Args:
            timeout_seconds: how long metadata may take; a leader may take as long as that once more.

        Raises:
            ClusterAway: it cannot, with the most telling reason that there is.
        """
        try:
            await self._require_metadata(timeout_seconds)
            if self._witness is None or await self._first_answered([self._witness], _WITNESS_SECONDS) is None:
                self._witness = await self._find_witness(timeout_seconds)
        except ClusterAway as error:
            self._admin.poll(0)  # serves error_cb
            raise self._errors.explain(error) from error
        self._errors.used()
        self._admin.poll(0)

    async def _require_metadata(self, timeout_seconds: float) -> None:
        """Ask any broker for metadata.

        The admin request for the cluster would be more natural, but librdkafka ends the process (an assertion in
        rd_kafka_admin_response_parse, 2.16) where the answer names no broker, as it does while all are fenced.
        """
        if not await self._ask_any(self._admin.refresh_metadata, timeout_seconds):
            raise ClusterAway("the cluster's metadata names no broker", "unreachable")

    async def _find_witness(self, timeout_seconds: float) -> _Question:
        questions = await self._ask_any(self._questions, timeout_seconds)
        answered = await self._first_answered(questions, _LEADERS_SECONDS)
        if answered is None:
            raise ClusterAway("no broker answers at the address that it advertises", "advertised")
        return answered

    async def _ask_any(self, ask: Callable[[float], _Answer], timeout_seconds: float) -> _Answer:
        """Return what any broker answers; ask three times, as one that hangs may be asked first."""
        for tries_left in reversed(range(_METADATA_TRIES)):
            try:
                return await asyncio.to_thread(ask, timeout_seconds / _METADATA_TRIES)
            except KafkaException as exception:
                if not tries_left:
                    raise away(exception) from exception
        raise AssertionError

    def _questions(self, timeout_seconds: float) -> Sequence[_Question]:
        """Return some questions: each leader is asked about several topics, one of each leader first."""
        metadata = self._admin.list_topics(timeout=timeout_seconds)
        led: dict[int, dict[str, _Question]] = {broker: {} for broker in metadata.brokers}
        for name, topic in metadata.topics.items():
            for number, partition in topic.partitions.items():
                of_broker = led.get(partition.leader)
                if of_broker is not None and len(of_broker) < _MOST_TOPICS:
                    of_broker.setdefault(name, _Question(partition.leader, (name, number)))
        # One may be deleted before it is asked about, and then the library looks for its leader until time runs out. So
        # not all leaders begin with the same one.
        turns = zip_longest(*(_from(turn, list(of_broker.values())) for turn, of_broker in enumerate(led.values())))
        questions = [question for turn in turns for question in turn if question is not None]
        return (questions or [_Question(broker, None) for broker in metadata.brokers])[:_MOST_QUESTIONS]

    async def _first_answered(self, questions: Sequence[_Question], timeout_seconds: float) -> _Question | None:
        """Ask all at once, and return the first that is answered, or None if none is in time."""
        tasks = [asyncio.create_task(self._answered(question, timeout_seconds)) for question in questions]
        try:
            for task in asyncio.as_completed(tasks):
                if (question := await task) is not None:
                    return question
            return None
        finally:
            for other in tasks:
                other.cancel()

    async def _answered(self, question: _Question, timeout_seconds: float) -> _Question | None:
        try:
            answer = await asyncio.wrap_future(question.ask(self._admin, timeout_seconds))
            if question.partition is not None:
                offset_of(answer)
        except KafkaException as exception:
            return question if question.is_answered_by(exception) else None
        return question


def _from(start: int, questions: list[_Question]) -> list[_Question]:
    """Return the questions with another one first, and the others behind it as in a circle."""
    start %= len(questions) or 1
    return questions[start:] + questions[:start]


def away(exception: KafkaException) -> ClusterAway:
    """Translate the failure of a request that any broker could have answered."""
    error = cause(exception)
    # Every broker answers a request for metadata, and no KRaft controller does.
    kind = "controller" if error.code() == KafkaError._UNSUPPORTED_FEATURE else away_kind(error)
    return ClusterAway(f"{error.name()}: {error.str()}", kind)
