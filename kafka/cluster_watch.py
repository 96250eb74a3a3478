"""Keeps a set of clients of one cluster that works: probes it, and makes new clients when that is called for."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Literal

from kafka.backoff import Backoff
from kafka.client.bootstrap import without_controllers
from kafka.client.clients import log
from kafka.client.config import ClusterConfig
from kafka.client.credential_files import CredentialFiles
from kafka.client.refused_property import refused_property
from kafka.client_set import ClientSet
from kafka.model.errors import AwayKind, Closing, ClusterAway

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


class ClusterWatch:
    """The clients of one cluster, and whether it answers them. Belongs to the event loop that opens it.

    A cluster that is away is refused at once and found again by itself, with new clients: one that has lived through
    an outage may stay without a connection for as long as the process lives. librdkafka takes an answer without
    brokers, as one that has just started gives it, for the truth and drops them all (its issue 5301, seen with 2.16.0).

    Args:
        config: the cluster.

    Attributes:
        clients: the ones to use now; set by `open`.
        availability: whether the cluster can be used now.
    """

    clients: ClientSet

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self.availability = Availability("opening")
        self._retired: set[asyncio.Task[None]] = set()
        self._refused: str | None = None
        self._away_since: float | None = None
        self._outlived = False
        self._renewal = Backoff(_RENEW_SECONDS, _LONGEST_RENEW_SECONDS)

    async def open(self) -> None:
        """Start the clients and return after the first attempt to reach the cluster, successful or not.

        Raises:
            KafkaException: the configured properties are not valid.
        """
        # Before the clients read them.
        self._files = CredentialFiles(self._config)
        self.clients = await self._make_clients()
        self._made_at = time.monotonic()
        await self._probe()
        self._probing = asyncio.create_task(self._keep_probing(), name=f"{self._config.name} probe")

    async def close(self) -> None:
        """Refuse new requests, finish those in flight, then end the clients."""
        self.availability = Availability("closing")
        await self.clients.idle()
        self._probing.cancel()
        await asyncio.gather(self._probing, return_exceptions=True)
        await asyncio.gather(self.clients.close(), *self._retired)

    def _require_open(self) -> None:
        """Raise if no request can be served now."""
        availability = self.availability
        if availability.state == "closing":
            raise Closing
        if availability.state != "ready":
            raise ClusterAway(availability.reason or availability.state, availability.kind)

    async def _make_clients(self) -> ClientSet:
        return ClientSet(await asyncio.to_thread(without_controllers, self._config), self._require_open)

    async def _renew_if_due(self) -> None:
        """Make new clients if the files that they read have changed, or if it may be their fault that something fails.

        Clients that work are not given up for others that do not.
        """
        changed = await asyncio.to_thread(self._files.changed)
        reason = "with what the files of its certificates hold now" if changed else self._doubt()
        if reason is None:
            return
        # While only one of two files that belong together is there, none can be made.
        refused = await asyncio.to_thread(refused_property, self._config)
        if refused is not None:
            if refused != self._refused:
                log.error("%s: the files of its certificates cannot be used: %s", self._config.name, refused)
            self._refused = refused
            return
        self._refused = None
        self._made_at = time.monotonic()
        self._renewal.lengthen()
        self._outlived = False
        log.info("%s: connecting again, %s", self._config.name, reason)
        clients = await self._make_clients()
        try:
            if await self._is_better(clients):
                clients, self.clients = self.clients, clients
        finally:
            # Also where the cluster is closed meanwhile.
            self._retire(clients)

    def _doubt(self) -> str | None:
        """Return why the clients may be to blame for what fails, if that is to be tried now."""
        age_seconds = time.monotonic() - self._made_at
        if self._config.embedded or age_seconds < _RENEW_SECONDS:
            return None
        away = self.availability.state == "away"
        if self._outlived and not away:
            return "as the clients have lived through an outage"
        if age_seconds < self._renewal.seconds:
            return None
        if away:
            return "as the clients may be what keeps it away"
        doubtful = self.clients.unanswered >= _MOST_UNANSWERED
        return "as requests got no answer while brokers did answer" if doubtful else None

    async def _is_better(self, clients: ClientSet) -> bool:
        """Whether new clients can be used, or else there is nothing to lose; takes note that their files were tried."""
        latest = time.monotonic() + _TRY_SECONDS
        while time.monotonic() < latest:
            try:
                await clients.metadata.require(_PROBE_SECONDS)
            except ClusterAway as error:
                if error.kind in _REFUSED and self.availability.kind not in _REFUSED:
                    log.error("%s: going on with the certificates of before: %s", self._config.name, error.reason)
                    self._files.use()
                    return False
                if error.kind not in _REFUSED and self.availability.state == "ready":
                    # It may only be slow.
                    await self._probe()
                    continue
            self._files.use()
            return True
        return False

    def _retire(self, clients: ClientSet) -> None:
        """Let clients finish what they have begun, and close them."""
        task = asyncio.create_task(clients.close(), name=f"{self._config.name} retired clients")
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)

    async def _keep_probing(self) -> None:
        while True:
            away = self.availability.state == "away"
            await asyncio.sleep(_PROBE_AWAY_SECONDS if away else _PROBE_SECONDS)
            try:
                await self._renew_if_due()
            except Exception:  # noqa: BLE001 the task's edge: nothing would be found out any more
                log.exception("%s: going on with the clients of before", self._config.name)
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
            self._renewal.reset()
        elif not self.clients.unanswered and now - self._made_at >= self._renewal.seconds:
            self._renewal.reset()

    async def _probe(self) -> None:
        try:
            await self.clients.metadata.require(_PROBE_SECONDS)
        except ClusterAway as error:
            found = Availability("away", error.reason, error.kind)
        else:
            found = Availability("ready")
        if self.availability.state == "closing":
            return
        if found.state == "ready" and self.availability.state != "ready":
            self.clients.errors.forget()
        self._note_outage(away=found.state == "away")
        if (found.state, found.kind) != (self.availability.state, self.availability.kind):
            log.log(
                logging.INFO if found.state == "ready" else logging.ERROR,
                "%s: %s%s",
                self._config.name,
                found.state,
                f": {found.reason}" if found.reason else "",
            )
        self.availability = found
