"""What works on a cluster and what is missing there: connections, authentication, ACLs."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation

from kafka.checks.connection import Unreachable, diagnose_connection
from kafka.checks.jobs import diagnose_jobs
from kafka.checks.results import Finding, grant_command, lacks, works
from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig
from kafka.client.refused_property import refused_property
from kafka.metadata.topic import is_internal
from kafka.model.policy import matches
from kafka.model.translation import cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NEEDED = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}
"""What the service needs on every topic it resends; Kafka grants Describe along with Read or Write."""

_TOPICS_PER_REQUEST = 200
_NAMED_TOPICS = 5
_GRANTED_TOPICS = 20
_WILDCARD = re.compile(r"[*?\[]")
_MADE_UP = "kafka-resend-check-"
_STEM_LENGTH = 190
"""The name of a topic has at most 249 characters."""


def diagnose(config: ClusterConfig, timeout_seconds: float = 10.0, *, jobs: bool = False) -> tuple[Finding, ...]:
    """Connect to a cluster as the service would, and tell what works and what is missing. Nothing is written.

    Blocks for up to about twice the timeout. Stops at the first thing without which the rest cannot be asked.

    Args:
        config: the cluster.
        timeout_seconds: how long the connection, and then each answer, may take.
        jobs: look at what jobs need as well; the embedded broker has none.
    """
    refused = refused_property(config)
    if refused is not None:
        return (lacks("properties", refused, "correct the property"),)
    try:
        findings, admin = diagnose_connection(config, timeout_seconds)
    except Unreachable as unreachable:
        return unreachable.findings
    try:
        findings += _topics(admin, config, timeout_seconds)
    except KafkaException as exception:
        error = cause(exception)
        findings.append(lacks("topics", f"{error.name()}: {error.str()}", "try again"))
    if jobs and not config.embedded:
        findings += diagnose_jobs(admin, config, timeout_seconds=timeout_seconds)
    return tuple(findings)


def _topics(admin: Admin, config: ClusterConfig, timeout_seconds: float) -> list[Finding]:
    """Look at the ACLs on every topic that the policy allows.

    Args:
        admin: connected.
        config: the cluster, with its policy.
        timeout_seconds: how long each answer may take.
    """
    patterns = config.policy.topics
    visible = {name for name in admin.list_topics(timeout=timeout_seconds).topics if not is_internal(name, config)}
    allowed = sorted(name for name in visible if matches(name, patterns))
    named = sorted({pattern for pattern in patterns if not _WILDCARD.search(pattern)} - visible)
    granted, refused = _operations(admin, allowed + named, timeout_seconds)

    findings = []
    hidden = [name for name in named if refused.get(name) == KafkaError.TOPIC_AUTHORIZATION_FAILED]
    absent = [name for name in named if name in refused and name not in hidden]
    lacking: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, operations in granted.items():
        missing = tuple(word for word, operation in _NEEDED.items() if operation not in operations)
        if missing:
            lacking[missing].append(name)
    if hidden:
        lacking[tuple(_NEEDED)] += hidden
    for missing, names in lacking.items():
        remedy = _grant(config, missing, names if len(names) <= _GRANTED_TOPICS else None, allowed)
        findings.append(lacks("ACLs", f"{' and '.join(missing)} missing on {_listed(names)}", remedy))
    if absent:
        findings.append(lacks("topics", f"not there: {_listed(absent)}", "create them, or correct the policy"))
    if not granted and not hidden and not absent:
        findings.append(_nothing_visible(admin, config, timeout_seconds))
    elif not findings:
        words = ", ".join(_NEEDED)
        detail = f"{words} granted on {_listed(sorted(granted))}"
        findings.append(works("ACLs", detail))
    if config.policy.read_only:
        findings.append(works("policy", "read-only: every resend on this instance is refused"))
    return findings


def _operations(
    admin: Admin, names: Sequence[str], timeout_seconds: float
) -> tuple[dict[str, frozenset[AclOperation]], dict[str, int]]:
    """Return, for each topic, the operations that the cluster grants, or the code of the error it gives instead."""
    granted: dict[str, frozenset[AclOperation]] = {}
    refused: dict[str, int] = {}
    for start in range(0, len(names), _TOPICS_PER_REQUEST):
        collection = TopicCollection(list(names[start : start + _TOPICS_PER_REQUEST]))
        answers = admin.describe_topics(collection, include_authorized_operations=True, request_timeout=timeout_seconds)
        for name, answer in answers.items():
            try:
                description = admin.wait_for(answer)
            except KafkaException as exception:
                code = cause(exception).code()
                if code not in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART):
                    raise
                refused[name] = code
            else:
                granted[name] = frozenset(description.authorized_operations or ())
    return granted, refused


def _nothing_visible(admin: Admin, config: ClusterConfig, timeout_seconds: float) -> Finding:
    """Tell whether there is no topic that the policy allows, or the ACLs hide them all.

    The made-up names begin as the patterns do. To a user without rights on such a topic Kafka does not say that it is
    missing. Describing the cluster would say less, and ends the process while the metadata names no broker.
    """
    wanted = ", ".join(config.policy.topics)
    made_up = [
        f"{_WILDCARD.split(pattern, maxsplit=1)[0][:_STEM_LENGTH]}{_MADE_UP}{uuid4().hex}"
        for pattern in config.policy.topics
    ]
    _, refused = _operations(admin, made_up, timeout_seconds)
    if KafkaError.TOPIC_AUTHORIZATION_FAILED not in refused.values():
        return works("topics", f"the cluster has no topic yet that matches {wanted}")
    detail = f"no topic that matches {wanted} is visible: there is none, or all ACLs are missing"
    return lacks("topics", detail, _grant(config, tuple(_NEEDED), None, ()))


def _grant(
    config: ClusterConfig, operations: Sequence[str], names: Sequence[str] | None, visible: Iterable[str]
) -> str:
    """Return the kafka-acls.sh commands that grant operations, one a line.

    Args:
        config: the cluster, with its policy.
        operations: in Kafka's words.
        names: the topics; None where they are too many to name, for all that the policy allows.
        visible: topics to fall back on where no ACL says the same as a pattern.
    """
    literal, prefixed = (list(names), []) if names is not None else _resources(config.policy.topics, list(visible))
    commands = []
    if literal:
        commands.append(grant_command(config, "--topic", literal, operations))
    if prefixed:
        commands.append(grant_command(config, "--topic", prefixed, operations, prefixed=True))
    return "\n".join(commands)


def _resources(patterns: Iterable[str], visible: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the literal and the prefixed resources whose ACLs cover the patterns."""
    literal: list[str] = []
    prefixed: list[str] = []
    for pattern in patterns:
        stem = pattern.removesuffix("*")
        if pattern == "*" or not _WILDCARD.search(pattern):
            literal.append(pattern)
        elif not _WILDCARD.search(stem):
            prefixed.append(stem)
        else:
            # No ACL says `orders.*.eu`: name the topics that there are, and a prefix only where there are none yet.
            there = [name for name in visible if matches(name, (pattern,))]
            before = _WILDCARD.split(pattern, maxsplit=1)[0]
            if there or not before:
                literal += there or ["*"]
            else:
                prefixed.append(before)
    return literal, prefixed


def _listed(names: Sequence[str]) -> str:
    named = ", ".join(repr(name) for name in names[:_NAMED_TOPICS])
    more = f" and {len(names) - _NAMED_TOPICS} more" if len(names) > _NAMED_TOPICS else ""
    return f"{'topic' if len(names) == 1 else 'topics'} {named}{more}"
