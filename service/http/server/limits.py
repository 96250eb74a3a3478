"""What a connection may take."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

_log = structlog.get_logger("service")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a connection may take, before its caller is known.

    Attributes:
        max_head_bytes: size of a request's head: the address and all headers.
        max_headers: how many headers a request may have.
        head_seconds: from the connection's start, or a further request's first byte, to the end of the head.
        body_seconds: from the end of the head to the end of the body.
        idle_seconds: between two requests, and without a byte of the answer being taken.
        max_connections: how many there may be at once.
        max_connections_per_address: how many of one address; of IPv6 the first 64 bits are one.
    """

    max_head_bytes: int = 131_072
    max_headers: int = 100
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    idle_seconds: float = 75.0
    max_connections: int = 1000
    max_connections_per_address: int = 500

    def within(self, descriptors: int) -> ConnectionLimits:
        """Return the same with no more connections than half of the descriptors.

        The other half is kept for Kafka's connections and for files: what was accepted can be carried out.

        Args:
            descriptors: how many files the process may open.
        """
        allowed = min(self.max_connections, descriptors // 2)
        if allowed == self.max_connections:
            return self
        _log.warning("limit of open files is low: fewer connections than set", files=descriptors, connections=allowed)
        of_one = max(1, self.max_connections_per_address * allowed // self.max_connections)
        return replace(self, max_connections=allowed, max_connections_per_address=of_one)
