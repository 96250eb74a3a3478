"""Opens and closes all that serves one Kafka cluster, and knows whether the cluster answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Literal

from kafka.admin import Admin
from kafka.catalogue import AdminTopicList, Catalogue, EmbeddedTopicList, Listed
from kafka.clients import log
from kafka.config import ClusterConfig
from kafka.errors import Closing, ClusterAway, InstanceFrozen
from kafka.jobs.jobs import Jobs
from kafka.jobs.keyed import Key
from kafka.jobs.keyed_resender import KeyedResender
from kafka.jobs.wish import Planner
from kafka.offsets import AdminOffsets, EmbeddedOffsets, Offsets
from kafka.query import Bucket, Page, Paging, Query, Rest, Selection
from kafka.reader import Reader
from kafka.records import Position, Record
from kafka.resend import Preparer, Resender, Resent
from kafka.topics import AdminLookup, EmbeddedLookup, Lookup, Topic, Topics
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
    """One Kafka cluster: open it once per event loop, resend and search, close it.

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
        self._open_lookups()
        self._topics = Topics(self._lookup)
        self._reader = Reader(self.config)
        self._writer = Writer(self.config)
        preparer = Preparer(self.config.policy, self._topics, self._reader)
        self._resender = Resender(self.config, preparer, self._writer)
        self._query = Query(self.config, self._topics, self._offsets)
        planner = Planner(self.config, self._topics, self._offsets)
        self.jobs = Jobs(self.config, planner, self._writer, self._admin, self._admitted)
        self._keyed_resender = KeyedResender(self.config, self.jobs, preparer)
        await self._probe()
        self._watch = asyncio.create_task(self._keep_probing(), name=f"{self.config.name} probe")

    def _open_lookups(self) -> None:
        """Make the one client that answers what does not take records, and all that asks by it."""
        self._admin: Admin | None
        self._lookup: Lookup
        self._offsets: Offsets
        if self.config.embedded:
            embedded = EmbeddedLookup(self.config)
            self._admin = None
            self._lookup, self._offsets = embedded, EmbeddedOffsets(embedded.consumer)
            self._catalogue = Catalogue(EmbeddedTopicList(embedded.consumer), self._offsets)
        else:
            real = AdminLookup(self.config)
            self._admin = real.admin
            self._lookup, self._offsets = real, AdminOffsets(real.admin)
            self._catalogue = Catalogue(AdminTopicList(real.admin), self._offsets)

    async def resend(self, position: Position, consumer_key: str | None) -> Resent:
        """Write one copy of the record at exactly this position and return once it is acknowledged.

        Args:
            position: the record.
            consumer_key: whom the copy is for; None leaves the headers alone.

        Raises:
            NothingWritten: one of its kinds, see kafka.errors.
            OutcomeUnknown: the copy may or may not have been written.
        """
        if self.config.policy.frozen and self._availability.state != "closing":
            raise InstanceFrozen
        with self._admitted():
            deadline = time.monotonic() + self.config.limits.deadline_seconds
            return await self._resender.resend(position, consumer_key, deadline)

    async def resend_once(self, position: Position, consumer_key: str | None, key: Key) -> tuple[Resent, bool]:
        """Have one copy written, and return where it stands, and whether an earlier request has asked for it.

        Args:
            position: the record.
            consumer_key: whom the copy is for; None leaves the headers alone.
            key: what came with the request.

        Raises:
            ResendError: see KeyedResender.resend.
        """
        with self._admitted():
            deadline = time.monotonic() + self.config.limits.deadline_seconds
            return await self._keyed_resender.resend(position, consumer_key, key, deadline)

    async def read(self, position: Position) -> tuple[Topic, Record]:
        """Return the committed record at exactly this position, and the facts of its topic.

        Raises:
            RecordUnavailable, HeaderNameNotUtf8, AccessDenied: there is none, or it cannot be read; see Reader.read.
            ClusterUnavailable, DeadlineExceeded: not now.
        """
        with self._admitted():
            deadline = time.monotonic() + self.config.query.max_scan_seconds
            topic = await self._query.describe(position.topic, deadline)
            topic.require_partition(position.partition)
            return topic, await self._reader.read(position, topic, deadline)

    async def find(self, selection: Selection, paging: Paging, rest: Rest | None, abandoned: Event) -> Page:
        """Return a page of records; see Query.find."""
        with self._admitted():
            return await self._query.find(selection, paging, rest, abandoned)

    async def histogram(
        self, topic: str, partition: int | None, times_ms: tuple[int, int], buckets: int
    ) -> list[Bucket]:
        """Return about how many records there are in each stretch of time; see Query.histogram."""
        with self._admitted():
            return await self._query.histogram(topic, partition, times_ms, buckets)

    async def topics(self, wanted: Callable[[str], bool], offset: int, limit: int) -> tuple[int, list[Listed]]:
        """Return how many topics are wanted, and some of them with their facts; see Catalogue.page."""
        with self._admitted():
            return await self._catalogue.page(wanted, offset, limit)

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        """Count a request as in flight, unless it cannot be served now."""
        availability = self._availability
        if availability.state == "closing":
            raise Closing
        if availability.state != "ready":
            raise ClusterAway(availability.reason or availability.state)
        self._in_flight += 1
        self._idle.clear()
        try:
            yield
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
        await self.jobs.close()
        await self._query.close()
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
