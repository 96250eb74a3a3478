"""How far groups have committed, for those that are named or for all that the cluster names, within bounds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from threading import Event

from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException

from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig
from kafka.consumers.committed import Committed, CommittedOffsets, is_group_id
from kafka.consumers.passed import Copies, GroupProgress, compared, reading
from kafka.fair_shares import FairShares
from kafka.metadata.protocol import Metadata, Partition
from kafka.model.errors import AccessDenied, ClusterAway, NothingWritten
from kafka.model.translation import cause, from_lookup

MOST_GROUPS = 100
"""Of those that the cluster names, how many are asked about."""

_REQUESTS_AT_ONCE = 4
_PATIENCE_SECONDS = 10.0
_ANSWER_SECONDS = 10.0
_LIST_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class GroupsFound:
    """How far groups have committed.

    Attributes:
        groups: sorted by id; of those that the cluster names only such as have committed something there, or of which
            that is not known.
        checked_at_ms: when it was asked for, in Unix milliseconds.
        incomplete: why groups may be missing; None: they are those that were named, or all that the cluster names.
    """

    groups: Sequence[GroupProgress]
    checked_at_ms: int
    incomplete: str | None = None


class Consumers:
    """Asks how far groups have committed. Belongs to one event loop.

    Args:
        config: the cluster.
        metadata: knows the log start offsets.
        admin: names the groups of the cluster; None on the embedded broker, which does not.
    """

    def __init__(self, config: ClusterConfig, metadata: Metadata, admin: Admin | None) -> None:
        self._metadata = metadata
        self._admin = admin
        self._committed = CommittedOffsets(config)
        self._places = FairShares(_REQUESTS_AT_ONCE, _PATIENCE_SECONDS)

    async def past(self, copies: Copies, groups: Collection[str], abandoned: Event, *, caller: str) -> GroupsFound:
        """Return how far groups have committed relative to copies.

        Args:
            copies: all of them.
            groups: ids, see is_group_id; none: all that the cluster names.
            abandoned: set it to have this end soon.
            caller: who asks: callers share fairly how many can be answered at once.

        Raises:
            ClusterAway: no group's coordinator answers in time; of a named one that is enough.
            TooManyScans: as many requests are being answered.
            Abandoned: it was set.
        """
        partitions = copies.partitions
        if not partitions:
            unknown = [GroupProgress(group, "unknown") for group in sorted(set(groups))]
            return GroupsFound(unknown, _now_ms(), "there are no copies of which it is known where they are")
        async with self._places.place(caller):
            found = await self._metadata.starts(partitions)
            starts = {each: None if isinstance(start, KafkaException) else start for each, start in found.items()}

            def judge(group: str, committed: Committed) -> GroupProgress:
                return compared(group, copies, committed, starts)

            return await self._found(partitions, groups, judge, abandoned)

    async def of_topic(
        self, partitions: Collection[Partition], groups: Collection[str], abandoned: Event, *, caller: str
    ) -> GroupsFound:
        """Return what groups have committed in partitions; see past."""
        async with self._places.place(caller):
            return await self._found(partitions, groups, reading, abandoned)

    async def close(self) -> None:
        """End the threads."""
        await self._committed.close()

    async def _found(
        self,
        partitions: Collection[Partition],
        named: Collection[str],
        judge: Callable[[str, Committed], GroupProgress],
        abandoned: Event,
    ) -> GroupsFound:
        checked_at_ms, deadline = _now_ms(), time.monotonic() + _ANSWER_SECONDS
        groups, incomplete = (sorted(set(named)), None) if named else await self._listed()
        outcomes = await asyncio.gather(*(self._ask(group, partitions, judge, deadline, abandoned) for group in groups))
        away = [outcome.problem for outcome in outcomes if isinstance(outcome.problem, ClusterAway)]
        if away and (named or len(away) == len(outcomes)):
            raise away[0]
        found = [outcome for outcome in outcomes if named or outcome.state != "not_started"]
        return GroupsFound(found, checked_at_ms, incomplete)

    async def _ask(
        self,
        group: str,
        partitions: Collection[Partition],
        judge: Callable[[str, Committed], GroupProgress],
        deadline: float,
        abandoned: Event,
    ) -> GroupProgress:
        try:
            return judge(group, await self._committed.ask(group, partitions, deadline, abandoned))
        except AccessDenied as error:
            return GroupProgress(group, "denied", problem=error)
        except NothingWritten as error:
            return GroupProgress(group, "unknown", problem=error)

    async def _listed(self) -> tuple[list[str], str | None]:
        """Return the groups to ask about, and why these may not be all.

        Every broker is asked for those that it coordinates. That is no request to a coordinator of librdkafka's, and
        one that is away ends nothing: it is missed after a few seconds (tests/faults/test_consumers.py).
        """
        if self._admin is None:
            return [], "the embedded broker does not name its groups; name them"
        try:
            answer = await self._admin.answer(self._admin.list_consumer_groups(request_timeout=_LIST_SECONDS))
        except KafkaException as exception:
            raise from_lookup(cause(exception), "", "Describe") from exception
        if answer.errors and not answer.valid:
            # The library's types say that it is a KafkaException.
            error: object = answer.errors[0]
            raise from_lookup(error if isinstance(error, KafkaError) else cause(answer.errors[0]), "", "Describe")
        reasons = []
        if answer.errors:
            reasons.append(f"{len(answer.errors)} of the brokers have not named their groups")
        # Those that have members are more likely to be meant than those of last year.
        known = {group.group_id: group.state != ConsumerGroupState.STABLE for group in answer.valid}
        usable = sorted((without_members, group) for group, without_members in known.items() if is_group_id(group))
        if len(usable) < len(known):
            reasons.append(f"{len(known) - len(usable)} groups have ids that cannot be asked about")
        if len(usable) > MOST_GROUPS:
            reasons.append(f"{len(usable) - MOST_GROUPS} of {len(usable)} groups were not asked about; name them")
        return sorted(group for _, group in usable[:MOST_GROUPS]), "; ".join(reasons) or None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
