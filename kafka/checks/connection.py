"""Whether a cluster can be reached: its bootstrap servers, then the addresses that its brokers advertise."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException

from kafka.checks.results import Finding, lacks, works
from kafka.client.admin import Admin
from kafka.client.bootstrap import controllers_among, without
from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors, advertised_address
from kafka.client.secrets import secrets_of
from kafka.metadata.probe import away
from kafka.model.errors import AwayKind, ClusterAway

_REMEDIES: dict[AwayKind | None, str] = {
    "credentials": "check sasl.mechanism, sasl.username and sasl.password",
    "tls": "check ssl.ca.location, and that the certificates of the brokers name the hosts in bootstrap_servers",
    "unresolved": "check the names in bootstrap_servers, and the name service of this machine",
    "controller": "name brokers in bootstrap_servers, not the listeners of KRaft controllers",
    "advertised": "make these addresses reachable from here, or correct advertised.listeners on the brokers",
}
"""What to check, for each kind of reason why a cluster is away."""

_CERTIFICATE_REFUSED = (
    "the broker refuses the client's certificate: check that ssl.certificate.location and ssl.key.location (or "
    "ssl.keystore.location) are set, that the certificate has not expired, and that the brokers trust its issuer"
)
_ADDRESSES = (
    "check the addresses in bootstrap_servers from this machine, and that security.protocol is the listener's: "
    "a listener of another protocol ends the connection silently"
)
_Broker = tuple[int, str, int]
"""Number, host and port."""

_DOWN_GRACE_SECONDS = 1.5
_REACH_SECONDS = 2.0
_LOOK_SECONDS = 0.25


class Unreachable(Exception):
    """The cluster cannot be asked for anything.

    Attributes:
        findings: what was found until then; the last one says why.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings[-1].detail)
        self.findings = tuple(findings)


def diagnose_connection(config: ClusterConfig, timeout_seconds: float) -> tuple[list[Finding], Admin]:
    """Return what was found, and a client that is connected.

    Args:
        config: the cluster.
        timeout_seconds: how long the connection, and then each answer, may take.

    Raises:
        Unreachable: there is no connection.
    """
    controllers = controllers_among(config, timeout_seconds)
    findings = [_controllers(controllers)] if controllers else []
    errors = ConnectionErrors()
    down: list[KafkaError] = []
    failed: dict[int, _Broker] = {}

    def report(error: KafkaError) -> None:
        errors(error)
        if (broker := advertised_address(error)) is not None:
            failed[broker[0]] = broker
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            down.append(error)

    admin = Admin(without(config, controllers), report)
    try:
        brokers = _connect(admin, down, failed, timeout_seconds)
    except ClusterAway as found:
        admin.poll(0)
        raise Unreachable([*findings, _unreachable(config, errors.explain(found))]) from found
    findings.append(works("connection", _connected_as(config)))
    lost = _lost(brokers)
    findings.append(_reach(brokers, lost))
    if len(lost) == len(brokers):
        # All the rest only brokers can answer.
        raise Unreachable(findings)
    return findings, admin


def _connect(
    admin: Admin, down: Sequence[KafkaError], failed: Mapping[int, _Broker], timeout_seconds: float
) -> Sequence[_Broker]:
    """Return all brokers, as the metadata has them.

    librdkafka asks for metadata by itself as soon as it is connected, and gives the bootstrap servers up once that is
    answered. When no address in that answer can be reached, a request that was not quicker is never answered: then
    those are returned whose connection failed, as its names are all that is known.

    Args:
        admin: a new client.
        down: errors that say that no broker is connected; the client adds to them.
        failed: brokers whose connection failed at the address that they advertise, by number; the client adds to them.
        timeout_seconds: how long it may take.

    Raises:
        ClusterAway: no broker answered in time, or none is named.
    """
    deadline = time.monotonic() + timeout_seconds
    down_seen = False
    found = ClusterAway("_TIMED_OUT")
    while time.monotonic() < deadline:
        admin.poll(0.05)  # serves error_cb
        try:
            brokers = admin.brokers(_LOOK_SECONDS)
        except KafkaException as exception:
            found = away(exception)
            if failed and len(_lost(tuple(failed.values()))) == len(failed):
                return sorted(failed.values())
            # A name with two addresses reports the first as down before it tries the second: wait a little longer.
            if not down_seen and down:
                down_seen = True
                deadline = min(deadline, time.monotonic() + _DOWN_GRACE_SECONDS)
            if found.kind == "controller":
                break
        else:
            if brokers:
                return brokers
            found = ClusterAway("the cluster's metadata names no broker", "unreachable")
    raise found


def _controllers(servers: frozenset[str]) -> Finding:
    detail = f"no broker, but a KRaft controller, which answers no client: {', '.join(sorted(servers))}"
    return lacks("bootstrap_servers", detail, _REMEDIES["controller"])


def _unreachable(config: ClusterConfig, away: ClusterAway) -> Finding:
    remedy = _REMEDIES.get(away.kind, _ADDRESSES)
    if away.kind == "tls" and "SSL alert number" in away.reason:
        remedy = _CERTIFICATE_REFUSED
    if away.kind is None:
        return lacks("connection", f"no broker answers at {', '.join(config.bootstrap_servers)}", remedy)
    # Without the name of the error, which is of use to programs.
    return lacks("connection", secrets_of(config).mask(away.reason.partition(": ")[2] or away.reason), remedy)


def _connected_as(config: ClusterConfig) -> str:
    protocol = config.properties.get("security.protocol", "plaintext").upper()
    mechanism = config.properties.get("sasl.mechanism") or config.properties.get("sasl.mechanisms")
    how = f"{protocol}, {mechanism}" if mechanism and protocol.startswith("SASL") else protocol
    return f"connected to {', '.join(config.bootstrap_servers)} ({how})"


def _lost(brokers: Sequence[_Broker]) -> list[str]:
    """Return the brokers that cannot be reached at the address that they give to clients, each with the reason."""
    lost = []
    for number, host, port in brokers:
        try:
            socket.create_connection((host, port), timeout=_REACH_SECONDS).close()
        except OSError as error:
            lost.append(f"broker {number} at {host}:{port} ({error.strerror or error})")
    return lost


def _reach(brokers: Sequence[_Broker], lost: Sequence[str]) -> Finding:
    if lost:
        return lacks("brokers", f"out of reach: {', '.join(lost)}", _REMEDIES["advertised"])
    listed = ", ".join(f"{number} at {host}:{port}" for number, host, port in brokers)
    count = f"{len(brokers)} broker{'' if len(brokers) == 1 else 's'}"
    return works("brokers", f"{count}, all within reach: {listed}")
