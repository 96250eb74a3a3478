"""A cluster's configuration, and which properties of librdkafka cannot be part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from kafka.model.policy import ResendPolicy
from kafka.redrive.known import NO_OWN, Dialects

Properties = dict[str, str | int | float | bool]
"""librdkafka properties by name, as the client library takes them."""

MAX_MESSAGE_BYTES = 1_000_000_000
"""The largest message.max.bytes that librdkafka takes: the topic, not the client, is to decide what is too large."""

BATCH_BYTES = 65536
"""The largest batch of copies that share one, before compression; a topic that takes less gets them one by one."""

JOB_BATCH_BYTES = (1_000_000, BATCH_BYTES, 0)
"""The largest batches of copies in a job, before compression: usually, of smaller topics, and 0 for one by one."""

JOB_TRANSACTION_MS = 15_000
"""How long a transaction of a job may stay open: usually some 100 ms, 10 s and more when a broker dies."""

_RESERVED = {
    "acks": "every copy is acknowledged by all in-sync replicas before it is reported",
    "request.required.acks": "every copy is acknowledged by all in-sync replicas before it is reported",
    "enable.idempotence": "the client sends nothing twice, and jobs have transactions",
    "enable.gapless.guarantee": "one failed copy must not stop the others",
    "transactional.id": "single resends are not transactional",
    "isolation.level": "aborted records must not be resent",
    "group.id": "readers join no group",
    "group.instance.id": "readers join no group",
    "group.protocol": "readers join no group",
    "enable.auto.commit": "no consumer's offsets are touched",
    "auto.commit.enable": "no consumer's offsets are touched",
    "enable.auto.offset.store": "no consumer's offsets are touched",
    "auto.offset.reset": "an offset that is gone must be an error, never another record",
    "allow.auto.create.topics": "an unknown topic must not be created",
    "enable.partition.eof": "the reader finds holes and ends by it",
    "check.crcs": "a damaged record must not be resent",
    "batch.num.messages": "one refused record must not take its neighbours with it",
    "batch.size": "a batch must fit into the topic, whose limit may be small",
    "delivery.timeout.ms": "use the limit delivery_timeout_seconds, which the deadlines are derived from",
    "message.timeout.ms": "use the limit delivery_timeout_seconds, which the deadlines are derived from",
    "max.in.flight": "the transactions of jobs bound it",
    "max.in.flight.requests.per.connection": "the transactions of jobs bound it",
    "retries": "the client sends nothing twice",
    "message.send.max.retries": "the client sends nothing twice",
    "bootstrap.servers": "use bootstrap_servers",
    "metadata.broker.list": "use bootstrap_servers",
    "queued.min.messages": "the reader's latency rests on it",
    "fetch.wait.max.ms": "the reader's latency rests on it",
    "fetch.queue.backoff.ms": "the reader's latency rests on it",
    "partition.assignment.strategy": "workers keep their other jobs while one comes or goes",
    "session.timeout.ms": "workers take over from each other by it",
    "heartbeat.interval.ms": "workers take over from each other by it",
    "transaction.timeout.ms": "the transactions of jobs end by it",
    "plugin.library.paths": "it loads code",
    "delivery.report.only.error": "a resend waits for the report of its success",
    "default.topic.config": "set the property itself",
    "logger": "it takes an object of the program, not text",
    "on_delivery": "it takes an object of the program, not text",
}
"""Properties that the promises rest on, each with the reason why it cannot be set."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much, how many and how long.

    Attributes:
        deadline_seconds: how long one resend may take altogether.
        delivery_timeout_seconds: how long the cluster may take to acknowledge a copy; a copy is handed over only while
            at least this much of the deadline is left.
        max_queued_requests: how many requests may wait for a reader.
        readers: threads that read, each with a Consumer of its own.
        max_in_flight_per_reader: how many positions, of distinct partitions, a reader reads at once.
    """

    deadline_seconds: float = 30.0
    delivery_timeout_seconds: float = 20.0
    max_queued_requests: int = 1000
    readers: int = 3
    max_in_flight_per_reader: int = 16


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """How much one search may read, and how many there may be.

    Attributes:
        max_scan_records: maximum number of records read for one request; then it is answered with what was found.
        max_scan_seconds: so long is read for one request.
        max_concurrent_scans: searches at once, each with a Consumer of its own; more wait.
    """

    max_scan_records: int = 100_000
    max_scan_seconds: float = 5.0
    max_concurrent_scans: int = 4


@dataclass(frozen=True, slots=True)
class JobsConfig:
    """Where jobs are kept, and how they run.

    Two deployments on one cluster need different names for all three.

    Attributes:
        topic: name of the store, a compacted topic.
        group: consumer group of the workers.
        transactional_prefix: what their transactional ids begin with.
        partitions: how many the store gets when it is created, which is how many jobs run at once.
        batch_records: records in a transaction, at most.
        retention_seconds: how long finished jobs are kept.
        max_records: how many offsets a job may select.
        idempotency_retention_seconds: how long the answer to a single resend with an Idempotency-Key is kept.
        read_ahead_mb: memory of a worker for what its jobs read ahead, in MB; jobs that it does not suffice for wait.
        worker: a worker runs beside the service. Without one, jobs are not wanted until a request asks for one.
    """

    topic: str = "_resend_jobs"
    group: str = "kafka-resend-jobs"
    transactional_prefix: str = "kafka-resend-jobs"
    partitions: int = 8
    batch_records: int = 2000
    retention_seconds: float = 7 * 24 * 3600.0
    max_records: int = 100_000_000
    idempotency_retention_seconds: float = 24 * 3600.0
    read_ahead_mb: int = 256
    worker: bool = True


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """One Kafka cluster.

    Attributes:
        name: what the cluster is called in logs and metrics.
        bootstrap_servers: host:port, one or more.
        properties: any librdkafka property except the reserved ones, by its librdkafka name.
        limits: how much, how many and how long.
        policy: what may be resent.
        query: how much one search may read.
        jobs: where jobs are kept, and how they run.
        dialects: how dead letters may say where they came from.
        embedded: the cluster is librdkafka's mock, which knows no topic configuration.

    Raises:
        PropertyReserved: a property that the promises rest on is among the properties.
    """

    name: str
    bootstrap_servers: tuple[str, ...]
    properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    limits: Limits = field(default_factory=Limits)
    policy: ResendPolicy = field(default_factory=ResendPolicy)
    query: QueryLimits = field(default_factory=QueryLimits)
    jobs: JobsConfig = field(default_factory=JobsConfig)
    dialects: Dialects = NO_OWN
    embedded: bool = False

    def __post_init__(self) -> None:
        check_properties(self.properties)


class PropertyReserved(ValueError):
    """A librdkafka property that the promises rest on was to be set."""


def check_properties(properties: Mapping[str, str]) -> None:
    """Raise PropertyReserved for the first property that the promises rest on, with the reason."""
    for name in properties:
        if name.startswith("test.mock."):
            raise PropertyReserved(f"{name} cannot be set: it would replace the cluster by a mock")
        if name.endswith("_cb"):
            raise PropertyReserved(f"{name} cannot be set: it takes an object of the program, not text")
        if name in _RESERVED:
            raise PropertyReserved(f"{name} cannot be set: {_RESERVED[name]}")
