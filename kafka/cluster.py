"""Opens and closes all that serves one Kafka cluster, and knows whether the cluster answers."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Literal

from kafka.clients import log
from kafka.config import ClusterConfig
from kafka.errors import Closing, ClusterAway, InstanceFrozen
from kafka.reader import Reader
from kafka.records import Position
from kafka.resend import Resender, Resent
from kafka.topics import AdminLookup, EmbeddedLookup, Lookup, Topics
from kafka.waiting import Partition
from kafka.writer import Writer

_PROBE_SECONDS = 2.0
_PROBE_AWAY_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a cluster can be used.

    Attributes:
        state: `opening` before the first attempt to reach it, `ready`, `away`, or `closing`.
        reason: why it is away, in the client library's words; holds addresses, no secrets.
    """

    state: Literal["opening", "ready", "away", "closing"]
    reason: str | None = None


class Cluster:
    """One Kafka cluster: open it once per event loop, resend, close it.

    A cluster that is away is refused at once and found again by itself.

    Args:
        config: where it is, how to reach it, what may be done there.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        self._availability = Availability("opening")
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def availability(self) -> Availability:
        """Whether the cluster can be used now."""
        return self._availability

    @property
    def held_back(self) -> frozenset[Partition]:
        """The partitions, by topic and number, where requests wait for an open transaction to end."""
        return self._reader.held_back

    async def open(self) -> None:
        """Start the clients and return after the first attempt to reach the cluster, successful or not.

        Raises:
            KafkaException: the configured properties are not valid.
        """
        lookup: type[AdminLookup | EmbeddedLookup] = EmbeddedLookup if self.config.embedded else AdminLookup
        self._lookup: Lookup = lookup(self.config)
        self._topics = Topics(self._lookup)
        self._reader = Reader(self.config)
        self._writer = Writer(self.config)
        self._resender = Resender(self.config, self._topics, self._reader, self._writer)
        await self._probe()
        self._watch = asyncio.create_task(self._keep_probing(), name=f"{self.config.name} probe")

    async def resend(self, position: Position, consumer_key: str | None) -> Resent:
        """Write one copy of the record at exactly this position and return once it is acknowledged.

        Args:
            position: the record.
            consumer_key: whom the copy is for; None leaves the headers alone.

        Raises:
            NothingWritten: one of its kinds, see kafka.errors.
            OutcomeUnknown: the copy may or may not have been written.
        """
        availability = self._availability
        if availability.state == "closing":
            raise Closing
        if self.config.policy.frozen:
            raise InstanceFrozen
        if availability.state != "ready":
            raise ClusterAway(availability.reason or availability.state)
        self._in_flight += 1
        self._idle.clear()
        try:
            deadline = time.monotonic() + self.config.limits.deadline_seconds
            return await self._resender.resend(position, consumer_key, deadline)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def close(self) -> None:
        """Refuse new requests, finish those in flight, then end the clients in the order of a record's way."""
        self._availability = Availability("closing")
        await self._idle.wait()
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)
        await self._topics.close()
        await self._reader.close()
        await self._writer.close()
        self._lookup.close()

    async def _keep_probing(self) -> None:
        while True:
            away = self._availability.state == "away"
            await asyncio.sleep(_PROBE_AWAY_SECONDS if away else _PROBE_SECONDS)
            await self._probe()

    async def _probe(self) -> None:
        try:
            await self._lookup.probe(_PROBE_SECONDS)
        except ClusterAway as error:
            found = Availability("away", error.reason)
        else:
            found = Availability("ready")
        if self._availability.state == "closing":
            return
        if found.state != self._availability.state:
            log.log(
                logging.INFO if found.state == "ready" else logging.ERROR,
                "%s: %s%s",
                self.config.name,
                found.state,
                f": {found.reason}" if found.reason else "",
            )
        self._availability = found
