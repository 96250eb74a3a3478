"""What `kafka-resend check` finds of what jobs need: their store, and the ACLs on it and beside it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from kafka.checks.diagnose import diagnose
from kafka.checks.results import Finding
from kafka.client.config import ClusterConfig, JobsConfig
from kafka.model.policy import ResendPolicy
from tests.support.acls import Administrator, sasl
from tests.support.brokers import Broker, StartBroker
from tests.support.command_line import CommandLine, settings

ON_STORE = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}


def jobs_findings(address: str, name: str, user: str | None = None) -> list[Finding]:
    """Return what is told of jobs whose store, group and transactions have this name."""
    config = ClusterConfig(
        "tested",
        (address,),
        sasl(user) if user else {},
        policy=ResendPolicy(topics=("orders",)),
        jobs=JobsConfig(topic=name, group=name, transactional_prefix=name),
    )
    return [finding for finding in diagnose(config, jobs=True) if finding.subject.startswith("jobs")]


def details(findings: list[Finding]) -> list[str]:
    """Return the details of what is missing."""
    return [finding.detail for finding in findings if not finding.ok]


def told(look: Callable[[], list[Finding]], expected: list[str]) -> list[Finding]:
    """Return the findings once exactly these things are missing: ACLs take a moment to be in effect."""
    deadline = time.monotonic() + 20
    while True:
        found = look()
        if details(found) == expected or time.monotonic() > deadline:
            assert expected == details(found)
            return found
        time.sleep(0.1)


def test_jobs_on_a_cluster_without_acls_lack_nothing_and_make_no_store(broker: Broker) -> None:
    """On an open cluster the store may be made, but looking does not make it; everything else is open."""
    name = f"jobs-{uuid.uuid4()}"
    found = jobs_findings(broker.bootstrap, name)

    assert [] == [finding for finding in found if not finding.ok or finding.remedy or finding.unseen]
    assert f"topic {name!r} is not there yet; the service may make it, and will" == found[0].detail
    assert name not in Administrator(broker.bootstrap, {}).topics()


def test_jobs_are_not_looked_at_unless_asked(broker: Broker) -> None:
    """Who resends single records only is not told of jobs."""
    assert [] == [found for found in diagnose(ClusterConfig("tested", (broker.bootstrap,))) if "jobs" in found.subject]


def test_jobs_without_any_acl_lack_all_of_them(with_acls: tuple[str, Administrator]) -> None:
    """With nothing granted, store, group and transactional ids are told with the commands that grant them."""
    address, _ = with_acls
    store, group, transactions = jobs_findings(address, "hidden-jobs", "jobless")

    assert not store.ok
    assert store.detail.startswith("Read and Write and DescribeConfigs missing on topic 'hidden-jobs', if it is there")
    assert (store.remedy or "").endswith(
        "--operation Read --operation Write --operation DescribeConfigs --topic hidden-jobs"
    )
    assert ("Read missing on group 'hidden-jobs'", False) == (group.detail, group.ok)
    assert (
        f"kafka-acls.sh --bootstrap-server {address} --command-config admin.properties --add"
        " --allow-principal User:jobless --operation Read --group hidden-jobs"
    ) == group.remedy
    assert ("Write or Describe missing on transactional ids 'hidden-jobs*'", False) == (
        transactions.detail,
        transactions.ok,
    )
    assert (transactions.remedy or "").endswith(
        "--operation Write --operation Describe --transactional-id hidden-jobs --resource-pattern-type prefixed"
    )


@pytest.mark.parametrize("missing", ["Read", "Write", "DescribeConfigs", "group", "transactions", None])
def test_jobs_lack_just_the_acl_that_is_missing(with_acls: tuple[str, Administrator], missing: str | None) -> None:
    """Of all that jobs need, the one that is not granted is told, alone; with all of it, nothing."""
    address, administrator = with_acls
    name = f"jobs-{uuid.uuid4()}"
    administrator.create_store(name)
    administrator.allow("jobber", name, *(operation for word, operation in ON_STORE.items() if word != missing))
    administrator.allow_group("jobber", name, AclOperation.DESCRIBE if missing == "group" else AclOperation.READ)
    if missing != "transactions":
        administrator.allow_jobs("jobber", name, ResourceType.TRANSACTIONAL_ID)
    expected = {
        None: [],
        "group": [f"Read missing on group {name!r}"],
        "transactions": [f"Write or Describe missing on transactional ids '{name}*'"],
    }.get(missing, [f"{missing} missing on topic {name!r}"])
    found = told(lambda: jobs_findings(address, name, "jobber"), expected)

    assert [f"--operation {missing} --topic {name}"] * (missing in ON_STORE) == [
        (finding.remedy or "").partition("User:jobber ")[2]
        for finding in found
        if not finding.ok and "topic" in finding.detail
    ]


def test_jobs_store_that_may_not_be_made_is_told_with_the_command_that_makes_it(
    with_acls: tuple[str, Administrator],
) -> None:
    """A store that is not there is no problem for who may create it, and a command for an administrator otherwise."""
    address, administrator = with_acls
    name = f"jobs-{uuid.uuid4()}"
    administrator.allow_group("maker", name, AclOperation.READ)
    administrator.allow_jobs("maker", name, ResourceType.TRANSACTIONAL_ID)
    administrator.allow_topic("maker", name, AclOperation.DESCRIBE)
    may_not = [f"topic {name!r} does not exist, and the service may not create it"]
    store = told(lambda: jobs_findings(address, name, "maker"), may_not)[0]

    assert (store.remedy or "").startswith(
        f"kafka-topics.sh --bootstrap-server {address} --command-config admin.properties --create --topic {name} "
    )
    assert "--config cleanup.policy=compact" in (store.remedy or "")

    administrator.allow_topic("maker", name, AclOperation.CREATE)
    told(lambda: jobs_findings(address, name, "maker"), [])
    assert name not in administrator.topics()


def test_jobs_store_that_is_not_compacted_is_told_with_the_command_that_mends_it(
    with_acls: tuple[str, Administrator],
) -> None:
    """A store with cleanup.policy=delete would lose jobs, and the ACLs on it being right does not make it fit."""
    address, administrator = with_acls
    name = f"jobs-{uuid.uuid4()}"
    administrator.create(name)
    store = jobs_findings(address, name, "admin")[0]

    assert not store.ok
    assert store.detail.startswith(f"topic {name!r} has cleanup.policy=delete")
    assert (
        f"kafka-configs.sh --bootstrap-server {address} --command-config admin.properties --alter --entity-type topics"
        f" --entity-name {name} --add-config cleanup.policy=compact"
    ) == store.remedy


@pytest.mark.parametrize(
    ("arguments", "worker", "times_told"),
    [([], "true", 1), (["--no-jobs"], "true", 0), ([], "false", 0), (["--jobs"], "false", 1)],
)
def test_check_looks_at_jobs_where_there_is_a_worker_or_somebody_asks(
    broker: Broker, arguments: list[str], worker: str, times_told: int
) -> None:
    """An option goes before the setting; on an open cluster nothing is missing, and the exit code is 0."""
    command_line = CommandLine({**settings(broker.bootstrap), "RESEND_JOBS__WORKER": worker})
    output, _ = command_line("check", *arguments, exits=0)
    assert output.count("jobs' store: ") == times_told


def test_coordinator_that_does_not_answer_yet_is_not_a_missing_acl(controlled_broker: StartBroker) -> None:
    """A coordinator that is not there yet, as on a broker that has just started, is told as what it is."""
    # Groups need a topic that this broker alone cannot make: its coordinator never comes.
    broker = controlled_broker({"offsets.topic.replication.factor": "3"})
    found = jobs_findings(broker.bootstrap, "jobs-of-a-new-broker")

    assert [] == details(found)
    [group] = [finding for finding in found if "cannot be seen yet" in finding.detail]
    assert group.unseen
    assert "check again in a minute" in (group.remedy or "")
