"""What resending answers where Kafka's ACLs do not allow the service what it needs."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import AclOperation

from kafka.client.config import ClusterConfig, JobsConfig
from kafka.cluster import Cluster
from kafka.model.errors import AccessDenied, ClusterAway
from kafka.model.records import Position
from tests.support.acls import Administrator, sasl
from tests.support.worker import OpenCluster, eventually

WithAcls = tuple[str, Administrator]

READ, WRITE, DESCRIBE_CONFIGS = AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE_CONFIGS


async def resent_at(cluster: Cluster, topic: str, expected: int) -> None:
    """Wait until a resend is no longer refused; its copy must then be the first one written."""

    async def resent() -> bool:
        try:
            return (await cluster.resend(Position(topic, 0, 0), "keyA")).offset == expected
        except AccessDenied:
            return False

    await eventually(resent, seconds=30)


@pytest.mark.parametrize(
    ("user", "granted", "missing"),
    [
        ("reader", (READ, DESCRIBE_CONFIGS), WRITE),
        ("writer", (WRITE, DESCRIBE_CONFIGS), READ),
        ("configless", (READ, WRITE), DESCRIBE_CONFIGS),
    ],
)
async def test_missing_acl_is_named_until_it_is_granted(
    open_cluster: OpenCluster,
    with_acls: WithAcls,
    user: str,
    granted: tuple[AclOperation, ...],
    missing: AclOperation,
) -> None:
    """A missing right is named and nothing was written; once it is granted resends continue without a restart."""
    bootstrap, administrator = with_acls
    topic = f"for-{user}"
    administrator.create(topic)
    administrator.produce(topic, b"value")
    cluster = await open_cluster(bootstrap=bootstrap, properties=sasl(user))
    with pytest.raises(AccessDenied) as hidden:
        await cluster.resend(Position(topic, 0, 0), None)
    assert hidden.value.operation == "Describe"
    administrator.allow(user, topic, *granted)
    for _ in range(3):
        with pytest.raises(AccessDenied) as denied:
            await cluster.resend(Position(topic, 0, 0), None)
        named = missing.name.title().replace("_", "")
        assert (denied.value.operation, denied.value.resource) == (named, f"topic {topic!r}")
    administrator.allow(user, topic, missing)
    await resent_at(cluster, topic, 1)


@pytest.mark.parametrize("records", [0, 1])
async def test_missing_read_on_the_store_is_named_at_once(with_acls: WithAcls, records: int) -> None:
    """Jobs that may be described and not be read: the missing right is told, and not only that time ran out."""
    bootstrap, administrator = with_acls
    store = f"store-unread-{records}"
    administrator.create_store(store)
    for _ in range(records):
        administrator.produce(store, b"something to read", b"key")
    administrator.allow("forgetful", store, WRITE, DESCRIBE_CONFIGS)
    jobs = JobsConfig(topic=store)
    cluster = Cluster(ClusterConfig("test", (bootstrap,), sasl("forgetful"), jobs=jobs))
    await cluster.open()
    try:

        async def told() -> bool:
            with pytest.raises((AccessDenied, ClusterAway)) as refused:
                await cluster.jobs.known()
            return isinstance(refused.value, AccessDenied)

        await eventually(told, seconds=30)
        with pytest.raises(AccessDenied) as denied:
            await cluster.jobs.known()
        assert ("Read", f"topic {store!r}") == (denied.value.operation, denied.value.resource)
    finally:
        await cluster.close()
