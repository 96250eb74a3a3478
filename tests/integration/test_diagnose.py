"""What `kafka-resend check` finds on real clusters: open ones, ones with ACLs, and none at all."""

from __future__ import annotations

import socket
import time
import uuid

import pytest
from confluent_kafka.admin import AclOperation

from kafka.checks.diagnose import diagnose
from kafka.checks.results import Finding
from kafka.client.config import ClusterConfig, JobsConfig
from kafka.demo.samples import SAMPLE_RECORDS, ensure_sample_topic
from kafka.model.policy import ResendPolicy
from tests.support.acls import Administrator, sasl
from tests.support.brokers import Broker, StartBroker
from tests.support.reading import read_to_end

ALL_NEEDED = (AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE_CONFIGS)


def findings_of(
    address: str, properties: dict[str, str] | None = None, topics: tuple[str, ...] = ("*",)
) -> dict[str, list[Finding]]:
    """Return what diagnose finds, by subject."""
    config = ClusterConfig("tested", (address,), properties or {}, policy=ResendPolicy(topics=topics))
    by_subject: dict[str, list[Finding]] = {}
    for finding in diagnose(config, timeout_seconds=10):
        by_subject.setdefault(finding.subject, []).append(finding)
    return by_subject


def test_diagnose_open_cluster_finds_nothing_missing(broker: Broker) -> None:
    """On a cluster without ACLs everything is granted: connection, brokers and topics are in order."""
    topic = f"open-{uuid.uuid4()}"
    Administrator(broker.bootstrap, {}).create(topic)
    found = findings_of(broker.bootstrap, topics=(topic,))

    assert ["connection", "brokers", "ACLs"] == list(found)
    assert all(finding.ok and finding.remedy is None for findings in found.values() for finding in findings)
    assert repr(topic) in found["ACLs"][0].detail


def test_diagnose_does_not_take_the_job_store_for_a_topic_to_resend(broker: Broker) -> None:
    """Under whatever name it is configured, it needs no ACLs as one."""
    topic = f"store-{uuid.uuid4()}"
    Administrator(broker.bootstrap, {}).create(topic)
    config = ClusterConfig(
        "tested", (broker.bootstrap,), policy=ResendPolicy(topics=("store-*",)), jobs=JobsConfig(topic=topic)
    )

    assert not [finding for finding in diagnose(config, timeout_seconds=10) if topic in finding.detail]


def test_diagnose_topic_of_the_policy_that_is_not_there_is_named_and_not_created(broker: Broker) -> None:
    """A topic that the policy names and the cluster does not have is told, and looking for it does not make it."""
    topic = f"absent-{uuid.uuid4()}"
    for _ in range(2):
        found = findings_of(broker.bootstrap, topics=(topic,))
        assert [f"not there: topic {topic!r}"] == [finding.detail for finding in found["topics"]]
        assert not found["topics"][0].ok


def test_diagnose_missing_acls_are_named_with_the_command_that_grants_them(
    with_acls: tuple[str, Administrator],
) -> None:
    """Of two topics, only the one that lacks operations is told, and only with these; the command repairs it."""
    address, administrator = with_acls
    administrator.allow("poor", "orders", *ALL_NEEDED)
    administrator.allow("poor", "invoices", AclOperation.READ)
    [finding] = findings_of(address, sasl("poor"))["ACLs"]

    assert not finding.ok
    assert "Write and DescribeConfigs missing on topic 'invoices'" == finding.detail
    assert (
        f"kafka-acls.sh --bootstrap-server {address} --command-config admin.properties --add"
        " --allow-principal User:poor --operation Write --operation DescribeConfigs --topic invoices"
    ) == finding.remedy

    administrator.allow("poor", "invoices", AclOperation.WRITE, AclOperation.DESCRIBE_CONFIGS)
    [finding] = findings_of(address, sasl("poor"))["ACLs"]
    assert finding.ok, finding


def test_diagnose_read_write_and_describe_configs_are_all_it_takes(with_acls: tuple[str, Administrator]) -> None:
    """With the three operations on a topic, nothing on the cluster and nothing on groups, nothing is missing."""
    address, administrator = with_acls
    administrator.allow("full", "orders", *ALL_NEEDED)
    found = findings_of(address, sasl("full"), topics=("orders*",))

    assert [] == [finding for findings in found.values() for finding in findings if not finding.ok]
    assert "(SASL_PLAINTEXT, PLAIN)" in found["connection"][0].detail


def test_diagnose_hidden_topics_ask_for_all_operations(with_acls: tuple[str, Administrator]) -> None:
    """Without any ACL a named topic counts as one that lacks everything; a pattern that matches nothing says both."""
    address, _ = with_acls
    [named] = findings_of(address, sasl("blind"), topics=("orders",))["ACLs"]
    [pattern] = findings_of(address, sasl("blind"), topics=("orders.*",))["topics"]

    assert "Read and Write and DescribeConfigs missing on topic 'orders'" == named.detail
    assert "no topic that matches orders.* is visible: there is none, or all ACLs are missing" == pattern.detail
    assert pattern.remedy is not None
    assert pattern.remedy.endswith("--topic orders. --resource-pattern-type prefixed")


def test_diagnose_pattern_without_topics_is_no_fault_where_the_acls_would_show_them(
    with_acls: tuple[str, Administrator],
) -> None:
    """The ACLs of a pattern's prefix are enough to know that there is no topic yet; those of another are not."""
    address, administrator = with_acls
    administrator.allow_prefix("blind", "later.", AclOperation.READ)
    deadline = time.monotonic() + 20
    [early] = findings_of(address, sasl("blind"), topics=("later.*",))["topics"]
    while not early.ok and time.monotonic() < deadline:
        [early] = findings_of(address, sasl("blind"), topics=("later.*",))["topics"]
    [other] = findings_of(address, sasl("blind"), topics=("never.*",))["topics"]

    assert (early.ok, early.detail) == (True, "the cluster has no topic yet that matches later.*")
    assert (other.ok, other.detail) == (
        False,
        "no topic that matches never.* is visible: there is none, or all ACLs are missing",
    )


def test_diagnose_wrong_password_gives_the_librarys_reason_without_the_password(
    with_acls: tuple[str, Administrator],
) -> None:
    """A refused login is told in the library's words, with what to check, and no secret among them."""
    address, _ = with_acls
    [finding] = diagnose(ClusterConfig("tested", (address,), sasl("full", "s3cr3t-and-wrong")), timeout_seconds=10)

    assert "connection" == finding.subject
    assert not finding.ok
    assert "SASL authentication error" in finding.detail
    assert "s3cr3t" not in repr(finding)
    assert "sasl.password" in (finding.remedy or "")


def test_diagnose_plain_connection_to_a_sasl_listener_points_at_the_protocol(
    with_acls: tuple[str, Administrator],
) -> None:
    """Without security.protocol a SASL listener just ends the connection: the remedy names that property."""
    address, _ = with_acls
    [finding] = findings_of(address)["connection"]

    assert not finding.ok
    assert "security.protocol" in (finding.remedy or "")


@pytest.mark.parametrize(
    ("address", "word"), [("127.0.0.1:{free}", "Connection refused"), ("kafka.invalid:9092", "resolve")]
)
def test_diagnose_cluster_that_is_away_gives_the_reason_within_seconds(address: str, word: str) -> None:
    """Nobody listening, or an unknown name: the reason is told long before a generous timeout ends."""
    with socket.create_server(("127.0.0.1", 0)) as released:
        address = address.format(free=released.getsockname()[1])
    begun = time.monotonic()
    [finding] = diagnose(ClusterConfig("tested", (address,)), timeout_seconds=60)

    assert not finding.ok
    assert word in finding.detail
    assert time.monotonic() - begun < 15


def test_diagnose_property_that_does_not_exist_is_named_without_values() -> None:
    """A property that the library does not know is told by its name; the others' values are not."""
    properties = {"sasl.pasword": "s3cr3t", "ssl.key.password": "s3cr3t"}
    [finding] = diagnose(ClusterConfig("tested", ("127.0.0.1:1",), properties), timeout_seconds=1)

    assert "properties" == finding.subject
    assert "sasl.pasword" in finding.detail
    assert "s3cr3t" not in repr(finding)


def test_sample_topic_on_a_real_cluster_is_written_once(
    controlled_broker: StartBroker,
) -> None:
    """The first call writes the samples to three partitions, the second writes nothing."""
    address = controlled_broker().bootstrap

    assert ensure_sample_topic(address)
    assert not ensure_sample_topic(address)
    counts = [sum(1 for sample in SAMPLE_RECORDS if sample.partition == partition) for partition in range(3)]
    assert counts == [len(messages) for _, messages in sorted(read_to_end(address, "topic-test").items())]
