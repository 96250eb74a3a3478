"""The goals, as ratios: each compares figures of the same turn, so that a noisy machine hurts both alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench import rows
from bench.figures import Figures

Key = tuple[str, int]
"""A row's name and its number of calls in flight."""

Turn = dict[Key, Figures]
"""What one turn measured."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that is to stay within a bound.

    Attributes:
        name: what is compared.
        bound: the goal.
        at_most: whether the bound is the greatest figure allowed, else the least.
        of_turn: the figure of one turn; raises KeyError where a row was not measured.
    """

    name: str
    bound: float
    at_most: bool
    of_turn: Callable[[Turn], float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A goal and what came of it.

    Attributes:
        goal: the goal.
        figures: one for each turn.
    """

    goal: Goal
    figures: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure that is compared with the bound."""
        return statistics.median(self.figures)

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.median <= self.goal.bound if self.goal.at_most else self.median >= self.goal.bound


def outcomes(turns: list[Turn], footprint: dict[str, float]) -> list[Outcome]:
    """Return what came of the goals for which there are figures.

    Args:
        turns: what each turn measured.
        footprint: other figures, by the names that they have in FOOTPRINT.
    """
    found = []
    for goal in GOALS:
        try:
            found.append(Outcome(goal, tuple(goal.of_turn(turn) for turn in turns)))
        except KeyError:
            continue
    for name, bound in FOOTPRINT.items():
        if name in footprint:
            figure = footprint[name]
            found.append(Outcome(Goal(name, bound, at_most=True, of_turn=lambda _: 0), (figure,)))
    return found


def _p50(name: str, in_flight: int = 1) -> Callable[[Turn], float]:
    return lambda turn: _known(turn[name, in_flight].p50_ms)


def _p99(name: str, in_flight: int = 1) -> Callable[[Turn], float]:
    return lambda turn: _known(turn[name, in_flight].p99_ms)


def _known(figure: float | None) -> float:
    if figure is None:
        raise KeyError("many records were one call")
    return figure


def _rate(name: str, in_flight: int = 64) -> Callable[[Turn], float]:
    return lambda turn: turn[name, in_flight].rate_per_second


def _ratio(one: Callable[[Turn], float], other: Callable[[Turn], float]) -> Callable[[Turn], float]:
    return lambda turn: one(turn) / other(turn)


def _starving(turn: Turn) -> float:
    """Return the p99 in times that all those in flight need together at the measured rate."""
    figures = turn[rows.HTTP, 64]
    return _known(figures.p99_ms) / 1e3 / (64 / figures.rate_per_second)


def _slowest(turn: Turn) -> float:
    slowest = [
        figures.max_ms
        for (name, _), figures in turn.items()
        if name.startswith("HTTP") and not name.startswith("HTTP, large") and figures.max_ms is not None
    ]
    if not slowest:
        raise KeyError(rows.HTTP)
    return max(slowest)


_FLOOR_RATE = _rate(rows.FLOOR, 1)

GOALS = (
    Goal("p50, HTTP, 1 in flight ÷ floor", 1.7, at_most=True, of_turn=_ratio(_p50(rows.HTTP), _p50(rows.FLOOR))),
    Goal("p99, HTTP, 1 in flight ÷ floor", 2.0, at_most=True, of_turn=_ratio(_p99(rows.HTTP), _p99(rows.FLOOR))),
    Goal("p50, worker, 1 in flight ÷ floor", 1.5, at_most=True, of_turn=_ratio(_p50(rows.WORKER), _p50(rows.FLOOR))),
    Goal("rate, HTTP, 64 in flight ÷ floor", 1.8, at_most=False, of_turn=_ratio(_rate(rows.HTTP), _FLOOR_RATE)),
    Goal("rate, HTTP ÷ worker, 64 in flight", 0.6, at_most=False, of_turn=_ratio(_rate(rows.HTTP), _rate(rows.WORKER))),
    Goal("rate, worker, 64 in flight ÷ floor", 1.8, at_most=False, of_turn=_ratio(_rate(rows.WORKER), _FLOOR_RATE)),
    Goal(
        "p50, fresh Consumer ÷ HTTP, 1 in flight",
        10,
        at_most=False,
        of_turn=_ratio(_p50(rows.CONSUMER), _p50(rows.HTTP)),
    ),
    Goal("p99 ÷ (64 ÷ rate), HTTP, 64 in flight", 3.0, at_most=True, of_turn=_starving),
    Goal("slowest answer, ms", 500, at_most=True, of_turn=_slowest),
    Goal(
        "rate, consecutive ÷ random offsets, 64",
        1.0,
        at_most=False,
        of_turn=_ratio(_rate(rows.CONSECUTIVE), _rate(rows.HTTP)),
    ),
    Goal("rate, one hot partition ÷ eight, 64", 0.5, at_most=False, of_turn=_ratio(_rate(rows.HOT), _rate(rows.HTTP))),
    Goal(
        "rate, 1 MB zstd batches ÷ 64 KiB, 64",
        0.5,
        at_most=False,
        of_turn=_ratio(_rate(rows.LARGE_BATCHES), _rate(rows.HTTP)),
    ),
    Goal(
        "rate, 1 MB zstd batches, 64 in flight ÷ floor's",
        1.8,
        at_most=False,
        of_turn=_ratio(_rate(rows.LARGE_BATCHES), _rate(rows.FLOOR_LARGE_BATCHES, 1)),
    ),
    Goal(
        "rate, search by content ÷ bare loop",
        0.8,
        at_most=False,
        of_turn=_ratio(_rate(rows.CONTENT, 1), _rate(rows.CONTENT_LOOP, 1)),
    ),
    Goal(
        "rate, job over pointers ÷ plain job",
        0.5,
        at_most=False,
        of_turn=_ratio(_rate(rows.POINTERS, 1), _rate(rows.JOB, 1)),
    ),
    Goal("rate, job ÷ bare loop", 0.85, at_most=False, of_turn=_ratio(_rate(rows.JOB, 1), _rate(rows.LOOP, 1))),
    Goal(
        "rate, 8 jobs, two workers ÷ one",
        1.6,
        at_most=False,
        of_turn=_ratio(_rate(rows.TWO_WORKERS, 8), _rate(rows.ONE_WORKER, 8)),
    ),
    Goal(
        "p99, HTTP, 1 in flight, beside a job ÷ without",
        3.0,
        at_most=True,
        of_turn=_ratio(_p99(rows.BESIDE_A_JOB), _p99(rows.HTTP)),
    ),
    Goal("p50, with an Idempotency-Key ÷ without", 10, at_most=True, of_turn=_ratio(_p50(rows.KEYED), _p50(rows.HTTP))),
    Goal("p99, newest 100 of many records, ms", 100, at_most=True, of_turn=_p99(rows.NEWEST)),
    Goal("p99, time range of many, first page, ms", 1000, at_most=True, of_turn=_p99(rows.BY_TIME)),
    Goal(
        "p50, cluster of many topics ÷ small", 1.2, at_most=True, of_turn=_ratio(_p50(rows.LARGE_BASE), _p50(rows.HTTP))
    ),
    Goal(
        "p50, topic of many GB ÷ small, same cluster",
        1.2,
        at_most=True,
        of_turn=_ratio(_p50(rows.LARGE_TOPIC), _p50(rows.LARGE_BASE)),
    ),
    Goal(
        "p50, topic of many partitions ÷ small",
        1.2,
        at_most=True,
        of_turn=_ratio(_p50(rows.MANY_PARTITIONS), _p50(rows.LARGE_BASE)),
    ),
)

START_SECONDS = "start to ready, embedded, s"
REST_MB = "resident memory at rest, one process, MB"
GROWTH = "resident memory, after the last ÷ after 50,000 resends"
WORKER_MB = "most resident memory of a worker of jobs, MB"
FOOTPRINT = {START_SECONDS: 1.5, REST_MB: 90.0, GROWTH: 1.1, WORKER_MB: 200.0}
"""The greatest figure allowed, by name."""
