"""What works on a cluster and what is missing there: connections, authentication, ACLs."""

from __future__ import annotations

import re
import socket
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient

from kafka.admin import Admin
from kafka.config import ClusterConfig, admin_properties, reader_properties, writer_properties
from kafka.errors import cause
from kafka.findings import Finding, grant_command, lacks, works
from kafka.jobs.rights import diagnose_jobs
from kafka.policy import matches
from kafka.topics import INTERNAL_TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NEEDED = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}
"""What the service needs on every topic it resends; Kafka grants Describe along with Read or Write."""

_CURES = {
    KafkaError._AUTHENTICATION: "check sasl.mechanism, sasl.username and sasl.password",
    KafkaError._SSL: "check ssl.ca.location, and the client's own certificate if the listener asks for one",
    KafkaError._RESOLVE: "check the names in bootstrap_servers, and the name service of this machine",
    KafkaError._TRANSPORT: (
        "check the addresses in bootstrap_servers from this machine, and that security.protocol is the listener's: "
        "a listener of another protocol ends the connection without a word"
    ),
}
"""What to look at, most telling first, for each kind of error that the client library reports."""

_DOWN_GRACE_SECONDS = 1.5
_REACH_SECONDS = 2.0
_LOOK_SECONDS = 0.25
_TOPICS_PER_REQUEST = 200
_NAMED_TOPICS = 5
_GRANTED_TOPICS = 20
_WILDCARDS = frozenset("*?[")


def diagnose(config: ClusterConfig, timeout_seconds: float = 10.0, *, jobs: bool = False) -> tuple[Finding, ...]:
    """Connect to a cluster as the service would, and tell what works and what is missing. Nothing is written.

    Blocks for up to about twice the time-out. Stops at the first thing without which the rest cannot be asked.

    Args:
        config: the cluster.
        timeout_seconds: how long the connection, and then each answer, may take.
        jobs: look at what jobs need as well; the embedded broker has none.
    """
    refused = refused_property(config)
    if refused is not None:
        return (lacks("properties", refused, "correct the property"),)
    reported: list[KafkaError] = []
    admin = Admin(config, reported.append)
    description = _connect(admin, reported, timeout_seconds)
    if description is None:
        return (_unreachable(config, reported),)
    brokers = sorted((node.id, node.host, node.port) for node in description.nodes)
    findings = [works("connection", _connected_as(config)), _reach(brokers)]
    everything = AclOperation.ALTER in (description.authorized_operations or ())
    try:
        findings += _topics(admin, config, everything=everything, timeout_seconds=timeout_seconds)
    except KafkaException as exception:
        error = cause(exception)
        findings.append(lacks("topics", f"{error.name()}: {error.str()}", "try again"))
    if jobs and not config.embedded:
        findings += diagnose_jobs(admin, config, everything=everything, timeout_seconds=timeout_seconds)
    return tuple(findings)


def refused_property(config: ClusterConfig) -> str | None:
    """Return why the client library does not take the configured properties, or None when it does. Connects to nothing.

    Only the library knows all of its properties and their values, the SASL mechanisms it was built with, and whether it
    can read a file of certificates: it is asked by making a client of each kind.

    Args:
        config: the cluster.
    """
    alone: dict[str, str | int | float | bool] = {"bootstrap.servers": "", "log_level": 0}
    try:
        AdminClient({**admin_properties(config), **alone})
        Producer({**writer_properties(config, batching=True), **alone})
        Consumer({**reader_properties(config), **alone}).close()
    except KafkaException as exception:
        return _without_secrets(cause(exception).str(), config)
    return None


def _connect(admin: Admin, reported: list[KafkaError], timeout_seconds: float) -> Any | None:
    """Return the description of the cluster, or None when no broker answered in time."""
    deadline = time.monotonic() + timeout_seconds
    down_seen = False
    while time.monotonic() < deadline:
        admin.poll(0.05)  # serves error_cb
        try:
            admin.look_around(_LOOK_SECONDS)
        except KafkaException:
            # A name with two addresses reports the first as down before it tries the second: wait a little longer.
            if not down_seen and any(error.code() == KafkaError._ALL_BROKERS_DOWN for error in reported):
                down_seen = True
                deadline = min(deadline, time.monotonic() + _DOWN_GRACE_SECONDS)
            continue
        try:
            return _description(admin, timeout_seconds)
        except KafkaException as exception:
            reported.append(cause(exception))
            break
    admin.poll(0)
    return None


def _description(admin: Admin, timeout_seconds: float) -> Any | None:
    """Return the description of the cluster; None while it knows no broker, which would end the process, see topics."""
    if not admin.look_around(timeout_seconds):
        return None
    return admin.wait_for(admin.describe_cluster(include_authorized_operations=True, request_timeout=timeout_seconds))


def _unreachable(config: ClusterConfig, reported: list[KafkaError]) -> Finding:
    for code, cure in _CURES.items():
        told = [error.str() for error in reported if error.code() == code]
        if told:
            return lacks("connection", _without_secrets(told[-1], config), cure)
    detail = f"no broker answers at {', '.join(config.bootstrap_servers)}"
    return lacks("connection", detail, _CURES[KafkaError._TRANSPORT])


def _connected_as(config: ClusterConfig) -> str:
    protocol = config.properties.get("security.protocol", "plaintext").upper()
    mechanism = config.properties.get("sasl.mechanism") or config.properties.get("sasl.mechanisms")
    how = f"{protocol}, {mechanism}" if mechanism and protocol.startswith("SASL") else protocol
    return f"connected to {', '.join(config.bootstrap_servers)} ({how})"


def _reach(brokers: Sequence[tuple[int, str, int]]) -> Finding:
    """Whether every broker can be reached at the address that it gives to clients."""
    lost = []
    for number, host, port in brokers:
        try:
            socket.create_connection((host, port), timeout=_REACH_SECONDS).close()
        except OSError as error:
            lost.append(f"broker {number} at {host}:{port} ({error.strerror or error})")
    if lost:
        cure = "make these addresses reachable from here, or correct advertised.listeners on the brokers"
        return lacks("brokers", f"out of reach: {', '.join(lost)}", cure)
    listed = ", ".join(f"{number} at {host}:{port}" for number, host, port in brokers)
    return works("brokers", f"{_count(len(brokers), 'broker')}, all within reach: {listed}")


def _topics(admin: Admin, config: ClusterConfig, *, everything: bool, timeout_seconds: float) -> list[Finding]:
    """Look at the ACLs on every topic that the policy allows.

    Args:
        admin: connected.
        config: the cluster, with its policy.
        timeout_seconds: how long each answer may take.
        everything: the cluster lets the service do everything, so what it does not show does not exist.
    """
    patterns = config.policy.topics
    visible = set(admin.list_topics(timeout=timeout_seconds).topics) - INTERNAL_TOPICS
    allowed = sorted(name for name in visible if matches(name, patterns))
    named = sorted({pattern for pattern in patterns if not _WILDCARDS & set(pattern)} - visible)
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
        cure = _grant(config, missing, names if len(names) <= _GRANTED_TOPICS else None, allowed)
        findings.append(lacks("ACLs", f"{' and '.join(missing)} missing on {_listed(names)}", cure))
    if absent:
        findings.append(lacks("topics", f"not there: {_listed(absent)}", "create them, or correct the policy"))
    if not granted and not hidden and not absent:
        findings.append(_nothing_visible(config, everything=everything))
    elif not findings:
        words = ", ".join(_NEEDED)
        detail = f"{words} granted on {_listed(sorted(granted))}"
        findings.append(works("ACLs", detail))
    if config.policy.frozen:
        findings.append(works("policy", "frozen: every resend on this instance is refused"))
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


def _nothing_visible(config: ClusterConfig, *, everything: bool) -> Finding:
    wanted = ", ".join(config.policy.topics)
    if everything:
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
        if pattern == "*" or not _WILDCARDS & set(pattern):
            literal.append(pattern)
        elif not _WILDCARDS & set(stem):
            prefixed.append(stem)
        else:
            # No ACL says `orders.*.eu`: name the topics that there are, and a prefix only where there are none yet.
            there = [name for name in visible if matches(name, (pattern,))]
            before = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
            if there or not before:
                literal += there or ["*"]
            else:
                prefixed.append(before)
    return literal, prefixed


def _listed(names: Sequence[str]) -> str:
    named = ", ".join(repr(name) for name in names[:_NAMED_TOPICS])
    more = f" and {len(names) - _NAMED_TOPICS} more" if len(names) > _NAMED_TOPICS else ""
    return f"{'topic' if len(names) == 1 else 'topics'} {named}{more}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _without_secrets(text: str, config: ClusterConfig) -> str:
    """Hide the values of properties that may be secret: the library quotes a value that it cannot use."""
    for name, value in config.properties.items():
        if value and any(word in name for word in ("password", "secret", "token", "key", "pem", "oauthbearer", "jaas")):
            text = text.replace(value, "***")
    return text
