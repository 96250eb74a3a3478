"""Whether jobs can run on a cluster: their store, and the ACLs they need. No topic is written to."""

from __future__ import annotations

import shlex
import time

from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import AclOperation

from kafka.checks.results import Finding, admin_options, grant_command, lacks, works
from kafka.client.admin import Admin
from kafka.client.config import JOB_BATCH_BYTES, ClusterConfig
from kafka.client.properties import job_writer_properties
from kafka.jobs.store.topic import StoreError, check_store, create_store
from kafka.model.translation import cause

_CHECK_SUFFIX = "-check"
"""No partition of the store has such a transactional id."""

_ON_STORE = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}
"""What jobs need on their store; Kafka grants Describe along with Read or Write."""

_NOT_YET = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._WAIT_COORD,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
"""What is said of a group's coordinator that has just started, or that is just being chosen."""
_LEAST_SECONDS = 0.5
_LOOK_AGAIN_SECONDS = 0.2


def diagnose_jobs(admin: Admin, config: ClusterConfig, *, timeout_seconds: float) -> list[Finding]:
    """Tell whether jobs, and requests with an Idempotency-Key, can run, and what is missing for them.

    Args:
        admin: connected, to a cluster that knows its brokers.
        config: the cluster, and what the store, the group and the transactions are called.
        timeout_seconds: how long each answer may take.
    """
    findings = []
    try:
        findings += _store(admin, config, timeout_seconds)
    except KafkaException as exception:
        error = cause(exception)
        findings.append(lacks("jobs", f"{error.name()}: {error.str()}", "try again"))
    try:
        findings.append(_group(config, _group_operations(admin, config.jobs.group, timeout_seconds)))
    except KafkaException as exception:
        findings.append(_group_unseen(config, cause(exception)))
    findings.append(_transactions(config, timeout_seconds))
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
    tool, _, options = error.remedy.partition(" ")
    command = f"{tool} {shlex.join(admin_options(config))} {options}" if options.startswith("--") else error.remedy
    return lacks("jobs' store", error.reason, command)


def _group_operations(admin: Admin, group: str, timeout_seconds: float) -> set[AclOperation]:
    """Return what may be done to a group, also to one that is not there.

    Raises:
        KafkaException: its coordinator does not say; one that has just started loads its groups first.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        left = max(_LEAST_SECONDS, deadline - time.monotonic())
        asked = admin.describe_consumer_groups([group], include_authorized_operations=True, request_timeout=left)
        try:
            return set(admin.wait_for(asked[group]).authorized_operations or ())
        except KafkaException as exception:
            code = cause(exception).code()
            if code == KafkaError.GROUP_AUTHORIZATION_FAILED:
                return set()
            if code not in _NOT_YET or time.monotonic() >= deadline:
                raise
        time.sleep(_LOOK_AGAIN_SECONDS)


def _group_unseen(config: ClusterConfig, error: KafkaError) -> Finding:
    """Return that it is not known what may be done to the group, which is not the same as nothing."""
    group = config.jobs.group
    detail = f"Read on group {group!r} cannot be seen: its coordinator does not answer ({error.name()})"
    if error.code() in _NOT_YET:
        detail = f"Read on group {group!r} cannot be seen yet: its coordinator is still loading ({error.name()})"
    remedy = f"check again in a minute; it is granted by\n{grant_command(config, '--group', [group], ['Read'])}"
    return Finding(
        "jobs' ACLs", ok=error.code() in _NOT_YET, detail=detail, remedy=remedy, unseen=error.code() in _NOT_YET
    )


def _group(config: ClusterConfig, operations: set[AclOperation]) -> Finding:
    group = config.jobs.group
    if AclOperation.READ in operations:
        return works("jobs' ACLs", f"Read granted on group {group!r}")
    return lacks("jobs' ACLs", f"Read missing on group {group!r}", grant_command(config, "--group", [group], ["Read"]))


def _transactions(config: ClusterConfig, timeout_seconds: float) -> Finding:
    """Tell whether the service may use transactional ids, by asking for one that no worker has.

    That writes to no topic of anybody's: the transaction coordinator notes the id, and forgets it after a week
    (transactional.id.expiration.ms). An id of a worker would end the transaction of a job that is running.
    """
    prefix = config.jobs.transactional_prefix
    ids = f"transactional ids {prefix + '*'!r}"
    properties = job_writer_properties(config, f"{prefix}{_CHECK_SUFFIX}", JOB_BATCH_BYTES[0])
    # What it meets is told as a finding, and not in the log as well.
    producer = Producer({**properties, "log_level": 0, "error_cb": lambda _: None})
    remedy = grant_command(config, "--transactional-id", [prefix], ["Write", "Describe"], prefixed=True)
    try:
        producer.init_transactions(timeout_seconds)
    except KafkaException as exception:
        error = cause(exception)
        if error.code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            return lacks("jobs' ACLs", f"Write or Describe missing on {ids}", remedy)
        if error.code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
            return lacks(
                "jobs' ACLs",
                f"IdempotentWrite missing on the cluster, which {ids} need before Kafka 2.8",
                grant_command(config, "--cluster", ["kafka-cluster"], ["IdempotentWrite"]),
            )
        detail = f"Write on {ids} could not be seen ({error.name()}); it is granted by"
        return Finding("jobs' ACLs", ok=True, detail=detail, remedy=remedy, unseen=True)
    return works("jobs' ACLs", f"Write granted on {ids}")
