"""A cluster's configuration, and the librdkafka properties that each kind of client gets from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from kafka.model.policy import ResendPolicy

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


def reader_properties(config: ClusterConfig, isolation: str = "read_committed") -> Properties:
    """Return the properties of a Consumer that reads single records at given offsets, fast, and joins no group.

    Source of the values: measurements; each default that is changed here cost up to a second a read. One Fetch request
    is in flight per broker, so a long poll at the end of one partition delays all others (fetch.wait.max.ms), and every
    assignment counts as a queued message, after which a partition backs off (queued.min.messages together with
    fetch.queue.backoff.ms).
    """
    return {
        "receive.message.max.bytes": 2_000_000_000,
        "max.partition.fetch.bytes": 65536,
        "fetch.error.backoff.ms": 10,
        **_shared(config),
        "group.id": "kafka-resend",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "allow.auto.create.topics": False,
        "enable.partition.eof": True,
        "check.crcs": True,
        "isolation.level": isolation,
        "fetch.wait.max.ms": 1,
        "fetch.queue.backoff.ms": 1,
        "queued.min.messages": 1,
    }


def scanner_properties(config: ClusterConfig) -> Properties:
    """Return the properties of a Consumer that reads many records in a row, and joins no group.

    The fetches of a page are a few hundred records of each partition, those of a long scan many megabytes:
    max.partition.fetch.bytes is small enough for the one and, with several partitions a fetch, large enough for the
    other. What is fetched ahead is bounded for the sake of memory.
    """
    return {
        **reader_properties(config),
        "queued.max.messages.kbytes": 16384,
        "max.partition.fetch.bytes": 262144,
        **config.properties,
        "fetch.wait.max.ms": 5,
        "queued.min.messages": 10000,
    }


def writer_properties(config: ClusterConfig, *, batching: bool) -> Properties:
    """Return the properties of the Producer of single resends, which sends nothing twice; see kafka.writer for why.

    Args:
        config: the cluster.
        batching: whether records that wait for the same partition go in one batch; a broker refuses a whole batch for
            one bad record, and with one record a batch only the culprit fails.
    """
    return {
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "linger.ms": 0,
        "compression.type": "lz4",
        **_shared(config),
        "acks": "all",
        "enable.idempotence": False,
        "retries": 0,
        # It asks again and again for the topics that it has written to, also for those that were deleted since.
        "allow.auto.create.topics": False,
        **({"batch.size": BATCH_BYTES} if batching else {"batch.num.messages": 1}),
        "delivery.timeout.ms": round(config.limits.delivery_timeout_seconds * 1000),
    }


def store_reader_properties(config: ClusterConfig, isolation: str = "read_committed") -> Properties:
    """Return the properties of a Consumer that reads all of the store, and joins no group."""
    return {
        **reader_properties(config, isolation),
        "fetch.wait.max.ms": 100,
        "queued.min.messages": 10_000,
        "queued.max.messages.kbytes": 16384,
        "max.partition.fetch.bytes": 1_048_576,
    }


def source_properties(config: ClusterConfig, *, slow: bool) -> Properties:
    """Return the properties of a Consumer that reads the records of a job, and joins no group.

    What is read ahead bounds the memory of a worker, so it cannot be configured. Measured with one partition and with
    eight: 13 to 18 MB a Consumer, and 2 to 4.4 MB of a slow one. With 16 MB queued and no bound on a fetch it was 23 to
    33 MB, and 64 to 80 MB with larger records; the processor time for a record is the same.

    Args:
        config: the cluster.
        slow: few records a second are wanted.
    """
    return {
        **reader_properties(config),
        **config.properties,
        "fetch.wait.max.ms": 50,
        **(
            {
                "max.partition.fetch.bytes": 65536,
                "fetch.max.bytes": 1_048_576,
                "queued.min.messages": 100,
                "queued.max.messages.kbytes": 256,
            }
            if slow
            else {
                "max.partition.fetch.bytes": 1_048_576,
                "fetch.max.bytes": 4_194_304,
                "queued.min.messages": 10_000,
                "queued.max.messages.kbytes": 8192,
            }
        ),
    }


def job_writer_properties(config: ClusterConfig, transactional_id: str, batch_bytes: int) -> Properties:
    """Return the properties of the transactional Producer of a partition of the store.

    Args:
        config: the cluster.
        transactional_id: made from that partition, so that its next owner fences this one.
        batch_bytes: one of JOB_BATCH_BYTES; 0 makes each record a batch and a request of its own, in order to find the
            one that is refused.
    """
    one_by_one = {"batch.num.messages": 1, "max.in.flight.requests.per.connection": 1}
    return {
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "compression.type": "lz4",
        **_shared(config),
        "acks": "all",
        "enable.idempotence": True,
        # A topic that is deleted while a job runs must not come back.
        "allow.auto.create.topics": False,
        "transactional.id": transactional_id,
        "transaction.timeout.ms": JOB_TRANSACTION_MS,
        "delivery.timeout.ms": JOB_TRANSACTION_MS,
        # All is sent when the transaction is flushed. librdkafka takes messages in flight for requests when it looks
        # whether an idempotent producer may send more (rd_kafka_toppar_producer_serve, 2.15): it has one batch of each
        # partition in flight, and its thread runs at full speed while others wait. With 5 ms and 64 KiB, eight of these
        # producers on two cores kept the broker from answering for 15 s, and wrote 7,500 records a second; so 62,000.
        "linger.ms": 1000,
        **({"batch.size": batch_bytes} if batch_bytes else one_by_one),
    }


def job_batch_bytes(max_message_bytes: int) -> int:
    """Return which of JOB_BATCH_BYTES a topic takes whose batches may be so large."""
    return next(size for size in JOB_BATCH_BYTES if size <= max_message_bytes)


def worker_properties(config: ClusterConfig) -> Properties:
    """Return the properties of a member of the group that shares out the store's partitions."""
    return {
        **_shared(config),
        "group.id": config.jobs.group,
        # An eager assignor would stop all jobs whenever a worker comes or goes.
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 1500,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "latest",
        "allow.auto.create.topics": False,
    }


def admin_properties(config: ClusterConfig) -> Properties:
    """Return the properties of the AdminClient that looks up topics and probes the cluster."""
    return {
        **_shared(config),
        # What it asks, it asks by itself, of any number of topics; the answers are small.
        "topic.metadata.refresh.interval.ms": 300_000,
        "socket.timeout.ms": 5_000,
        **config.properties,
        # Its log lines would repeat those of the reader and the writer.
        "log_level": 0,
        # It asks for topics that may not be there.
        "allow.auto.create.topics": False,
    }


def _shared(config: ClusterConfig) -> Properties:
    return {
        "client.id": "kafka-resend",
        # A broker that closes an idle connection is no news.
        "log.connection.close": False,
        # Kafka gives the partitions of a dead broker other leaders after nine seconds (broker.session.timeout.ms). The
        # library asks who leads when a connection breaks, which is too early, and then every five minutes; and it waits
        # a minute for a broker that hangs. Measured with three brokers: all partitions are served again within a second
        # of that; without these, those of a hung one after 20 s, those of a dead one when it came back.
        "topic.metadata.refresh.interval.ms": 5_000,
        "socket.timeout.ms": 10_000,
        **config.properties,
        "bootstrap.servers": ",".join(config.bootstrap_servers),
    }
