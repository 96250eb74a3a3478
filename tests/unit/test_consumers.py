"""How far a group has committed relative to copies, without a broker; and which groups can be asked about at all."""

from __future__ import annotations

import pytest

from kafka.consumers.committed import MAX_GROUP_CHARACTERS, is_group_id
from kafka.consumers.passed import Copies, compared, one_copy, reading
from kafka.consumers.service import GroupsFound
from kafka.jobs.copy_runs import CopyRun, PartitionCopies
from kafka.model.errors import AccessDenied
from kafka.model.records import Position
from service.api.schema.consumers import consumers_response
from service.cli.job_consumers import passed_text

PLACES = {"orders": {0: PartitionCopies((CopyRun(10, 19, 10),)), 1: PartitionCopies((CopyRun(5, 24, 10),))}}
COPIES = Copies(20, PLACES)
STARTS = {("orders", 0): 0, ("orders", 1): 0}


def at(first: int | None, second: int | None) -> dict[tuple[str, int], int | None]:
    """Return what a group has committed in both partitions."""
    return {("orders", 0): first, ("orders", 1): second}


@pytest.mark.parametrize(
    ("committed", "state", "passed"),
    [
        (at(None, None), "not_started", (0, 0)),
        (at(0, None), "passing", (0, 0)),
        (at(15, None), "passing", (5, 5)),
        (at(20, 15), "passing", (10, 19)),
        (at(20, 24), "passing", (19, 19)),
        (at(20, 25), "passed", (20, 20)),
        (at(999, 999), "passed", (20, 20)),
    ],
)
def test_group_is_past_what_lies_before_its_offsets(
    committed: dict[tuple[str, int], int | None], state: str, passed: tuple[int, int]
) -> None:
    """Not more than is certain: where records of others lie between the copies, at least that many."""
    found = compared("g", COPIES, committed, STARTS)

    assert (found.state, found.passed) == (state, passed)


def test_group_is_not_past_all_copies_while_it_is_not_known_where_some_are() -> None:
    """Of an earlier version, or of a broker that has not told their offsets."""
    elsewhere = Copies(21, PLACES)
    behind = Copies(11, {"orders": {0: PartitionCopies((CopyRun(10, 19, 10),), 1)}})

    assert compared("g", elsewhere, at(99, 99), STARTS).state == "passing"
    assert (elsewhere.unplaced, behind.unplaced) == (1, 0)
    found = compared("g", behind, {("orders", 0): 99}, STARTS)
    assert (found.state, found.passed) == ("passing", (10, 11))
    answer = consumers_response(GroupsFound([found], 5), behind).groups[0]
    assert (answer.copies_passed, answer.passed_relation) == (10, "at_least")


def test_copies_that_are_gone_before_the_group_came_are_counted_once() -> None:
    """Those that it has passed are not lost for it."""
    starts = {("orders", 0): 18, ("orders", 1): None}

    assert compared("g", COPIES, at(15, None), starts).deleted == 3
    assert compared("g", COPIES, at(18, None), starts).deleted == 0
    assert compared("g", COPIES, at(None, None), starts).deleted == 8


def test_one_copy_is_passed_by_the_next_offset() -> None:
    """What is committed is the offset that is read next."""
    copy = one_copy(Position("orders", 0, 7))
    starts = {("orders", 0): 0}

    assert compared("g", copy, {("orders", 0): 7}, starts).state == "passing"
    assert compared("g", copy, {("orders", 0): 8}, starts).state == "passed"


def test_answer_without_copies_says_nothing_of_them() -> None:
    """Which groups read a topic; why one is denied comes with its code."""
    denied = compared("d", COPIES, at(0, 0), STARTS)
    problem = AccessDenied("Describe", "group 'd'")
    found = GroupsFound([reading("g", at(5, None)), type(denied)("d", "denied", problem=problem)], 5, "more")
    answer = consumers_response(found, None).model_dump(exclude_defaults=True)

    assert (answer["complete"], answer["reason"], "copies" in answer) == (False, "more", False)
    assert answer["groups"][0] == {
        "group": "g",
        "state": "committed",
        "partitions": [
            {"topic": "orders", "partition": 0, "committed_offset": 5},
            {"topic": "orders", "partition": 1, "committed_offset": None},
        ],
    }
    assert answer["groups"][1]["error_code"] == "RESEND.00400401"


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ({"copies_passed": 1200, "passed_relation": "exact"}, "1,200 of 3,000 copies"),
        (
            {"copies_passed": 1200, "passed_relation": "at_least", "copies_deleted": 5},
            "at least 1,200 of 3,000 copies, 5 deleted before",
        ),
        ({}, ""),
    ],
)
def test_terminal_tells_how_many_copies_a_group_is_past(group: dict[str, object], words: str) -> None:
    """And whether that is all that is known."""
    assert passed_text(group, {"copies": 3000}) == words


@pytest.mark.parametrize("text", ["", "\0", "a\0b", "a\nb", "\u202eab", "g" * (MAX_GROUP_CHARACTERS + 1)])
def test_id_that_ends_the_process_or_the_line_is_none(text: str) -> None:
    """The library aborts at an empty one, and reads one as ended at a NUL; the cluster may name such a group."""
    assert not is_group_id(text)


def test_usual_ids_can_be_asked_about() -> None:
    """Kafka allows any text."""
    assert all(map(is_group_id, ["billing", "my group", "größe", "a/b,c", "g" * MAX_GROUP_CHARACTERS]))


def test_partitions_are_told_in_their_order() -> None:
    """Whichever broker has acknowledged copies first."""
    found = PartitionCopies((CopyRun(0, 0, 1),))
    copies = Copies(3, {"b": {1: found, 0: found}, "a": {5: found}})

    assert copies.partitions == [("a", 5), ("b", 0), ("b", 1)]
