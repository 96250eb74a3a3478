"""The store's topic: found, created, and checked whether it is fit to keep jobs.

StoreError
├── StoreMissing    the topic does not exist and may not be created
└── StoreUnfit      it exists, and jobs kept there could be lost; says the command that fixes it
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import ConfigResource, NewTopic, ResourceType

from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig
from kafka.model.translation import cause

_REQUEST_SECONDS = 10.0
_TOPIC_CONFIG = {
    "cleanup.policy": "compact",
    # With the defaults of 1 GB and 7 days nothing would be compacted for long, and every start would read all of it.
    "segment.bytes": str(32 * 1024 * 1024),
    "segment.ms": str(3600 * 1000),
    "min.cleanable.dirty.ratio": "0.1",
    "max.message.bytes": str(4 * 1024 * 1024),
    # What was committed must not be lost, or it is done once more.
    "unclean.leader.election.enable": "false",
}


class StoreError(Exception):
    """The root of the tree.

    Attributes:
        reason: what is wrong with the topic.
        remedy: what fixes it, mostly a command.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}: {remedy}")
        self.reason = reason
        self.remedy = remedy


class StoreMissing(StoreError):
    """The topic does not exist and may not be created by the service."""


class StoreUnfit(StoreError):
    """The topic would lose jobs."""


@dataclass(frozen=True, slots=True)
class Store:
    """The store as it is.

    Attributes:
        topic: its name.
        partitions: how many it has, which is how many jobs can run at once.
    """

    topic: str
    partitions: int


def find_store(admin: Admin, name: str) -> Store | None:
    """Return the store if it is there, however fit.

    Args:
        admin: a client of the cluster.
        name: the store's topic.

    Raises:
        KafkaException: the cluster did not answer.
    """
    try:
        found = admin.wait_for(admin.describe_topics(TopicCollection([name]), request_timeout=_REQUEST_SECONDS)[name])
    except KafkaException as exception:
        if cause(exception).code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise
    return Store(name, len(found.partitions))


def ensure_store(admin: Admin, config: ClusterConfig) -> Store:
    """Return the store, made if need be.

    Args:
        admin: a client of the cluster.
        config: how the store is called, and how large it is to be.

    Raises:
        StoreMissing, StoreUnfit: it cannot be used; says what to do.
        KafkaException: the cluster did not answer.
    """
    name = config.jobs.topic
    try:
        return check_store(admin, name)
    except KafkaException as exception:
        if cause(exception).code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise
    create_store(admin, config)
    return check_store(admin, name)


def create_store(admin: Admin, config: ClusterConfig, *, validate_only: bool = False) -> None:
    """Make the store, unless another process does at the same time.

    Args:
        admin: a client of the cluster.
        config: how the store is called, and how large it is to be.
        validate_only: only ask the cluster whether it would make it; makes nothing.

    Raises:
        StoreMissing: the service may not make it; says how to.
        KafkaException: the cluster did not answer.
    """
    replicas = min(3, admin.refresh_metadata(_REQUEST_SECONDS))
    topic_config = _TOPIC_CONFIG | {"min.insync.replicas": "2" if replicas == 3 else "1"}
    topic = NewTopic(config.jobs.topic, config.jobs.partitions, replicas, config=topic_config)
    try:
        asked = admin.create_topics([topic], request_timeout=_REQUEST_SECONDS, validate_only=validate_only)
        admin.wait_for(asked[config.jobs.topic])
    except KafkaException as exception:
        code = cause(exception).code()
        if code in (
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            KafkaError.CLUSTER_AUTHORIZATION_FAILED,
            KafkaError.POLICY_VIOLATION,
        ):
            options = " ".join(f"--config {key}={value}" for key, value in topic_config.items())
            raise StoreMissing(
                f"topic {config.jobs.topic!r} does not exist, and the service may not create it",
                f"kafka-topics.sh --create --topic {config.jobs.topic} --partitions {config.jobs.partitions} "
                f"--replication-factor {replicas} {options}",
            ) from None
        if code != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    if validate_only:
        return
    # The brokers learn of it one after the other.
    deadline = time.monotonic() + _REQUEST_SECONDS
    while time.monotonic() < deadline:
        try:
            check_store(admin, config.jobs.topic)
        except KafkaException:
            time.sleep(0.1)
        else:
            return


def check_store(admin: Admin, name: str) -> Store:
    """Return the store if it is there and fit to keep jobs.

    Args:
        admin: a client of the cluster.
        name: the store's topic.

    Raises:
        StoreUnfit: jobs could be lost there; says what to do.
        KafkaException: it is not there, may not be looked at, or the cluster did not answer.
    """
    description = admin.wait_for(admin.describe_topics(TopicCollection([name]), request_timeout=_REQUEST_SECONDS)[name])
    resource = ConfigResource(ResourceType.TOPIC, name)
    entries = admin.wait_for(admin.describe_configs([resource], request_timeout=_REQUEST_SECONDS)[resource])
    alter = f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config"
    if entries["cleanup.policy"].value != "compact":
        raise StoreUnfit(
            f"topic {name!r} has cleanup.policy={entries['cleanup.policy'].value}, so that jobs would be deleted by "
            "their age",
            f"{alter} cleanup.policy=compact",
        )
    brokers = admin.refresh_metadata(_REQUEST_SECONDS)
    replicas = min(len(partition.replicas) for partition in description.partitions)
    if replicas < min(3, brokers):
        raise StoreUnfit(
            f"topic {name!r} has {replicas} replicas of {min(3, brokers)}, so that jobs would be lost with a broker",
            "kafka-reassign-partitions.sh gives it more",
        )
    if replicas >= 3 and int(entries["min.insync.replicas"].value) < 2:
        raise StoreUnfit(f"topic {name!r} has min.insync.replicas=1", f"{alter} min.insync.replicas=2")
    if entries["unclean.leader.election.enable"].value == "true":
        raise StoreUnfit(
            f"topic {name!r} has unclean.leader.election.enable=true, so that jobs could forget what they have done",
            f"{alter} unclean.leader.election.enable=false",
        )
    return Store(name, len(description.partitions))
