"""A bare consumer that reads whole topics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaError, TopicPartition

if TYPE_CHECKING:
    from confluent_kafka import Message


def read_to_end(bootstrap_servers: str, topic: str) -> dict[int, list[Message]]:
    """Return all records of a topic, by partition, as a bare consumer sees them.

    Args:
        bootstrap_servers: host:port of a broker that asks for no password.
        topic: the topic.
    """
    consumer = Consumer(
        {"bootstrap.servers": bootstrap_servers, "group.id": "bare", "enable.partition.eof": True, "log_level": 0}
    )
    try:
        partitions = sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        found: dict[int, list[Message]] = {partition: [] for partition in partitions}
        ended: set[int] = set()
        deadline = time.monotonic() + 20
        while len(ended) < len(partitions):
            assert time.monotonic() < deadline, (
                f"only partitions {ended} of {partitions} were read to their end in 20 s"
            )
            message = consumer.poll(0.5)
            if message is None:
                continue
            error = message.error()
            if error is None:
                found[message.partition() or 0].append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition() or 0)
        return found
    finally:
        consumer.close()
