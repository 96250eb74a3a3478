"""The sample records of `topic-test`: what a shop might have written of late, in every shape that a record can have."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from kafka.model.records import CONSUMER_KEY, Header
from kafka.model.translation import cause

SAMPLE_TOPIC = "topic-test"
"""The topic of the API document's example request."""

SAMPLE_PARTITIONS = 3
"""How many partitions the topic gets on a real cluster; librdkafka's mock cluster gives every topic four."""


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One record to write.

    Attributes:
        partition: where it goes; offsets follow from the order.
        age_seconds: how long before the moment of writing its timestamp lies.
    """

    partition: int
    age_seconds: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


def _order(number: int, customer: str, state: str, **more: object) -> bytes:
    return json.dumps({"order": number, "customer": customer, "state": state, **more}, ensure_ascii=False).encode()


_JSON: Header = ("content-type", b"application/json")
_LINES = [{"sku": "TEA-GREEN-250", "quantity": 2, "cents": 890}, {"sku": "MUG-BLUE", "quantity": 1, "cents": 1250}]

SAMPLE_RECORDS: tuple[SampleRecord, ...] = (
    # Partition 0. Offset 4 is the one that the API document's example resends.
    SampleRecord(0, 840, b"order-1001", _order(1001, "c-17", "placed", lines=_LINES, total_cents=3030), (_JSON,)),
    SampleRecord(0, 815, b"order-1001", _order(1001, "c-17", "paid", method="invoice"), (_JSON,)),
    SampleRecord(0, 790, b"order-1004", _order(1004, "c-23", "placed", note="Grüße an Zoë ☕"), (_JSON,)),
    SampleRecord(0, 760, None, b"stock recount finished: 412 items, 3 differences", (("content-type", b"text/plain"),)),
    SampleRecord(
        0,
        700,
        b"order-1004",
        _order(1004, "c-23", "paid", method="card", total_cents=1250),
        (_JSON, ("trace", b"checkout-7f3a"), ("trace", b"payment-02c9"), ("attempt", b"1")),
    ),
    SampleRecord(0, 655, b"order-1001", _order(1001, "c-17", "shipped", parcel="DE-4471-0093"), (_JSON,)),
    SampleRecord(
        0,
        610,
        b"order-1004",
        _order(1004, "c-23", "shipped", parcel="DE-4471-0101"),
        (_JSON, (CONSUMER_KEY, b"billing")),
    ),
    SampleRecord(
        0,
        520,
        bytes.fromhex("00000003ec"),
        bytes.fromhex("0a0c4d55472d424c55452d3031321001ff00fe80c3281a0400000000"),
        (("content-type", b"application/octet-stream"), ("checksum", bytes.fromhex("9f3c00ff")), ("origin", None)),
    ),
    SampleRecord(0, 430, b"cart-c-23", None, (("reason", b"order placed"), ("note", b""))),
    SampleRecord(0, 300, b"order-1009", b"", (("content-type", b"text/plain"),)),
    SampleRecord(0, 210, b"order-1009", _order(1009, "c-08", "placed", lines=_LINES[:1], total_cents=1780), (_JSON,)),
    SampleRecord(0, 95, b"order-1009", _order(1009, "c-08", "cancelled", reason="address unknown"), (_JSON,)),
    SampleRecord(1, 780, b"order-1002", _order(1002, "c-31", "placed", total_cents=4100), (_JSON,)),
    SampleRecord(1, 640, b"order-1002", _order(1002, "c-31", "paid", method="card"), (_JSON,)),
    SampleRecord(1, 410, b"order-1002", _order(1002, "c-31", "shipped", parcel="DE-4471-0098"), (_JSON,)),
    SampleRecord(1, 120, b"order-1002", _order(1002, "c-31", "returned", reason="wrong size"), (_JSON,)),
    SampleRecord(2, 770, b"order-1003", _order(1003, "c-04", "placed", total_cents=990), (_JSON,)),
    SampleRecord(2, 500, b"order-1003", _order(1003, "c-04", "payment failed", attempt=1), (_JSON,)),
    SampleRecord(2, 260, b"order-1003", _order(1003, "c-04", "payment failed", attempt=2), (_JSON,)),
    SampleRecord(2, 60, b"order-1003", _order(1003, "c-04", "paid", method="card"), (_JSON,)),
)
"""Keys, null keys and null values, JSON, text and binary, repeated headers and a consumer_key that is there already."""


class SamplesNotWritten(Exception):
    """The cluster did not take the sample records; the text says why."""


def write_samples(bootstrap_servers: str, timeout_seconds: float = 30.0) -> None:
    """Write the sample records to the sample topic and wait until all are acknowledged.

    Args:
        bootstrap_servers: host:port of a broker, or several, separated by commas.
        timeout_seconds: how long the acknowledgements may take.

    Raises:
        SamplesNotWritten: a record was not acknowledged.
    """
    failures: list[str] = []
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "acks": "all",
            "enable.idempotence": True,
            "delivery.timeout.ms": round(timeout_seconds * 1000),
            "log_level": 0,
        }
    )
    now_ms = time.time_ns() // 1_000_000
    for record in SAMPLE_RECORDS:
        producer.produce(
            SAMPLE_TOPIC,
            partition=record.partition,
            key=record.key,
            value=record.value,
            headers=list(record.headers),
            timestamp=now_ms - 1000 * record.age_seconds,
            on_delivery=lambda error, _: failures.append(error.str()) if error else None,
        )
    if producer.flush(timeout_seconds + 1) or failures:
        raise SamplesNotWritten(failures[0] if failures else "the cluster did not acknowledge the records in time")


def ensure_sample_topic(bootstrap_servers: str, timeout_seconds: float = 60.0) -> bool:
    """Create the sample topic on a real cluster and fill it, unless that was done before.

    Its records are kept for good, so that the example still works when the cluster is started again months later.

    Args:
        bootstrap_servers: host:port of a broker, or several, separated by commas.
        timeout_seconds: how long to wait for the cluster.

    Returns:
        Whether records were written: False where the topic had some already.

    Raises:
        SamplesNotWritten: the cluster does not answer, or refuses.
    """
    deadline = time.monotonic() + timeout_seconds
    try:
        _create_topic(bootstrap_servers, deadline)
        if _has_records(bootstrap_servers, deadline):
            return False
    except KafkaException as exception:
        raise SamplesNotWritten(cause(exception).str()) from exception
    write_samples(bootstrap_servers, max(1.0, deadline - time.monotonic()))
    return True


def _create_topic(bootstrap_servers: str, deadline: float) -> None:
    # Replication -1 is the cluster's own default (KIP-464).
    topic = NewTopic(SAMPLE_TOPIC, SAMPLE_PARTITIONS, -1, config={"retention.ms": "-1", "retention.bytes": "-1"})
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    remaining = max(1.0, deadline - time.monotonic())
    try:
        admin.create_topics([topic], request_timeout=remaining, operation_timeout=remaining)[SAMPLE_TOPIC].result()
    except KafkaException as exception:
        if cause(exception).code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _has_records(bootstrap_servers: str, deadline: float) -> bool:
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "kafka-resend", "log_level": 0})
    try:
        while True:
            topic = consumer.list_topics(SAMPLE_TOPIC, timeout=5.0).topics[SAMPLE_TOPIC]
            try:
                return any(
                    consumer.get_watermark_offsets(TopicPartition(SAMPLE_TOPIC, partition), timeout=5.0)[1] > 0
                    for partition in topic.partitions or (0,)
                )
            except KafkaException:
                # A topic just made has no leader yet for a moment; the request itself waits, so this does not spin.
                if time.monotonic() > deadline:
                    raise
                consumer.poll(0.1)
    finally:
        consumer.close()
