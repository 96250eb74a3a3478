"""Share groups of a real broker, and the dead letters that it writes for them (KIP-1191, Apache Kafka 4.4)."""

from __future__ import annotations

import time
from collections.abc import Callable

from confluent_kafka import AcknowledgeType, Message, ShareConsumer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

_SECONDS = 60.0


def dead_letter_to(bootstrap: str, group: str, topic: str) -> None:
    """Have the broker write what the group rejects to a topic, and have the group begin at the log's start.

    Args:
        bootstrap: host:port of the broker.
        group: id of the share group.
        topic: exists, and begins with `dlq.`.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap})

    def setting(name: str, value: str) -> ConfigEntry:
        return ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)

    changes = [
        ConfigResource(
            ResourceType.TOPIC, topic, incremental_configs=[setting("errors.deadletterqueue.group.enable", "true")]
        ),
        ConfigResource(
            ResourceType.GROUP,
            group,
            incremental_configs=[
                setting("errors.deadletterqueue.topic.name", topic),
                setting("share.auto.offset.reset", "earliest"),
            ],
        ),
    ]
    for change in changes:
        for future in admin.incremental_alter_configs([change]).values():
            future.result(_SECONDS)


def take(
    bootstrap: str, group: str, topic: str, decide: Callable[[Message], AcknowledgeType], done: Callable[[], bool]
) -> None:
    """Be the only member of a share group until that is done.

    Args:
        bootstrap: host:port of the broker.
        group: id of the group.
        topic: what it reads.
        decide: what to acknowledge a record with.
        done: whether it has had enough; asked after each batch.
    """
    consumer = ShareConsumer(
        {"bootstrap.servers": bootstrap, "group.id": group, "share.acknowledgement.mode": "explicit"}
    )
    deadline = time.monotonic() + _SECONDS
    try:
        consumer.subscribe([topic])
        while not done():
            assert time.monotonic() < deadline, "the share group has not had what it waits for"
            messages = list(consumer.poll(1.0))
            for message in messages:
                assert message.error() is None, message.error()
                consumer.acknowledge(message, decide(message))
            if messages:
                failed = {place: error for place, error in consumer.commit_sync().items() if error is not None}
                assert failed == {}
    finally:
        consumer.close()
