"""The store: a compacted topic on the cluster itself, and how it is read.

StoreError
├── StoreMissing    the topic does not exist and may not be created
└── StoreUnfit      it exists, and jobs kept there could be lost; says the command that fixes it
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import ConfigResource, NewTopic, ResourceType

from kafka.client.admin import Admin
from kafka.client.clients import ErrorLog, LibraryLog
from kafka.client.config import ClusterConfig, store_reader_properties
from kafka.jobs.idempotency.requests import IDEMPOTENCY_KINDS, IdempotencyTable
from kafka.jobs.plan import partition_of
from kafka.jobs.progress import OWNERS_KINDS, Job, fold, split_key
from kafka.jobs.worker.liveness import WORKER_KEY, Liveness
from kafka.model.errors import cause

_REQUEST_SECONDS = 10.0
_READ_AT_ONCE = 1000
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

OWNER_KEY = b"owner"
"""Key of the record by which a new owner marks how far an earlier one can have come."""


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


class ReadDenied(KafkaException):
    """The store may be looked at, and not be read."""


class StoreTail:
    """Reads partitions of the store from their beginning on, committed records only, and folds them into jobs.

    Only one thread may use it.

    Args:
        config: the cluster.
        name: what to call the client in the log.
        partitions: which of the store's partitions.

    Attributes:
        jobs: by id, as far as was read.
        idempotent: single resends with an Idempotency-Key, by id.
        asked: ids of such resends that were read by the last call.
        liveness: what heartbeats of workers say.
        answered: the partitions of which a record, or the end, was read.
        caught_up: set by the reader once it has read what was there before: the age of a heartbeat that is read after
            that does not depend on the clock of the machine that wrote it.
        owned: a token of the reader's own was read. Plans and progress are left out from then on: they are the reader's
            own, who knows better, and reading back older ones would take it back to where it was.
        taken: another owner's token was read after that.
    """

    def __init__(self, config: ClusterConfig, name: str, partitions: Collection[int]) -> None:
        self._topic = config.jobs.topic
        self._errors = ErrorLog(name)
        self._consumer = Consumer(
            {**store_reader_properties(config), "error_cb": self._errors}, logger=LibraryLog(name)
        )
        self._consumer.list_topics(self._topic, timeout=_REQUEST_SECONDS)
        self._next = dict.fromkeys(partitions, 0)
        self._tokens: set[bytes] = set()
        self._last_token: bytes | None = None
        self.jobs: dict[str, Job] = {}
        self.idempotent = IdempotencyTable()
        self.asked: list[str] = []
        self.liveness = Liveness()
        self.caught_up = False
        self.answered: set[int] = set()
        self.owned = False
        self.taken = False
        self._consumer.assign([TopicPartition(self._topic, partition, OFFSET_BEGINNING) for partition in partitions])

    @property
    def next_offsets(self) -> Mapping[int, int]:
        """Per partition, up to where it was read."""
        return self._next

    def read(self, timeout_seconds: float) -> set[str]:
        """Read what is there, or wait for the first record; return the ids of the jobs that changed.

        Raises:
            ReadDenied: Kafka's ACLs do not allow it.
            KafkaException: it cannot continue: the store was made again, or its beginning deleted.
        """
        changed = set()
        self.asked.clear()
        first = self._consumer.poll(timeout_seconds)
        messages = [] if first is None else [first, *self._consumer.consume(_READ_AT_ONCE, 0)]
        for message in messages:
            partition, offset, error = message.partition(), message.offset(), message.error()
            if partition is None or offset is None or partition not in self._next:
                continue
            if error is None:
                self.answered.add(partition)
                self._next[partition] = offset + 1
                key, value = message.key(), message.value()
                if key == WORKER_KEY:
                    age_seconds = 0.0 if self.caught_up else time.time() - message.timestamp()[1] / 1000
                    self.liveness.take(partition, value, age_seconds)
                elif (job_id := self._take(key, value, partition)) is not None:
                    changed.add(job_id)
            elif error.code() == KafkaError._PARTITION_EOF:
                self.answered.add(partition)
                # The end lies behind records that are no records: markers of transactions, and aborted ones.
                self._next[partition] = max(self._next[partition], offset)
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                raise KafkaException(error)
            elif error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                # It comes once, and nothing after it.
                raise ReadDenied(error)
            else:
                self._errors(error)
        return changed

    def read_to_token(self, token: bytes, deadline: float, stopped: Event) -> bool:
        """Read until this token, which the reader has written, is met; False if it is not before the deadline.

        Whatever an earlier owner has committed lies before it: its transaction had ended when the token was written.
        Two other ends would not do. The last stable offset may be held back by another transaction, while progress that
        was committed already lies above it; and a high watermark may come from a broker that hung, and does not know
        yet that it leads no more.

        Args:
            token: value of a record with the key OWNER_KEY.
            deadline: point of time.monotonic().
            stopped: gives up early.
        """
        self._tokens.add(token)
        while self._last_token != token:
            if stopped.is_set() or time.monotonic() >= deadline:
                return False
            self.read(0.1)
        return True

    def close(self) -> None:
        """End the client."""
        self._consumer.close()

    def _take(self, key: bytes | None, value: bytes | None, partition: int) -> str | None:
        """Take a record; return the id of the job that it has changed."""
        if key == OWNER_KEY:
            if value in self._tokens:
                self.owned, self._last_token = True, value
            elif self.owned:
                self.taken = True
            return None
        job_id, kind = split_key(key)
        if not _stands_in(job_id, partition) or (self.owned and kind in OWNERS_KINDS):
            return None
        if kind in IDEMPOTENCY_KINDS:
            self.idempotent.take(job_id, kind, value)
            self.asked.append(job_id)
            return None
        job = fold(self.jobs.get(job_id), job_id, kind, value)
        if job is None:
            self.jobs.pop(job_id, None)
        else:
            self.jobs[job_id] = job
        return job_id


def _stands_in(job_id: str, partition: int) -> bool:
    with suppress(ValueError):
        return partition_of(job_id) == partition
    return False
