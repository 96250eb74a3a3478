"""The librdkafka properties of each kind of client."""

from __future__ import annotations

from kafka.client.config import (
    BATCH_BYTES,
    JOB_BATCH_BYTES,
    JOB_TRANSACTION_MS,
    MAX_MESSAGE_BYTES,
    ClusterConfig,
    Properties,
)


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
    """Return the properties of the Producer of single resends, which sends nothing twice: see kafka.resend.writer.

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


def group_properties(config: ClusterConfig, group: str) -> Properties:
    """Return the properties of a Consumer that asks what a group has committed: it never joins it, nor commits."""
    return {
        **_shared(config),
        # What it meets is told in the answer, and not in the log as well.
        "log_level": 0,
        # Offsets that a transaction is about to commit are not waited for: they are not committed.
        "isolation.level": "read_uncommitted",
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
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
