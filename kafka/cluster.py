"""Opens and closes all that serves one Kafka cluster, and knows whether the cluster answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Literal

from kafka.client.bootstrap import without_controllers
from kafka.client.clients import log
from kafka.client.config import ClusterConfig
from kafka.client.credential_files import CredentialFiles
from kafka.client.refused_property import refused_property
from kafka.client_set import ClientSet
from kafka.jobs.idempotency.requests import Key
from kafka.jobs.service import Jobs
from kafka.metadata.topic_listing import Listed
from kafka.metadata.topics import Topic
from kafka.model.errors import AwayKind, Closing, ClusterAway, InstanceReadOnly
from kafka.model.records import Position, Record
from kafka.resend.read_queue import Partition
from kafka.resend.service import Resent
from kafka.search.histogram import Histogram
from kafka.search.query import Continuation, HistogramQuery, Page, Paging, Selection

_PROBE_SECONDS = 2.0
_PROBE_AWAY_SECONDS = 0.25
_RENEW_SECONDS = 10.0
"""How long clients are kept at least, although they may be what fails; twice as long each time that did not help."""
_LONGEST_RENEW_SECONDS = 300.0
_OUTAGE_SECONDS = 1.0
"""A cluster that was away for longer has its clients made again; a probe may fail on a busy machine."""
_MOST_UNANSWERED = 3
_TRY_SECONDS = 30.0
_REFUSED = frozenset({"tls", "credentials"})


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a cluster can be used.

    Attributes:
        state: `opening` before the first attempt to reach it, `ready`, `away`, or `closing`.
        reason: why it is away, in the client library's words; holds addresses, no secrets.
        kind: which kind of reason that is, if it is known.
    """

    state: Literal["opening", "ready", "away", "closing"]
    reason: str | None = None
    kind: AwayKind | None = None


class Cluster:
    """One Kafka cluster: open it once per event loop, resend and search, close it.

    A cluster that is away is refused at once and found again by itself, with new clients: one that has lived through
    an outage may stay without a connection for as long as the process lives. librdkafka takes an answer without
    brokers, as one that has just started gives it, for the truth and drops them all (its issue 5301, seen with 2.16.0).

    Args:
        config: where it is, how to reach it, what may be done there.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        self._availability = Availability("opening")
        self._retired: set[asyncio.Task[None]] = set()
        self._refused: str | None = None
        self._away_since: float | None = None
        self._outlived = False

    @property
    def availability(self) -> Availability:
        """Whether the cluster can be used now."""
        return self._availability

    @property
    def held_back(self) -> frozenset[Partition]:
        """The partitions, by topic and number, where requests wait for an open transaction to end."""
        return self._clients.reader.held_back

    @property
    def jobs(self) -> Jobs:
        """The jobs of the cluster."""
        return self._clients.jobs

    async def open(self) -> None:
        """Start the clients and return after the first attempt to reach the cluster, successful or not.

        Raises:
            KafkaException: the configured properties are not valid.
        """
        # Before the clients read them.
        self._files = CredentialFiles(self.config)
        self._clients = await self._make_clients()
        self._renew_seconds = _RENEW_SECONDS
        self._made_at = time.monotonic()
        await self._probe()
        self._watch = asyncio.create_task(self._keep_probing(), name=f"{self.config.name} probe")

    async def resend(self, position: Position, consumer_key: str | None) -> Resent:
        """Write one copy of the record at exactly this position and return once it is acknowledged.

        Args:
            position: the record.
            consumer_key: the recipient; None leaves the headers alone.

        Raises:
            NothingWritten: one of its kinds, see kafka.model.errors.
            OutcomeUnknown: the copy may or may not have been written.
        """
        if self.config.policy.read_only and self._availability.state != "closing":
            raise InstanceReadOnly
        clients = self._clients
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
        clients = self._clients
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
        clients = self._clients
        with clients.admitted():
            deadline = time.monotonic() + self.config.query.max_scan_seconds
            topic = await clients.query.readable(position.topic, deadline)
            topic.require_partition(position.partition)
            return topic, await clients.reader.read(position, topic, deadline)

    async def find(
        self, selection: Selection, paging: Paging, rest: Continuation | None, abandoned: Event, *, caller: str = ""
    ) -> Page:
        """Return a page of records; see Query.find."""
        clients = self._clients
        with clients.admitted():
            return await clients.query.find(selection, paging, rest, abandoned, caller=caller)

    async def histogram(self, asked: HistogramQuery, abandoned: Event, *, caller: str = "") -> Histogram:
        """Return how many records there are in each stretch of time; see Query.histogram."""
        clients = self._clients
        with clients.admitted():
            return await clients.query.histogram(asked, abandoned, caller=caller)

    async def topics(
        self, wanted: Callable[[str], bool], offset: int, limit: int, *, caller: str = ""
    ) -> tuple[int, list[Listed]]:
        """Return how many topics are wanted, and some of them with their facts; see TopicListing.page."""
        clients = self._clients
        with clients.admitted():
            return await clients.topic_listing.page(wanted, offset, limit, caller=caller)

    def _require_open(self) -> None:
        """Raise if no request can be served now."""
        availability = self._availability
        if availability.state == "closing":
            raise Closing
        if availability.state != "ready":
            raise ClusterAway(availability.reason or availability.state, availability.kind)

    async def close(self) -> None:
        """Refuse new requests, finish those in flight, then end the clients."""
        self._availability = Availability("closing")
        await self._clients.idle()
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)
        await asyncio.gather(self._clients.close(), *self._retired)

    async def _make_clients(self) -> ClientSet:
        return ClientSet(await asyncio.to_thread(without_controllers, self.config), self._require_open)

    async def _renew_if_due(self) -> None:
        """Make new clients if the files that they read have changed, or if it may be their fault that something fails.

        Clients that work are not given up for others that do not.
        """
        changed = await asyncio.to_thread(self._files.changed)
        reason = "with what the files of its certificates hold now" if changed else self._doubt()
        if reason is None:
            return
        # While only one of two files that belong together is there, none can be made.
        refused = await asyncio.to_thread(refused_property, self.config)
        if refused is not None:
            if refused != self._refused:
                log.error("%s: the files of its certificates cannot be used: %s", self.config.name, refused)
            self._refused = refused
            return
        self._refused = None
        self._made_at = time.monotonic()
        self._renew_seconds = min(2 * self._renew_seconds, _LONGEST_RENEW_SECONDS)
        self._outlived = False
        log.info("%s: connecting again, %s", self.config.name, reason)
        clients = await self._make_clients()
        try:
            if await self._is_better(clients):
                clients, self._clients = self._clients, clients
        finally:
            # Also where the cluster is closed meanwhile.
            self._retire(clients)

    def _doubt(self) -> str | None:
        """Return why the clients may be to blame for what fails, if that is to be tried now."""
        age_seconds = time.monotonic() - self._made_at
        if self.config.embedded or age_seconds < _RENEW_SECONDS:
            return None
        away = self._availability.state == "away"
        if self._outlived and not away:
            return "as the clients have lived through an outage"
        if age_seconds < self._renew_seconds:
            return None
        if away:
            return "as the clients may be what keeps it away"
        doubtful = self._clients.unanswered >= _MOST_UNANSWERED
        return "as requests got no answer while brokers did answer" if doubtful else None

    async def _is_better(self, clients: ClientSet) -> bool:
        """Whether new clients can be used, or else there is nothing to lose; takes note that their files were tried."""
        latest = time.monotonic() + _TRY_SECONDS
        while time.monotonic() < latest:
            try:
                await clients.probe.require(_PROBE_SECONDS)
            except ClusterAway as error:
                if error.kind in _REFUSED and self._availability.kind not in _REFUSED:
                    log.error("%s: going on with the certificates of before: %s", self.config.name, error.reason)
                    self._files.use()
                    return False
                if error.kind not in _REFUSED and self._availability.state == "ready":
                    # It may only be slow.
                    await self._probe()
                    continue
            self._files.use()
            return True
        return False

    def _retire(self, clients: ClientSet) -> None:
        """Let clients finish what they have begun, and close them."""
        task = asyncio.create_task(clients.close(), name=f"{self.config.name} retired clients")
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)

    async def _keep_probing(self) -> None:
        while True:
            away = self._availability.state == "away"
            await asyncio.sleep(_PROBE_AWAY_SECONDS if away else _PROBE_SECONDS)
            try:
                await self._renew_if_due()
            except Exception:  # noqa: BLE001 the task's edge: nothing would be found out any more
                log.exception("%s: going on with the clients of before", self.config.name)
            await self._probe()

    def _note_outage(self, *, away: bool) -> None:
        """Take note of whether the cluster is away, and for how long it was."""
        now = time.monotonic()
        if away:
            self._away_since = now if self._away_since is None else self._away_since
            return
        if self._away_since is not None:
            self._outlived = self._outlived or now - max(self._away_since, self._made_at) >= _OUTAGE_SECONDS
            self._away_since = None
            self._renew_seconds = _RENEW_SECONDS
        elif not self._clients.unanswered and now - self._made_at >= self._renew_seconds:
            self._renew_seconds = _RENEW_SECONDS

    async def _probe(self) -> None:
        try:
            await self._clients.probe.require(_PROBE_SECONDS)
        except ClusterAway as error:
            found = Availability("away", error.reason, error.kind)
        else:
            found = Availability("ready")
        if self._availability.state == "closing":
            return
        if found.state == "ready" and self._availability.state != "ready":
            self._clients.errors.forget()
        self._note_outage(away=found.state == "away")
        if (found.state, found.kind) != (self._availability.state, self._availability.kind):
            log.log(
                logging.INFO if found.state == "ready" else logging.ERROR,
                "%s: %s%s",
                self.config.name,
                found.state,
                f": {found.reason}" if found.reason else "",
            )
        self._availability = found
