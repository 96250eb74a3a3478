"""What `kafka-resend check` tells of a cluster: one finding for each thing it has looked at."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kafka.client.config import ClusterConfig


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what was looked at, such as `connection`.
        ok: whether the service can work with it as it is.
        detail: what was found; addresses and topic names, never secrets.
        remedy: what to do, one line or several; None where nothing is to be done.
        unseen: it could not be found out: not known to be missing, so `ok` is true.
    """

    subject: str
    ok: bool
    detail: str
    remedy: str | None = None
    unseen: bool = False


def works(subject: str, detail: str) -> Finding:
    """Return that all is well with a subject."""
    return Finding(subject, ok=True, detail=detail)


def lacks(subject: str, detail: str, remedy: str) -> Finding:
    """Return what is missing, and what to do about it."""
    return Finding(subject, ok=False, detail=detail, remedy=remedy)


def grant_command(
    config: ClusterConfig, option: str, names: Sequence[str], operations: Sequence[str], *, prefixed: bool = False
) -> str:
    """Return the kafka-acls.sh command that grants operations to the service's Kafka user.

    Args:
        config: the cluster.
        option: the kind of resource, as an option of kafka-acls.sh, such as `--topic`.
        names: the resources.
        operations: in Kafka's words.
        prefixed: the names are beginnings of names.
    """
    words = ["kafka-acls.sh", *admin_options(config), "--add", "--allow-principal", _principal(config)]
    words += [word for operation in operations for word in ("--operation", operation)]
    words += [word for name in names for word in (option, name)]
    words += ["--resource-pattern-type", "prefixed"] if prefixed else []
    return shlex.join(words)


def admin_options(config: ClusterConfig) -> list[str]:
    """Return the options by which Kafka's own commands connect to the cluster."""
    return ["--bootstrap-server", ",".join(config.bootstrap_servers), "--command-config", "admin.properties"]


def _principal(config: ClusterConfig) -> str:
    protocol = config.properties.get("security.protocol", "plaintext").lower()
    name = config.properties.get("sasl.username")
    if protocol.startswith("sasl") and name:
        return f"User:{name}"
    # With a certificate, a Kerberos ticket or a token the brokers alone know what they call the service.
    return "User:ANONYMOUS" if protocol == "plaintext" else "User:<the name that the brokers give this service>"
