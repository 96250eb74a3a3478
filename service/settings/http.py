"""What a deployment can set of how requests come in, and who may send them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.http.server.limits import ConnectionLimits
from service.settings.about import About
from service.settings.values import Host, PathPrefix, Seconds, Whole

_LIMITS = ConnectionLimits()


# The values in an error may be secret.
SECTION = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Section(BaseModel):
    """A table of settings: an unknown one is refused."""

    model_config = SECTION


class HttpSettings(Section):
    """Where and how the HTTP API is served."""

    host: Annotated[
        Host,
        About(
            "Address to listen on. `0.0.0.0` and `::` are all addresses of the machine; with open access only a "
            "loopback address is taken.",
            "an IP address or a host name, without a port",
        ),
    ] = "127.0.0.1"
    port: Annotated[
        Whole,
        Field(ge=0, le=65535),
        About("TCP port to listen on; 0 takes any free one."),
    ] = 8080
    root_path: Annotated[
        PathPrefix,
        About(
            "Path prefix under which a proxy has the service, whether or not the proxy takes it away. It is put before "
            "the paths that the service makes, such as the `Location` of a job. Without it, `X-Forwarded-Prefix` is.",
            "nothing, or a path such as /kafka-resend; not below /v2",
        ),
    ] = ""
    workers: Annotated[
        Whole,
        Field(ge=1, le=256),
        About("Processes that serve. Each has its own connections to every cluster."),
    ] = 1
    max_body_bytes: Annotated[
        Whole,
        Field(ge=1024, le=16_777_216),
        About("How large the body of a request may be; a larger one gets a 413."),
    ] = 65536
    shutdown_seconds: Annotated[
        Whole,
        Field(ge=1, le=3600),
        About(
            "How long accepted requests may take after SIGTERM. More than every instance's `deadline_seconds`, and "
            "less than whatever kills the process waits."
        ),
    ] = 40
    max_head_bytes: Annotated[
        Whole,
        Field(ge=1024, le=16_777_216),
        About(
            "How large the head of a request may be: its address and its headers; a larger one gets a 431. The cursor "
            "of a search takes 15 to 30 bytes of it for each partition of the topic."
        ),
    ] = _LIMITS.max_head_bytes
    max_headers: Annotated[
        Whole,
        Field(ge=10, le=10_000),
        About("How many headers a request may have; more get a 431."),
    ] = _LIMITS.max_headers
    head_seconds: Annotated[
        Seconds,
        Field(ge=0.1, le=3600),
        About(
            "How long the head of a request may take: from the start of a connection, or the first byte of a further "
            "request on it. Then a 408, or for a connection without a byte just its end."
        ),
    ] = _LIMITS.head_seconds
    body_seconds: Annotated[
        Seconds,
        Field(ge=0.1, le=3600),
        About("How long the body of a request may take from the end of the head; then a 408."),
    ] = _LIMITS.body_seconds
    idle_seconds: Annotated[
        Seconds,
        Field(ge=0.1, le=3600),
        About(
            "How long a connection is kept between two requests, and with an answer of which the client takes nothing. "
            "More than a proxy in front keeps it: it would use one that is closed just then."
        ),
    ] = _LIMITS.idle_seconds
    max_connections: Annotated[
        Whole,
        Field(ge=1, le=30_000),
        About(
            "How many connections a process may have; more get a 503 and are closed. Never more than half of the files "
            "that it may open (`ulimit -Hn`): the others are for Kafka's connections."
        ),
    ] = _LIMITS.max_connections
    max_connections_per_address: Annotated[
        Whole,
        Field(ge=1, le=30_000),
        About(
            "How many of them may be of one address, for IPv6 of one network of 64 bits. All that come through a proxy "
            "have its address: where only proxies connect, set it to `max_connections`, and have them limit their "
            "clients."
        ),
    ] = _LIMITS.max_connections_per_address

    def connection_limits(self) -> ConnectionLimits:
        """Return what a connection may take, and how many there may be."""
        return ConnectionLimits(**self.model_dump(include={limit.name for limit in fields(ConnectionLimits)}))


class AuthSettings(Section):
    """Who may call. Exactly one of the first three must be set."""

    allow_anonymous: Annotated[
        bool,
        About(
            "Everybody may do everything. Only with a loopback `http.host`; requests still need an `X-Auth-Token` "
            "header, of any value, and a loopback `Host`."
        ),
    ] = False
    callers_file: Annotated[
        Path | None,
        About(
            "File with the callers, see [callers.md](callers.md). Read again when it changes. In the TOML file a "
            "relative path starts at that file's folder.",
            "the path of a callers file",
        ),
    ] = None
    token_digest: Annotated[
        Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")] | None,
        Field(repr=False),
        About(
            "SHA-256 digest of the token of the only caller, named `default`, who may do everything.",
            "the SHA-256 digest of a token in 64 hexadecimal digits, as `kafka-resend token` prints it",
        ),
    ] = None
    max_wrong_tokens: Annotated[
        Whole,
        Field(ge=1, le=1_000_000),
        About(
            "How many wrong tokens an address may send before its further ones are answered later and later, with a "
            "429; right ones are always taken. See [callers.md](callers.md#wrong-tokens)."
        ),
    ] = 20
