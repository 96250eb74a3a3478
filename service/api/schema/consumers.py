"""Bodies of the answers about consumer groups: how far they have committed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from kafka.consumers.passed import Copies, GroupPartition, GroupProgress, GroupState
from kafka.consumers.service import GroupsFound
from service.http.errors import error_body

PassedRelation = Literal["exact", "at_least"]


class _ConsumersPart(BaseModel):
    pass


class GroupPartitionItem(_ConsumersPart):
    """A consumer group in a partition."""

    topic: str
    partition: int
    committed_offset: int | None = Field(
        description="The offset that the group reads next; null where it has committed nothing."
    )
    copies: int | None = Field(default=None, description="How many copies are there.")
    copies_passed: int | None = Field(default=None, description="How many of them lie before the committed offset.")
    passed_relation: PassedRelation | None = Field(default=None, description="Whether that is exact.")
    copies_deleted: int | None = Field(
        default=None, description="How many others, at least, were deleted before the group has committed past them."
    )


class GroupItem(_ConsumersPart):
    """How far a consumer group has committed."""

    group: str
    state: GroupState = Field(
        description="`not_started`: it has committed nothing there; `passing`: past some of the copies, or none; "
        "`passed`: past all of them; `committed`: something, where no copies are asked about; `denied`: Kafka's ACLs "
        "do not allow the service to see it; `unknown`."
    )
    copies_passed: int | None = Field(default=None, description="How many copies it has committed past.")
    passed_relation: PassedRelation | None = Field(default=None, description="Whether that is exact.")
    copies_deleted: int | None = Field(
        default=None, description="How many others, at least, were deleted before the group has committed past them."
    )
    partitions: list[GroupPartitionItem]
    error_code: str | None = Field(default=None, description="Why it is denied or unknown, where an error says so.")
    reason: str | None = Field(default=None, description="The same in words.")


class ConsumersResponse(_ConsumersPart):
    """How far consumer groups have committed. That they have processed what they are past is not said."""

    checked_at: int = Field(description="When, in Unix milliseconds; nothing is kept of earlier answers.")
    copies: int | None = Field(default=None, description="How many copies groups are compared with; absent: none are.")
    copies_unplaced: int | None = Field(
        default=None, description="Of how many of them it is not known in which partition they are; absent: of none."
    )
    groups: list[GroupItem] = Field(
        description="Those that were named; or those that the cluster names and that have committed something there."
    )
    complete: bool = Field(description="Whether these are all that the cluster names, or all that were named.")
    reason: str | None = Field(default=None, description="Why they are not.")


def consumers_response(found: GroupsFound, copies: Copies | None) -> ConsumersResponse:
    """Return the answer.

    Args:
        found: the groups.
        copies: that they were compared with; None for none.
    """
    return ConsumersResponse(
        checked_at=found.checked_at_ms,
        copies=None if copies is None else copies.total,
        copies_unplaced=None if copies is None else copies.unplaced or None,
        groups=[_group(group, copies) for group in found.groups],
        complete=found.incomplete is None,
        reason=found.incomplete,
    )


def _group(group: GroupProgress, copies: Copies | None) -> GroupItem:
    problem = None if group.problem is None else error_body(group.problem)
    item = GroupItem(
        group=group.group,
        state=group.state,
        partitions=[_partition(part, copies) for part in group.partitions],
        error_code=None if problem is None else problem["error_code"],
        reason=None if problem is None else problem["error_msg"],
    )
    if copies is None or not group.partitions:
        return item
    least, most = group.passed
    relation = _relation(least, most + copies.unplaced)
    passed = {"copies_passed": least, "passed_relation": relation, "copies_deleted": group.deleted or None}
    return item.model_copy(update=passed)


def _partition(part: GroupPartition, copies: Copies | None) -> GroupPartitionItem:
    topic, number = part.partition
    item = GroupPartitionItem(topic=topic, partition=number, committed_offset=part.committed_offset)
    if copies is None or part.passed is None:
        return item
    passed: dict[str, object] = {
        "copies": copies.places[topic][number].count,
        "copies_passed": part.passed[0],
        "passed_relation": _relation(*part.passed),
        "copies_deleted": part.deleted or None,
    }
    return item.model_copy(update=passed)


def _relation(least: int, most: int) -> PassedRelation:
    return "exact" if least == most else "at_least"
