"""Prints what was measured as a table, and writes it as JSON and as a picture."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import time
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from bench import load
from bench.goals import Outcome, Turn


def machine() -> str:
    """Return what it was measured on, in one line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"{os.cpu_count()} x {model}, Linux, Python {platform.python_version()}, "
        f"confluent-kafka {version('confluent-kafka')}, HTTP load by {load.CLIENT}"
    )


def table(turns: list[Turn], found: list[Outcome]) -> str:
    """Return rows and goals as tables in Markdown: medians over the turns, then the least and the greatest."""
    lines = [
        f"{time.strftime('%Y-%m-%d')}, {machine()}, {len(turns)} turns",
        "",
        *_aligned(
            ["measured", "in flight", "p50 ms", "p99 ms", "max ms", "a second"],
            (
                [
                    name,
                    str(in_flight),
                    *(
                        _spread([getattr(turn[name, in_flight], figure) for turn in turns])
                        for figure in ("p50_ms", "p99_ms", "max_ms", "rate_per_second")
                    ),
                ]
                for name, in_flight in turns[0]
            ),
        ),
        "",
        *_aligned(
            ["compared", "median", "least to greatest", "goal", ""],
            (
                [
                    outcome.goal.name,
                    _number(outcome.median),
                    f"{_number(min(outcome.figures))} to {_number(max(outcome.figures))}",
                    f"at {'most' if outcome.goal.at_most else 'least'} {outcome.goal.bound:g}",
                    "met" if outcome.met else "MISSED",
                ]
                for outcome in found
            ),
        ),
    ]
    return "\n".join(lines)


def write_json(file: Path, turns: list[Turn], found: list[Outcome], footprint: dict[str, float]) -> None:
    """Write everything that was measured."""
    content = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "turns": [
            [{"row": name, "in_flight": in_flight, **asdict(figures)} for (name, in_flight), figures in turn.items()]
            for turn in turns
        ],
        "goals": [
            {
                "name": outcome.goal.name,
                "goal": outcome.goal.bound,
                "at_most": outcome.goal.at_most,
                "figures": outcome.figures,
                "met": outcome.met,
            }
            for outcome in found
        ],
        "footprint": footprint,
    }
    file.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def draw(file: Path, turns: list[Turn]) -> bool:
    """Draw the rows as bars, rates and times, with their spread; return False where there is no matplotlib."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 in the bench extra only
    except ImportError:
        return False
    keys = list(turns[0])
    labels = [f"{name}, {in_flight}" for name, in_flight in keys]
    figure = Figure(figsize=(13, 0.32 * len(keys) + 1.5), layout="constrained")
    for axes, (attribute, title) in zip(
        figure.subplots(1, 2, sharey=True),
        (("rate_per_second", "resends a second"), ("p50_ms", "p50, ms (the line reaches to p99)")),
        strict=True,
    ):
        # Where many records are one call, there is no time of a single one.
        values = [[getattr(turn[key], attribute) or math.nan for turn in turns] for key in keys]
        middle = [statistics.median(those) for those in values]
        axes.barh(labels, middle, color="#4c78a8")
        if attribute == "p50_ms":
            reach = [statistics.median([turn[key].p99_ms or math.nan for turn in turns]) for key in keys]
            axes.hlines(labels, middle, reach, color="#444444", linewidth=1)
        else:
            axes.hlines(labels, [min(those) for those in values], [max(those) for those in values], color="#444444")
        axes.set_xscale("log")
        axes.set_title(title)
        axes.grid(axis="x", alpha=0.3)
    figure.axes[0].invert_yaxis()
    figure.savefig(file, dpi=110)
    return True


def _spread(figures: list[float | None]) -> str:
    known = [figure for figure in figures if figure is not None]
    if not known:
        return ""
    return f"{_number(statistics.median(known))} ({_number(min(known))} to {_number(max(known))})"


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def _aligned(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    content = [head, *rows]
    widths = [max(len(row[column]) for row in content) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in content
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
