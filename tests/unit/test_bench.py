"""What the benchmark rests on, without a broker."""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import Path

import pytest

from bench import goals, rows
from bench.figures import Figures, Selection, figures_of

ROOT = Path(__file__).parents[2]
FLOOR_SHA256 = "e35fb66ce2366d70cd778944069fe0ebcc08a0e73af1de76a7e01b5ae2fa3f53"


def test_floor_is_the_original() -> None:
    """What others are measured against has not been changed here."""
    copy = (ROOT / "bench" / "floor.py").read_bytes()
    assert hashlib.sha256(copy).hexdigest() == FLOOR_SHA256
    original = ROOT.parent / "shared" / "reference" / "floor.py"
    assert not original.exists() or copy == original.read_bytes()


def test_figures_of_calls_are_their_quantiles() -> None:
    """Median, 99th percentile, maximum and rate are those of the calls."""
    took = [number / 1000 for number in range(1, 201)]
    assert figures_of(took, 4.0) == Figures(p50_ms=101.0, p99_ms=199.0, max_ms=200.0, rate_per_second=50.0, count=200)


def test_figures_of_no_calls_are_an_error() -> None:
    """A row that answered nothing is broken, not fast."""
    with pytest.raises(RuntimeError):
        figures_of([], 1.0)


def test_selection_in_order_goes_through_its_ranges_and_begins_again() -> None:
    """Consecutive positions cover every offset of every range once before the first one comes again."""
    selection = Selection.from_json(Selection("orders", [(0, 5, 7), (1, 0, 1)], "consecutive").to_json())
    assert list(islice(selection.positions(), 4)) == [(0, 5), (0, 6), (1, 0), (0, 5)]


def test_selection_at_random_stays_within_its_ranges() -> None:
    """Only records that are there are asked for."""
    chosen = set(islice(Selection("orders", [(0, 5, 7), (1, 0, 1)]).positions(), 200))
    assert chosen == {(0, 5), (0, 6), (1, 0)}


def test_goal_is_judged_by_the_median_of_the_turns() -> None:
    """A ratio is formed within each turn, and the median of the ratios is compared with the goal."""
    turns: list[goals.Turn] = [
        {
            (rows.FLOOR, 1): Figures(floor_ms, floor_ms, None, 1000, 1),
            (rows.HTTP, 1): Figures(http_ms, http_ms, http_ms, 500, 1),
        }
        for floor_ms, http_ms in ((1.0, 1.5), (2.0, 3.2), (1.0, 3.0))
    ]
    found = {outcome.goal.name: outcome for outcome in goals.outcomes(turns, {goals.REST_MB: 91.0})}
    p50 = found["p50, HTTP, 1 in flight ÷ floor"]
    assert (p50.figures, p50.median, p50.met) == ((1.5, 1.6, 3.0), 1.6, True)
    assert not found[goals.REST_MB].met
    assert "rate, HTTP, 64 in flight ÷ floor" not in found
