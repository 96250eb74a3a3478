"""Heartbeats of workers: which partitions of the store have an owner that can work, and else why not.

Kafka's group has members as well, but an Admin request to the group's coordinator is needed to see them, and librdkafka
ends the process when the connection breaks at the wrong moment (issues 4605 and 3663, seen with 2.16). A heartbeat also
says more: it is a transaction of the owner, so everything that the owner needs to write copies works.

worker   key, one in each partition; written by the owner in a transaction, or by a worker that cannot be the owner,
         with the reason
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice
from threading import Lock
from typing import Annotated

from confluent_kafka import KafkaError, KafkaException, Producer
from msgspec import Meta, Struct, field

from kafka.client.clients import ErrorLog, LibraryLog, callbacks
from kafka.client.config import ClusterConfig
from kafka.client.properties import writer_properties
from kafka.client.secrets import CONFIGURED
from kafka.jobs.stored import FORMAT, Codec, UnsupportedFormat
from kafka.model.translation import cause

WORKER_KEY = b"worker"
"""Key of a heartbeat, in each partition of the store."""

HEARTBEAT_SECONDS = 4.0
"""How often an owner writes one."""

MOST_WAITING = 100
"""Of how many jobs a heartbeat tells what they wait for."""

_VALID_MS = 12_000
_HAND_OVER_MS = 5_000
_PROBLEM_MS = 60_000
_MOST_VALID_MS = 24 * 3600 * 1000
_FLUSH_SECONDS = 5.0
_EXPECTED_SECONDS = 60.0


class Heartbeat(Struct, frozen=True, omit_defaults=True, tag_field="format", tag=FORMAT):
    """What a worker says of a partition of the store.

    Attributes:
        valid_ms: how long it holds, from when it was written.
        problem: why this worker cannot own the partition; None: it does.
        waiting: by id, what jobs of the partition wait for; at most MOST_WAITING of them.
    """

    valid_ms: Annotated[int, Meta(ge=0, le=_MOST_VALID_MS)]
    problem: str | None = None
    waiting: Mapping[str, str] = field(default_factory=dict)


def alive(waiting: Mapping[str, str]) -> Heartbeat:
    """Return the heartbeat of an owner that works, and will say so again; see Heartbeat.waiting."""
    return Heartbeat(_VALID_MS, None, dict(islice(waiting.items(), MOST_WAITING)))


HANDING_OVER = Heartbeat(_HAND_OVER_MS)
"""The owner stops, and another worker may take over."""


_CODEC = Codec(Heartbeat, "a heartbeat")


def encode_heartbeat(heartbeat: Heartbeat) -> bytes:
    """Return the heartbeat as the JSON in the store."""
    return _CODEC.encode(heartbeat)


def decode_heartbeat(content: bytes | None) -> Heartbeat | None:
    """Return the heartbeat that encode_heartbeat wrote; None for anything else."""
    try:
        return _CODEC.decode(content or b"")
    except UnsupportedFormat:
        return None


class Liveness:
    """What the heartbeats say that were read so far, by partition of the store.

    One thread changes it; others may ask.
    """

    def __init__(self) -> None:
        self._alive_until: dict[int, float] = {}
        self._problems: dict[int, tuple[float, str]] = {}
        self._waiting: dict[int, Mapping[str, str]] = {}

    def take(self, partition: int, content: bytes | None, age_seconds: float) -> None:
        """Take one more heartbeat.

        Args:
            partition: of the store.
            content: as it was read.
            age_seconds: how long ago it was written.
        """
        heartbeat = decode_heartbeat(content)
        if heartbeat is None:
            return
        until = time.monotonic() + heartbeat.valid_ms / 1000 - max(0.0, age_seconds)
        if heartbeat.problem is None:
            self._alive_until[partition], self._waiting[partition] = until, heartbeat.waiting
            self._problems.pop(partition, None)
        else:
            self._problems[partition] = until, heartbeat.problem

    def alive(self, partition: int) -> bool:
        """Whether the partition has an owner that works."""
        return time.monotonic() < self._alive_until.get(partition, float("-inf"))

    def waits_for(self, partition: int, job_id: str) -> str | None:
        """Return what a job of the partition waits for, if its owner works and has said so."""
        return self._waiting.get(partition, {}).get(job_id) if self.alive(partition) else None

    def expected(self, partition: int) -> bool:
        """Whether the partition had such an owner a short while ago, as during an outage of a broker."""
        return time.monotonic() < self._alive_until.get(partition, float("-inf")) + _EXPECTED_SECONDS

    def problem(self, partition: int) -> str | None:
        """Return why a worker could not become its owner, if one has said so lately."""
        until, problem = self._problems.get(partition, (float("-inf"), ""))
        return problem if time.monotonic() < until else None


def problem_of(error: BaseException, config: ClusterConfig) -> str:
    """Return in words what keeps a worker from owning partitions of the store."""
    if not isinstance(error, KafkaException):
        return f"a worker fails: {error}"
    found = cause(error)
    jobs = config.jobs
    transactional_ids = jobs.transactional_prefix + "*"
    denied = {
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: f"Write on transactional ids {transactional_ids!r}",
        KafkaError.GROUP_AUTHORIZATION_FAILED: f"Read on group {jobs.group!r}",
        KafkaError.TOPIC_AUTHORIZATION_FAILED: f"Read and Write on topic {jobs.topic!r}",
        KafkaError.CLUSTER_AUTHORIZATION_FAILED: "IdempotentWrite on the cluster",
    }
    if (missing := denied.get(found.code())) is not None:
        return f"Kafka's ACLs do not give the workers {missing}"
    return f"a worker fails: {found.name()}: {found.str()}"


class ProblemReporter:
    """Writes to the store why this worker cannot own partitions of it; its client is made when it is first needed.

    Any thread may use it.

    Args:
        config: the cluster.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self._lock = Lock()
        self._producer: Producer | None = None
        self._reported: dict[int, tuple[float, str]] = {}

    def report(self, partitions: range, error: BaseException) -> None:
        """Write a problem, unless the same one was written lately; what cannot be written is only logged.

        Args:
            partitions: of the store.
            error: what the worker met.
        """
        # Callers are told of it.
        problem = CONFIGURED.mask(problem_of(error, self._config))
        now = time.monotonic()
        with self._lock:
            due = [
                partition
                for partition in partitions
                if self._reported.get(partition, (float("-inf"), ""))[1] != problem
                or now - self._reported[partition][0] > _PROBLEM_MS / 4000
            ]
            if not due:
                return
            value = encode_heartbeat(Heartbeat(_PROBLEM_MS, problem))
            producer = self._client()
            for partition in due:
                self._reported[partition] = now, problem
                producer.produce(self._config.jobs.topic, value, WORKER_KEY, partition)
            producer.flush(_FLUSH_SECONDS)

    def _client(self) -> Producer:
        if self._producer is None:
            name = f"{self._config.name} worker problems"
            properties = writer_properties(self._config, batching=False)
            self._producer = Producer(
                {**callbacks(self._config, name, ErrorLog(name)), **properties}, logger=LibraryLog(name)
            )
        return self._producer
