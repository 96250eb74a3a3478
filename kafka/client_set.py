"""All that serves one cluster, on one set of clients: opened together, closed together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.consumers.service import Consumers
from kafka.demo.metadata import EmbeddedMetadata
from kafka.jobs.idempotency.resender import IdempotentResender
from kafka.jobs.service import Jobs
from kafka.jobs.spec import Planner
from kafka.jobs.store.client import StoreClient
from kafka.metadata.kafka_metadata import KafkaMetadata
from kafka.metadata.protocol import Metadata
from kafka.metadata.topic_listing import TopicListing
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
        metadata: what the cluster knows, and whether it can be used.
        errors: what the clients report of their connections.
        job_store: what jobs, and requests with an Idempotency-Key, are kept in; None on the embedded broker.
        reader, resender, idempotent_resender, query, topic_listing, consumers, jobs: what carries requests out.
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
        real = None if config.embedded else KafkaMetadata(config, self.errors)
        self.metadata: Metadata = real or EmbeddedMetadata(config)
        self._topics = Topics(self.metadata)
        self.reader = Reader(config, self.errors)
        self._writer = Writer(config, self.errors)
        preparer = Preparer(config.policy, self._topics, self.reader)
        self.resender = Resender(config, preparer, self._writer)
        self.query = Query(config, self._topics, self.metadata)
        self.topic_listing = TopicListing(self.metadata)
        self.consumers = Consumers(config, self.metadata, None if real is None else real.admin)
        planner = Planner(config, self._topics, self.metadata)
        self.job_store = None if real is None else StoreClient(config, real, self._writer)
        self.jobs = Jobs(config, planner, self.job_store, self.admitted)
        self.idempotent_resender = IdempotentResender(config, self.job_store, preparer)

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
        await self.consumers.close()
        await self._topics.close()
        await self.reader.close()
        await self._writer.close()
        self.metadata.close()
