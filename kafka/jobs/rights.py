"""Whether jobs can run on a cluster: their store, and the ACLs they need. Nothing is written."""

from __future__ import annotations

import shlex

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation

from kafka.admin import Admin
from kafka.config import ClusterConfig
from kafka.errors import cause
from kafka.findings import Finding, admin_options, grant_command, lacks, works
from kafka.jobs.store import StoreError, check_store, create_store

_ON_STORE = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}
"""What jobs need on their store; Kafka grants Describe along with Read or Write."""


def diagnose_jobs(admin: Admin, config: ClusterConfig, *, everything: bool, timeout_seconds: float) -> list[Finding]:
    """Tell whether jobs, and requests with an Idempotency-Key, can run, and what is missing for them.

    Args:
        admin: connected, to a cluster that knows its brokers.
        config: the cluster, and what the store, the group and the transactions are called.
        everything: the service may even alter the cluster's ACLs.
        timeout_seconds: how long each answer may take.
    """
    findings = []
    on_group: set[AclOperation] = set()
    try:
        findings += _store(admin, config, timeout_seconds)
        on_group = _group_operations(admin, config.jobs.group, timeout_seconds)
        findings.append(_group(config, on_group))
    except KafkaException as exception:
        error = cause(exception)
        findings.append(lacks("jobs", f"{error.name()}: {error.str()}", "try again"))
    # Nothing in a job deletes groups: who may do that, and alter ACLs, is a super user, or the cluster has no ACLs.
    findings.append(_transactions(config, everything=everything and AclOperation.DELETE in on_group))
    return findings


def _store(admin: Admin, config: ClusterConfig, timeout_seconds: float) -> list[Finding]:
    name = config.jobs.topic
    asked = admin.describe_topics(
        TopicCollection([name]), include_authorized_operations=True, request_timeout=timeout_seconds
    )
    try:
        operations = set(admin.wait_for(asked[name]).authorized_operations or ())
    except KafkaException as exception:
        code = cause(exception).code()
        if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return [_absent(admin, config)]
        if code != KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise
        operations = set()
    missing = [word for word, operation in _ON_STORE.items() if operation not in operations]
    findings = []
    if missing:
        hidden = "" if operations else ", if it is there at all: that cannot be seen without them"
        detail = f"{' and '.join(missing)} missing on topic {name!r}{hidden}"
        findings.append(lacks("jobs' ACLs", detail, grant_command(config, "--topic", [name], missing)))
    if AclOperation.DESCRIBE_CONFIGS in operations:
        try:
            check_store(admin, name)
        except StoreError as error:
            findings.append(_unusable(config, error))
    if not findings:
        words = ", ".join(_ON_STORE)
        findings.append(works("jobs' store", f"topic {name!r} is fit to keep jobs; {words} granted on it"))
    return findings


def _absent(admin: Admin, config: ClusterConfig) -> Finding:
    try:
        create_store(admin, config, validate_only=True)
    except StoreError as error:
        return _unusable(config, error)
    return works("jobs' store", f"topic {config.jobs.topic!r} is not there yet; the service may make it, and will")


def _unusable(config: ClusterConfig, error: StoreError) -> Finding:
    tool, _, options = error.cure.partition(" ")
    command = f"{tool} {shlex.join(admin_options(config))} {options}" if options.startswith("--") else error.cure
    return lacks("jobs' store", error.reason, command)


def _group_operations(admin: Admin, group: str, timeout_seconds: float) -> set[AclOperation]:
    # A group that is not there is described as well, with what may be done to it.
    asked = admin.describe_consumer_groups([group], include_authorized_operations=True, request_timeout=timeout_seconds)
    try:
        return set(admin.wait_for(asked[group]).authorized_operations or ())
    except KafkaException as exception:
        if cause(exception).code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
            raise
    return set()


def _group(config: ClusterConfig, operations: set[AclOperation]) -> Finding:
    group = config.jobs.group
    if AclOperation.READ in operations:
        return works("jobs' ACLs", f"Read granted on group {group!r}")
    return lacks("jobs' ACLs", f"Read missing on group {group!r}", grant_command(config, "--group", [group], ["Read"]))


def _transactions(config: ClusterConfig, *, everything: bool) -> Finding:
    # init_transactions() would tell, but it would also end the transaction of a job that is running.
    prefix = config.jobs.transactional_prefix
    if everything:
        return works("jobs' ACLs", f"the service may do everything, with transactional ids {prefix + '*'!r} as well")
    detail = f"Write on transactional ids {prefix + '*'!r} cannot be seen without writing; it is granted by"
    cure = grant_command(config, "--transactional-id", [prefix], ["Write", "Describe"], prefixed=True)
    return Finding("jobs' ACLs", ok=True, detail=detail, cure=cure, unseen=True)
