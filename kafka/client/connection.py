"""What clients report of their connections to brokers, and which of it best explains why a cluster cannot be used."""

from __future__ import annotations

import re
import time
from threading import Lock

from confluent_kafka import KafkaError

from kafka.model.errors import AwayKind, ClusterAway
from kafka.model.translation import away_kind

_KEPT_SECONDS = 60.0
"""How long an error explains anything. The library reports the same one of a broker again after 30 s."""

_TELLING: tuple[AwayKind, ...] = ("credentials", "tls", "controller", "unresolved", "unreachable")
"""The most telling first: while one address refuses the password, another one may only be slow."""

_CONNECTION = re.compile(r"(?:\S+://)?(?P<host>\S+):(?P<port>[0-9]+)/(?P<broker>[0-9]+|bootstrap): ")
"""How the library begins what it says of one connection: a broker has a number once it is known from the metadata."""

_BROKEN = frozenset({KafkaError._TRANSPORT, KafkaError._TIMED_OUT})


class ConnectionErrors:
    """An error_cb that remembers what was last reported, of each kind. Any thread may call it.

    Several clients of a cluster report to one of these: which of them needs a broker, and so notices that it cannot be
    reached, is a matter of chance.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: dict[tuple[AwayKind, bool], tuple[float, str]] = {}
        self._used = False

    def __call__(self, error: KafkaError) -> None:
        """Take an error; one that says nothing of a single connection explains nothing."""
        kind = away_kind(error)
        connection = _CONNECTION.match(error.str())
        if kind is None and (connection is None or error.code() not in _BROKEN):
            return
        advertised = connection is not None and connection["broker"] != "bootstrap"
        with self._lock:
            self._last[kind or "unreachable", advertised] = (time.monotonic(), f"{error.name()}: {error.str()}")

    def used(self) -> None:
        """Take note that the clients could use the cluster."""
        self._used = True

    def forget(self) -> None:
        """Forget all: the cluster can be used."""
        with self._lock:
            self._last.clear()

    def explain(self, error: ClusterAway) -> ClusterAway:
        """Return the error with the most telling reason that there is, or as it is."""
        if error.kind not in (None, "advertised"):
            return error
        oldest = time.monotonic() - _KEPT_SECONDS
        with self._lock:
            last = {key: text for key, (at, text) in self._last.items() if at >= oldest}
        # Where metadata is answered, only what happens at the advertised addresses is in the way. So it is where new
        # clients know such addresses and no bootstrap server failed: librdkafka gives these up as soon as one has
        # answered, and again whenever it has come back to them, so that a request for metadata may lose that race.
        bootstrapped = not self._used and all(advertised for _, advertised in last)
        only_advertised = error.kind == "advertised" or bootstrapped
        for kind in _TELLING:
            text = last.get((kind, True)) or (None if only_advertised else last.get((kind, False)))
            if text is not None:
                at_address = only_advertised and kind in ("unresolved", "unreachable")
                return ClusterAway(text, "advertised" if at_address else kind)
        return error


def advertised_address(error: KafkaError) -> tuple[int, str, int] | None:
    """Return number, host and port of the broker whose advertised address an error names, or None if it names none."""
    connection = _CONNECTION.match(error.str())
    if connection is None or connection["broker"] == "bootstrap":
        return None
    return int(connection["broker"]), connection["host"].strip("[]"), int(connection["port"])
