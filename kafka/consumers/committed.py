"""Asks what consumer groups have committed, each with a Consumer of its own that joins nothing and commits nothing.

An Admin request to a group's coordinator asks the same, and can end the process (librdkafka issue 4605). A Consumer
that never subscribes and has nothing assigned sends OffsetFetch alone: to make one, to ask and to close it takes 60 ms.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kafka.client.config import ClusterConfig
from kafka.client.properties import group_properties
from kafka.metadata.protocol import Partition
from kafka.model.errors import AccessDenied, ClusterAway
from kafka.model.translation import cause, from_lookup
from kafka.search.scanners import Abandoned

MAX_GROUP_CHARACTERS = 255
"""Kafka itself has no such limit; a longer id is a mistake."""

AT_ONCE = 4
"""How many groups are asked about at the same time, of all callers together."""

_GROUP_SECONDS = 5.0
_SLICE_SECONDS = 0.5
_MOST_EVENTS = 20
_AGAIN = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._WAIT_COORD,
        KafkaError._TRANSPORT,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
"""With these the coordinator, or another one, may answer a moment later."""

Committed = Mapping[Partition, int | None]
"""What a group has committed, by topic and partition: the offset that it reads next; None for nothing."""


def is_group_id(text: str) -> bool:
    """Whether a Consumer can be made for a group: librdkafka ends the process at an empty id, and ends one at a NUL."""
    return 0 < len(text) <= MAX_GROUP_CHARACTERS and text.isprintable()


class CommittedOffsets:
    """Asks, from an event loop, with a few threads that are started as they are needed.

    Args:
        config: the cluster.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"{config.name} groups")

    async def ask(self, group: str, partitions: Collection[Partition], deadline: float, abandoned: Event) -> Committed:
        """Return what a group has committed; a group that does not exist has committed nothing.

        Args:
            group: its id, see is_group_id.
            partitions: of any topics.
            deadline: point of time.monotonic(); a coordinator gets at most a few seconds of that.
            abandoned: ends it early.

        Raises:
            AccessDenied: Describe is missing, on the group or on a topic.
            ClusterAway: the group's coordinator does not answer in time.
            TopicMissing: a topic is gone.
            Abandoned: it was set.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._ask, group, partitions, deadline, abandoned)

    async def close(self) -> None:
        """End the threads."""
        await asyncio.to_thread(self._threads.shutdown)

    def _ask(self, group: str, partitions: Collection[Partition], deadline: float, abandoned: Event) -> Committed:
        if not is_group_id(group):
            raise ValueError("no id of a group that can be asked about")
        wanted = [TopicPartition(*partition) for partition in sorted(partitions)]
        last: KafkaError | None = None
        deadline = min(deadline, time.monotonic() + _GROUP_SECONDS)
        consumer: Consumer | None = None
        try:
            while (left := deadline - time.monotonic()) > 0:
                if abandoned.is_set():
                    raise Abandoned
                if consumer is None:
                    consumer = Consumer({**group_properties(self._config, group), "error_cb": lambda _: None})
                try:
                    return _offsets(consumer.committed(wanted, timeout=min(left, _SLICE_SECONDS)))
                except KafkaException as exception:
                    last = _reported(consumer) or cause(exception)
                if last.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
                    raise AccessDenied("Describe", f"group {group!r}")
                if last.code() not in _AGAIN:
                    raise from_lookup(last, "", "Describe")
        finally:
            if consumer is not None:
                consumer.close()
        raise ClusterAway("_TIMED_OUT" if last is None else last.name())


def _offsets(answers: Collection[TopicPartition]) -> Committed:
    found: dict[Partition, int | None] = {}
    for answer in answers:
        if answer.error is not None:
            raise from_lookup(answer.error, answer.topic, "Describe")
        found[answer.topic, answer.partition] = answer.offset if answer.offset >= 0 else None
    return found


def _reported(consumer: Consumer) -> KafkaError | None:
    """Return that the group may not be asked about: the Consumer reports it, and lets what was asked time out."""
    for _ in range(_MOST_EVENTS):
        event = consumer.poll(0)
        if event is None:
            return None
        error = event.error()
        if error is not None and error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            return error
    return None
