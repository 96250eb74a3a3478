"""All that serves one cluster, on one set of clients: opened together, closed together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.jobs.idempotency.resender import IdempotentResender
from kafka.jobs.service import Jobs
from kafka.jobs.spec import Planner
from kafka.jobs.store.client import StoreClient
from kafka.metadata.lookup import AdminLookup, EmbeddedLookup, Lookup
from kafka.metadata.offsets import AdminOffsets, EmbeddedOffsets, Offsets
from kafka.metadata.probe import LeaderProbe, Probe
from kafka.metadata.topic_listing import AdminTopicList, EmbeddedTopicList, TopicListing
from kafka.metadata.topics import Topics
from kafka.model.errors import ClusterAway, DeadlineExceeded, OutcomeUnknown
from kafka.resend.reader import Reader
from kafka.resend.service import Preparer, Resender
from kafka.resend.writer import Writer
from kafka.search.query import Query


class ClientSet:
    """What the requests to a cluster are carried out with.

    Belongs to the event loop that made it.

    Args:
        config: the cluster.
        require_open: raises if no request can be served now.

    Attributes:
        probe: finds out whether the cluster can be used.
        errors: what the clients report of their connections.
        job_store: what jobs, and requests with an Idempotency-Key, are kept in; None on the embedded broker.
        reader, resender, idempotent_resender, query, topic_listing, jobs: what carries requests out.
        unanswered: how many requests got no answer since the last one that succeeded; where brokers do answer, the
            clients may be to blame.

    Raises:
        KafkaException: the configured properties are not valid.
    """

    def __init__(self, config: ClusterConfig, require_open: Callable[[], None]) -> None:
        self._require_open = require_open
        self.unanswered = 0
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.errors = ConnectionErrors()
        self.probe: Probe
        offsets, admin = self._open_lookups(config)
        self._topics = Topics(self._lookup)
        self.reader = Reader(config, self.errors)
        self._writer = Writer(config, self.errors)
        preparer = Preparer(config.policy, self._topics, self.reader)
        self.resender = Resender(config, preparer, self._writer)
        self.query = Query(config, self._topics, offsets)
        planner = Planner(config, self._topics, offsets)
        self.job_store = None if admin is None else StoreClient(config, admin, self._writer)
        self.jobs = Jobs(config, planner, self.job_store, self.admitted)
        self.idempotent_resender = IdempotentResender(config, self.job_store, preparer)

    def _open_lookups(self, config: ClusterConfig) -> tuple[Offsets, Admin | None]:
        """Make the one client that answers what does not take records, and all that asks by it."""
        self._lookup: Lookup
        if config.embedded:
            embedded = EmbeddedLookup(config)
            self._lookup = self.probe = embedded
            embedded_offsets = EmbeddedOffsets(embedded.consumer)
            self.topic_listing = TopicListing(EmbeddedTopicList(config, embedded.consumer), embedded_offsets)
            return embedded_offsets, None
        real = AdminLookup(config, self.errors)
        self._lookup = real
        self.probe = LeaderProbe(real.admin, self.errors)
        offsets = AdminOffsets(real.admin)
        self.topic_listing = TopicListing(AdminTopicList(config, real.admin), offsets)
        return offsets, real.admin

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count a request as in flight, unless it cannot be served now.

        Raises:
            ClusterAway: with the most telling reason that the clients have reported.
        """
        self._require_open()
        self._in_flight += 1
        self._idle.clear()
        try:
            yield
        except ClusterAway as error:
            self.unanswered += 1
            explained = self.errors.explain(error)
            if explained is error:
                raise
            raise explained from error
        except (DeadlineExceeded, OutcomeUnknown):
            self.unanswered += 1
            raise
        else:
            self.unanswered = 0
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def idle(self) -> None:
        """Wait until no request is in flight."""
        await self._idle.wait()

    async def close(self) -> None:
        """Finish the requests in flight, then end the clients in the order of a record's way."""
        await self.idle()
        if self.job_store is not None:
            await self.job_store.close()
        await self.query.close()
        await self._topics.close()
        await self.reader.close()
        await self._writer.close()
        self._lookup.close()
