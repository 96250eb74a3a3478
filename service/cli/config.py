"""`kafka-resend config`: the settings in effect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import PurePath

from pydantic import BaseModel

from service.cli.terminal import output, settings_or_exit

SHOWN_SETTINGS = frozenset(
    {
        "http.host",
        "http.port",
        "http.root_path",
        "http.workers",
        "http.max_body_bytes",
        "http.max_head_bytes",
        "http.max_headers",
        "http.head_seconds",
        "http.body_seconds",
        "http.idle_seconds",
        "http.max_connections",
        "http.max_connections_per_address",
        "http.shutdown_seconds",
        "auth.allow_anonymous",
        "auth.callers_file",
        "auth.max_wrong_tokens",
        "instances.bootstrap_servers",
        "instances.projects",
        "instances.policy.topics",
        "instances.policy.allow_compacted",
        "instances.policy.timestamp",
        "instances.policy.read_only",
        "instances.policy.consumer_keys",
        "instances.policy.max_resends",
        "instances.limits.deadline_seconds",
        "instances.limits.delivery_timeout_seconds",
        "instances.limits.max_queued_requests",
        "instances.limits.readers",
        "instances.limits.max_in_flight_per_reader",
        "query.max_scan_records",
        "query.max_scan_seconds",
        "query.max_concurrent_scans",
        "query.max_value_bytes",
        "jobs.worker",
        "jobs.topic",
        "jobs.group",
        "jobs.transactional_prefix",
        "jobs.partitions",
        "jobs.batch_records",
        "jobs.idempotency_retention_seconds",
        "jobs.retention_seconds",
        "jobs.max_records",
        "jobs.read_ahead_mb",
        "redrive.dialects.topic",
        "redrive.dialects.partition",
        "redrive.dialects.offset",
        "redrive.dialects.numbers",
        "redrive.dialects.reason",
        "redrive.dialects.message",
        "redrive.dialects.group",
        "redrive.dialects.required",
        "redrive.dialects.remove",
        "log.format",
        "log.level",
    }
)
"""Settings whose values may be printed. A setting that is new is hidden until it is added here."""

SHOWN_PROPERTIES = frozenset(
    {
        "broker.address.family",
        "client.id",
        "client.rack",
        "compression.codec",
        "compression.level",
        "compression.type",
        "connections.max.idle.ms",
        "debug",
        "enable.ssl.certificate.verification",
        "linger.ms",
        "log_level",
        "message.max.bytes",
        "metadata.max.age.ms",
        "reconnect.backoff.max.ms",
        "reconnect.backoff.ms",
        "request.timeout.ms",
        "sasl.kerberos.service.name",
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.oauthbearer.method",
        "security.protocol",
        "socket.connection.setup.timeout.ms",
        "socket.keepalive.enable",
        "socket.timeout.ms",
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.cipher.suites",
        "ssl.endpoint.identification.algorithm",
        "ssl.key.location",
        "ssl.keystore.location",
    }
)
"""Properties of librdkafka whose values may be printed. Not sasl.username: for some clouds that is half of a secret."""

HIDDEN = '"(set)"'


def config_command() -> None:
    """Print the settings in effect as TOML, with defaults and with all that may be secret hidden.

    Values come from RESEND_* variables, else from the TOML file that RESEND_CONFIG names, else they are defaults and
    marked so. The short form for one cluster, RESEND_KAFKA__..., is shown as the instance that it makes. A hidden value
    is shown as "(set)".
    """
    settings = settings_or_exit()
    console = output()
    tables: list[tuple[str, str, BaseModel]] = [("http", "http", settings.http), ("auth", "auth", settings.auth)]
    for name, instance in settings.all_instances().items():
        tables.append((f"instances.{_key(name)}", "instances", instance))
    tables += [("query", "query", settings.query), ("jobs", "jobs", settings.jobs)]
    for name, dialect in settings.redrive.dialects.items():
        tables.append((f"redrive.dialects.{_key(name)}", "redrive.dialects", dialect))
    tables.append(("log", "log", settings.log))
    lines = [line for heading, kind, section in tables for line in _table(heading, kind, section)]
    console.print("\n".join(lines).lstrip("\n"), markup=False)


def _table(heading: str, kind: str, section: BaseModel) -> Iterator[str]:
    """Yield the lines of a section and of those inside it.

    Args:
        heading: of the table.
        kind: how the list of what may be shown calls it.
        section: the settings.
    """
    yield ""
    yield f"[{heading}]"
    inner: list[tuple[str, BaseModel | Mapping[str, str]]] = []
    for key in type(section).model_fields:
        value = getattr(section, key)
        if isinstance(value, BaseModel | Mapping):
            inner.append((key, value))
        elif (kind, key) != ("instances", "id"):
            # The id of the short form is in the heading.
            text = f"{key} = {_toml(value) if f'{kind}.{key}' in SHOWN_SETTINGS else HIDDEN}"
            default = "" if key in section.model_fields_set else "  # default"
            yield f"# {key} is not set" if value is None else text + default
    for key, value in inner:
        if isinstance(value, BaseModel):
            yield from _table(f"{heading}.{key}", f"{kind}.{key}", value)
        elif value:
            yield ""
            yield f"[{heading}.{key}]"
            for name in sorted(value):
                yield f"{_toml(name)} = {_toml(value[name]) if name in SHOWN_PROPERTIES else HIDDEN}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(value: object) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, PurePath):
        value = str(value)
    return json.dumps(value, ensure_ascii=False)
