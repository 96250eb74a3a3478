"""One Kafka cluster as the service uses it: opened, asked, closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from threading import Event

from kafka.client.config import ClusterConfig
from kafka.cluster_watch import Availability, ClusterWatch
from kafka.consumers.passed import Copies
from kafka.consumers.service import GroupsFound
from kafka.jobs.idempotency.requests import Key
from kafka.jobs.service import Jobs
from kafka.jobs.store.client import StoreClient
from kafka.metadata.topic import Topic
from kafka.metadata.topic_listing import Listed
from kafka.model.records import Position, Record
from kafka.resend.read_queue import Partition
from kafka.resend.service import Resent
from kafka.search.histogram import Histogram
from kafka.search.selection import Continuation, DeadLettersQuery, GroupsPage, HistogramQuery, Page, Paging, Selection


class Cluster:
    """One Kafka cluster: open it once per event loop, resend and search, close it.

    While it is away, requests are refused at once; see ClusterWatch.

    Args:
        config: where it is, how to reach it, what may be done there.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        self._watch = ClusterWatch(config)

    async def open(self) -> None:
        """Start the clients and return after the first attempt to reach the cluster, successful or not.

        Raises:
            KafkaException: the configured properties are not valid.
        """
        await self._watch.open()

    async def close(self) -> None:
        """Refuse new requests, finish those in flight, then end the clients."""
        await self._watch.close()

    @property
    def availability(self) -> Availability:
        """Whether the cluster can be used now."""
        return self._watch.availability

    @property
    def held_back(self) -> frozenset[Partition]:
        """The partitions, by topic and number, where requests wait for an open transaction to end."""
        return self._watch.clients.reader.held_back

    @property
    def jobs(self) -> Jobs:
        """The jobs of the cluster."""
        return self._watch.clients.jobs

    @property
    def job_store(self) -> StoreClient | None:
        """What the jobs are kept in; None on the embedded broker."""
        return self._watch.clients.job_store

    async def resend(self, position: Position, consumer_key: str | None) -> Resent:
        """Write one copy of the record at exactly this position and return once it is acknowledged.

        Args:
            position: the record.
            consumer_key: the recipient; None leaves the headers alone.

        Raises:
            NothingWritten: one of its kinds, see kafka.model.errors.
            OutcomeUnknown: the copy may or may not have been written.
        """
        if self.availability.state != "closing":
            self.config.policy.require_resends()
            self.config.policy.require_recipient(consumer_key)
        clients = self._watch.clients
        with clients.admitted():
            deadline = time.monotonic() + self.config.limits.deadline_seconds
            return await clients.resender.resend(position, consumer_key, deadline)

    async def resend_once(self, position: Position, consumer_key: str | None, key: Key) -> tuple[Resent, bool]:
        """Have one copy written, and return where it is, and whether an earlier request has asked for it.

        Args:
            position: the record.
            consumer_key: the recipient; None leaves the headers alone.
            key: what came with the request.

        Raises:
            ResendError: see IdempotentResender.resend.
        """
        clients = self._watch.clients
        with clients.admitted():
            deadline = time.monotonic() + self.config.limits.deadline_seconds
            return await clients.idempotent_resender.resend(position, consumer_key, key, deadline)

    async def read(self, position: Position) -> tuple[Topic, Record]:
        """Return the committed record at exactly this position, and the facts of its topic.

        Raises:
            RecordUnavailable, HeaderNameNotUtf8, AccessDenied: there is none, or it cannot be read; see Reader.read.
            InternalTopic: it is nothing for callers.
            ClusterUnavailable, DeadlineExceeded: not now.
        """
        clients = self._watch.clients
        with clients.admitted():
            deadline = time.monotonic() + self.config.query.max_scan_seconds
            topic = await clients.query.readable(position.topic, deadline)
            topic.require_partition(position.partition)
            return topic, await clients.reader.read(position, topic, deadline)

    async def find(
        self, selection: Selection, paging: Paging, rest: Continuation | None, abandoned: Event, *, caller: str = ""
    ) -> Page:
        """Return a page of records; see Query.find."""
        clients = self._watch.clients
        with clients.admitted():
            return await clients.query.find(selection, paging, rest, abandoned, caller=caller)

    async def dead_letters(
        self, asked: DeadLettersQuery, rest: Continuation | None, abandoned: Event, *, caller: str = ""
    ) -> GroupsPage:
        """Return groups of a topic's records, by what their headers say of them; see Query.dead_letters."""
        clients = self._watch.clients
        with clients.admitted():
            return await clients.query.dead_letters(asked, rest, abandoned, caller=caller)

    async def histogram(self, asked: HistogramQuery, abandoned: Event, *, caller: str = "") -> Histogram:
        """Return how many records there are in each stretch of time; see Query.histogram."""
        clients = self._watch.clients
        with clients.admitted():
            return await clients.query.histogram(asked, abandoned, caller=caller)

    async def topics(
        self, wanted: Callable[[str], bool], offset: int, limit: int, *, caller: str = ""
    ) -> tuple[int, list[Listed]]:
        """Return how many topics are wanted, and some of them with their facts; see TopicListing.page."""
        clients = self._watch.clients
        with clients.admitted():
            return await clients.topic_listing.page(wanted, offset, limit, caller=caller)

    async def consumers_past(
        self, copies: Copies, topic_ids: Mapping[str, str], groups: Collection[str], abandoned: Event, *, caller: str
    ) -> GroupsFound:
        """Return how far consumer groups have committed relative to copies; see Consumers.past.

        Args:
            copies: of a job, or one.
            topic_ids: topics that must still be those of that id, by name; an empty id is any.
            groups: see there.
            abandoned: see there.
            caller: see there.

        Raises:
            InternalTopic, TopicMissing, PartitionMissing, TopicReplaced, AccessDenied: there are no such copies.
            TooManyScans, ClusterUnavailable, DeadlineExceeded: not now.
        """
        clients = self._watch.clients
        with clients.admitted():
            deadline = time.monotonic() + self.config.query.max_scan_seconds
            for name, topic_id in topic_ids.items():
                topic = await clients.query.readable(name, deadline)
                if topic_id:
                    topic.require_id(topic_id)
                for partition in copies.places.get(name, {}):
                    topic.require_partition(partition)
            return await clients.consumers.past(copies, groups, abandoned, caller=caller)

    async def consumers_of(self, topic: str, groups: Collection[str], abandoned: Event, *, caller: str) -> GroupsFound:
        """Return what consumer groups have committed in a topic; see consumers_past."""
        clients = self._watch.clients
        with clients.admitted():
            found = await clients.query.readable(topic, time.monotonic() + self.config.query.max_scan_seconds)
            partitions = [(topic, number) for number in range(found.partitions)]
            return await clients.consumers.of_topic(partitions, groups, abandoned, caller=caller)
