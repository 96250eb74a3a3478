"""Whether jobs can run on a cluster: their store, and the ACLs they need. Nothing is written."""

from __future__ import annotations

import shlex

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

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


def diagnose_jobs(admin: AdminClient, config: ClusterConfig, timeout_seconds: float) -> list[Finding]:
    """Tell whether jobs, and requests with an Idempotency-Key, can run, and what is missing for them.

    Args:
        admin: connected, to a cluster that knows its brokers.
        config: the cluster, and what the store, the group and the transactions are called.
        timeout_seconds: how long each answer may take.
    """
    findings: list[Finding] = []
    for look in (_store, _group, _transactions):
        try:
            findings += look(admin, config, timeout_seconds)
        except KafkaException as exception:
            error = cause(exception)
            findings.append(lacks("jobs", f"{error.name()}: {error.str()}", "try again"))
    return findings


def _store(admin: AdminClient, config: ClusterConfig, timeout_seconds: float) -> list[Finding]:
    name = config.jobs.topic
    asked = admin.describe_topics(
        TopicCollection([name]), include_authorized_operations=True, request_timeout=timeout_seconds
    )
    try:
        operations = set(asked[name].result().authorized_operations or ())
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


def _absent(admin: AdminClient, config: ClusterConfig) -> Finding:
    try:
        create_store(admin, config, validate_only=True)
    except StoreError as error:
        return _unusable(config, error)
    return works("jobs' store", f"topic {config.jobs.topic!r} is not there yet; the service may make it, and will")


def _unusable(config: ClusterConfig, error: StoreError) -> Finding:
    tool, _, options = error.cure.partition(" ")
    command = f"{tool} {shlex.join(admin_options(config))} {options}" if options.startswith("--") else error.cure
    return lacks("jobs' store", error.reason, command)


def _group(admin: AdminClient, config: ClusterConfig, timeout_seconds: float) -> list[Finding]:
    group = config.jobs.group
    # A group that is not there is described as well, with what may be done to it.
    asked = admin.describe_consumer_groups([group], include_authorized_operations=True, request_timeout=timeout_seconds)
    try:
        readable = AclOperation.READ in (asked[group].result().authorized_operations or ())
    except KafkaException as exception:
        if cause(exception).code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
            raise
        readable = False
    if readable:
        return [works("jobs' ACLs", f"Read granted on group {group!r}")]
    cure = grant_command(config, "--group", [group], ["Read"])
    return [lacks("jobs' ACLs", f"Read missing on group {group!r}", cure)]


def _transactions(admin: AdminClient, config: ClusterConfig, timeout_seconds: float) -> list[Finding]:
    # init_transactions() would tell, but it would also end the transaction of a job that is running.
    prefix = config.jobs.transactional_prefix
    if not _has_acls(admin, timeout_seconds):
        return [works("jobs' ACLs", f"transactional ids {prefix + '*'!r} are open to all: the cluster has no ACLs")]
    detail = f"Write on transactional ids {prefix + '*'!r} cannot be seen without writing; it is granted by"
    cure = grant_command(config, "--transactional-id", [prefix], ["Write", "Describe"], prefixed=True)
    return [Finding("jobs' ACLs", ok=True, detail=detail, cure=cure, unseen=True)]


def _has_acls(admin: AdminClient, timeout_seconds: float) -> bool:
    """Return False only if the cluster says that everybody may do everything."""
    any_acl = AclBindingFilter(
        ResourceType.TRANSACTIONAL_ID,
        None,
        ResourcePatternType.ANY,
        None,
        None,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    try:
        admin.describe_acls(any_acl, request_timeout=timeout_seconds).result()
    except KafkaException as exception:
        return cause(exception).code() != KafkaError.SECURITY_DISABLED
    return True
