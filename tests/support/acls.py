"""A broker that asks for passwords and has ACLs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaException, Producer, TopicCollection
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from tests.support.brokers import new_broker

USERS = (
    "full",
    "poor",
    "blind",
    "reader",
    "writer",
    "configless",
    "looker",
    "describer",
    "postman",
    "keyed",
    "jobless",
    "jobber",
    "maker",
    "forgetful",
    "grouped",
    "transacting",
    "follower",
)
"""Users without any right, each for one test, which grants it what it needs."""

JAAS = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="admin" password="admin-pass" '
    + " ".join(f'user_{user}="{user}-pass"' for user in ("admin", *USERS))
    + ";"
)

WITH_ACLS = {
    "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
    "listener.name.plaintext.plain.sasl.jaas.config": JAAS,
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    # The controller's own listener knows no names.
    "super.users": "User:admin;User:ANONYMOUS",
}
"""A broker with SASL/PLAIN and ACLs, where the user admin may do everything."""


def sasl(user: str, password: str | None = None) -> dict[str, str]:
    """Return the client properties of a user."""
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": user,
        "sasl.password": password or f"{user}-pass",
    }


class Administrator:
    """Makes topics and grants, and waits until they are in effect."""

    def __init__(self, address: str, properties: dict[str, str]) -> None:
        self._properties: dict[str, str | int | float] = {"bootstrap.servers": address, "log_level": 0}
        self._admin = AdminClient({**self._properties, **properties})

    def create(self, *topics: str) -> None:
        """Create topics of one partition."""
        for answer in self._admin.create_topics([NewTopic(topic, 1, 1) for topic in topics]).values():
            answer.result(timeout=20)

    def produce(self, topic: str, value: bytes, key: bytes | None = None) -> None:
        """Write one record."""
        producer = Producer({**self._properties, **sasl("admin")})
        producer.produce(topic, value, key)
        assert producer.flush(20) == 0

    def allow(self, user: str, topic: str, *operations: AclOperation) -> None:
        """Grant operations on a topic; return when the broker tells that user so."""
        literal, permitted = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
        acls = [
            AclBinding(ResourceType.TOPIC, topic, literal, f"User:{user}", "*", operation, permitted)
            for operation in operations
        ]
        for answer in self._admin.create_acls(acls).values():
            answer.result(timeout=20)
        as_user = AdminClient({**self._properties, **sasl(user)})
        deadline = time.monotonic() + 20
        while not set(operations) <= self._operations(as_user, topic):
            assert time.monotonic() < deadline, f"the ACLs of {user} on {topic} were not in effect after 20 s"

    def create_store(self, name: str) -> None:
        """Create a store of jobs, of one partition."""
        config = {"cleanup.policy": "compact"}
        self._admin.create_topics([NewTopic(name, 1, 1, config=config)])[name].result(timeout=20)

    def allow_group(self, user: str, name: str, *operations: AclOperation) -> None:
        """Grant operations on a consumer group."""
        self._allow_all(user, [(ResourceType.GROUP, name, operation) for operation in operations])

    def allow_topic(self, user: str, topic: str, operation: AclOperation) -> None:
        """Grant an operation on a topic that need not be there; does not wait until it is in effect."""
        self._allow_all(user, [(ResourceType.TOPIC, topic, operation)])

    def allow_prefix(self, user: str, prefix: str, operation: AclOperation) -> None:
        """Grant an operation on all topics that begin so, present or not; does not wait until it is in effect."""
        self._allow_all(user, [(ResourceType.TOPIC, prefix, operation)], ResourcePatternType.PREFIXED)

    def topics(self) -> set[str]:
        """Return the names of all topics."""
        return set(self._admin.list_topics(timeout=20).topics)

    def _allow_all(
        self,
        user: str,
        wanted: list[tuple[ResourceType, str, AclOperation]],
        pattern: ResourcePatternType = ResourcePatternType.LITERAL,
    ) -> None:
        permitted = AclPermissionType.ALLOW
        acls = [AclBinding(kind, name, pattern, f"User:{user}", "*", op, permitted) for kind, name, op in wanted]
        for answer in self._admin.create_acls(acls).values():
            answer.result(timeout=20)

    def allow_jobs(
        self,
        user: str,
        name: str,
        *kinds: ResourceType,
    ) -> None:
        """Grant what jobs need in addition to the store: the group, and transactional ids that begin with this name.

        Args:
            user: who gets it.
            name: of the group, and prefix of the transactional ids.
            kinds: grant only what these resources need; none: all.
        """
        wanted = [
            (ResourceType.GROUP, ResourcePatternType.LITERAL, AclOperation.READ),
            (ResourceType.TRANSACTIONAL_ID, ResourcePatternType.PREFIXED, AclOperation.DESCRIBE),
            (ResourceType.TRANSACTIONAL_ID, ResourcePatternType.PREFIXED, AclOperation.WRITE),
        ]
        acls = [
            AclBinding(kind, name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
            for kind, pattern, operation in wanted
            if kind in (kinds or (ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID))
        ]
        for answer in self._admin.create_acls(acls).values():
            answer.result(timeout=20)

    @staticmethod
    def _operations(admin: AdminClient, topic: str) -> set[AclOperation]:
        topics = TopicCollection([topic])
        answer = admin.describe_topics(topics, include_authorized_operations=True, request_timeout=10)[topic]
        try:
            return set(answer.result(timeout=20).authorized_operations)
        except KafkaException:
            return set()


@pytest.fixture(scope="session")
def with_acls() -> Iterator[tuple[str, Administrator]]:
    """Start a broker that asks for passwords and has ACLs, with the topics orders and invoices."""
    broker = new_broker(WITH_ACLS)
    try:
        broker.start()
        administrator = Administrator(broker.bootstrap, sasl("admin"))
        administrator.create("orders", "invoices")
        yield broker.bootstrap, administrator
    finally:
        broker.remove()
