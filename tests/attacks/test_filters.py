"""Filters that would work without end on one record, or double the memory with each step."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest

from kafka.filter.conditions import Filter, Outcome
from kafka.filter.expression import parse_expression
from kafka.filter.interpreter import EvaluationFailed
from tests.support.jobs import JobsStage, record
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

DIGITS = "`[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]`"
LONG_TEXTS = json.dumps(["x" * 200_000 + "a", "x" * 200_000 + "b"]).encode()
PAIRS = "[@, @]"


def nested_maps(depth: int) -> str:
    """Return an expression that visits 10 to the power of `depth` values."""
    expression = "@"
    for _ in range(depth):
        expression = f"length(map(&{expression}, {DIGITS}))"
    return expression


def pairs(count: int, then: str) -> str:
    """Return an expression that builds a tree of 2 to the power of `count` leaves, shared, and walks through it."""
    return " | ".join([*[PAIRS] * count, then])


def doubled(times: int, then: str = "length(@)") -> str:
    """Return an expression that doubles an array so often."""
    return " | ".join([*[f"{PAIRS}[]"] * times, then])


BOMBS = {
    "nested maps": (nested_maps(7), b"{}"),
    "doubled array": (doubled(25), b"[1]"),
    "doubled objects": (" | ".join([*["{a: @, b: @}"] * 40, "to_string(@)"]), b"{}"),
    "flattened": (" | ".join([f"[{', '.join(['@'] * 400)}][]"] * 3), b"[1]"),
    "to_string of a tree": (pairs(40, "to_string(@)"), b"{}"),
    "equal trees": (pairs(40, "[0] == [1]"), b"{}"),
    "contains a tree": (pairs(40, "contains(@, @[0])"), b"{}"),
    "sorted texts": (doubled(14, "sort(@)"), LONG_TEXTS),
    "sorted by texts": (doubled(14, "sort_by(@, &@)"), LONG_TEXTS),
    "largest text": (doubled(14, "max(@)"), LONG_TEXTS),
    "joined texts": (doubled(14, "join('', @)"), LONG_TEXTS),
    "searched texts": (doubled(14, "[?contains(@, 'ab')]"), LONG_TEXTS),
    "compared texts": (doubled(14, "[?@ == 'ab' || ends_with(@, 'ab')]"), LONG_TEXTS),
    "reversed texts": (doubled(14, "map(&reverse(@), @)"), LONG_TEXTS),
    "filters of filters": (" | ".join([DIGITS] + ["[*].[`[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]`][][]"] * 8), b"{}"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_expression_is_given_up_before_it_takes_long_or_fills_the_memory(name: str) -> None:
    """Seconds of this process and memory are bounded with room to spare: without a budget they grow a thousandfold."""
    expression, value = BOMBS[name]
    conditions = Filter(jmespath=expression)
    assert conditions.expression is not None
    tracemalloc.start()
    begun = time.process_time()
    try:
        outcome: Outcome | str = conditions.judge(record(value))
    except EvaluationFailed as error:
        outcome = str(error)
    seconds, (_, peak_bytes) = time.process_time() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 5
    assert peak_bytes < 60_000_000
    # Each of them would need more than there is.
    assert "steps on this value" in str(outcome)


def test_long_expressions_are_not_kept() -> None:
    """Not even hundreds of the largest ones fill the memory of a service that refuses or accepts them."""
    tracemalloc.start()
    for number in range(30):
        parse_expression("|".join([f"a{number:02}"] * 1000))
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_bytes < 4_000_000


async def test_job_with_such_a_filter_hears_its_cancel_and_holds_up_no_other(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Another job of the same store partition is done meanwhile; each record is counted, and the first one is told."""
    topic, other, plain = make_topic(), make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"{}"] * 3000)
    plain.produce_many(other, [b"x"] * 10)
    jobs_stage.make_store(1)
    jobs_stage.worker()
    bomb = await jobs_stage.make(topic, filter=Filter(jmespath=nested_maps(7)))

    async def at_work() -> bool:
        return (await jobs_stage.get(bomb)).progress.counts.scanned > 0

    await eventually(at_work, 40)
    assert (await jobs_stage.run(other)).progress.counts.resent == 10
    await jobs_stage.cluster.jobs.cancel(bomb.job_id)
    ended = await jobs_stage.finished(bomb)
    counts, first = ended.progress.counts, ended.progress.first_not_evaluated
    assert (ended.state, counts.matched, counts.scanned) == ("cancelled", 0, counts.not_evaluated)
    assert 0 < counts.scanned < 3000
    assert first is not None
    assert (first.partition, first.offset) == (0, 0)
    assert "steps on this value" in first.reason
