"""`make bench`: start brokers and services of its own, measure every row in turns, print the table."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench import goals, jobs, load, queries, report, rows, stage
from bench.figures import Figures, Selection
from bench.rows import Row

_RESENDS_BEFORE = 50_000


def main() -> None:
    """Measure what the command line asks for."""
    asked = _arguments()
    turns: list[goals.Turn] = []
    footprint: dict[str, float] = {}
    with ExitStack() as stack:
        table_rows = _stage(stack, asked, footprint)
        for number in range(asked.turns):
            print(f"turn {number + 1} of {asked.turns}:", file=sys.stderr)
            turns.append({(row.name, row.in_flight): _measured(row, asked.seconds) for row in table_rows})
    found = goals.outcomes(turns, footprint)
    print(report.table(turns, found))
    asked.output.mkdir(parents=True, exist_ok=True)
    report.write_json(asked.output / "bench.json", turns, found, footprint)
    drawn = report.draw(asked.output / "bench.png", turns)
    print(f"\nwritten to {asked.output}: bench.json{' and bench.png' if drawn else ''}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each row is measured in a turn")
    parser.add_argument("--turns", type=int, default=3, help="how often every row is measured")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the records, partitions and topics to make")
    parser.add_argument("--warm-up", type=float, default=10.0, help="seconds of load before anything is measured")
    parser.add_argument("--only", default="", help="measure only the rows whose names contain this, and the floor")
    parser.add_argument("--resends", type=int, default=0, help="how many resends to measure the memory after")
    parser.add_argument("--job-records", type=int, default=0, help="how many to measure the memory of a job with")
    parser.add_argument("--peer", help="command line of another server's resend, with {topic} {partition} {offset}")
    parser.add_argument("--output", type=Path, default=Path("build/bench"), help="folder for JSON and picture")
    return parser.parse_args()


def _measured(row: Row, seconds: float) -> Figures:
    figures = row.measure(seconds)
    times = "" if figures.p50_ms is None else f"p50 {figures.p50_ms} ms, p99 {figures.p99_ms} ms, "
    print(f"  {row.name}, {row.in_flight}: {times}{figures.rate_per_second}/s", file=sys.stderr)
    return figures


def _stage(stack: ExitStack, asked: argparse.Namespace, footprint: dict[str, float]) -> list[Row]:
    """Start and fill what the rows need; return the rows."""
    scale, only = asked.scale, asked.only
    begun = time.monotonic()
    small = stack.enter_context(stage.broker()).bootstrap
    usual = stage.fill(small, "usual", round(200_000 * scale))
    _, start, end = usual.ranges[0]
    one = stack.enter_context(stage.service(small))
    chosen = [rows.floor(small, usual.topic)]
    chosen += [rows.worker(small, usual, count) for count in rows.IN_FLIGHT]
    chosen += [rows.http(rows.HTTP, one, usual, count) for count in rows.IN_FLIGHT]
    chosen += [rows.http(rows.INVALID, one, load.INVALID, count) for count in rows.IN_FLIGHT]
    chosen += [rows.http(rows.HOT, one, Selection(usual.topic, [(0, start, end)]), 64)]
    chosen += [rows.http(rows.CONSECUTIVE, one, Selection(usual.topic, [(0, start, end)], "consecutive"), 64)]
    if _wanted(rows.HTTP_TWO, only):
        two = stack.enter_context(stage.service(small, workers=2))
        chosen += [rows.http(rows.HTTP_TWO, two, usual, count) for count in rows.IN_FLIGHT]
    if _wanted(rows.KEYED, only):
        # A store of its own, as the other services' workers are to have nothing to do, and a topic of its own, as the
        # marker of a transaction is an offset without a record, for which the floor would wait forever.
        keyed = stack.enter_context(stage.service(small, store="_bench_keys"))
        filled = stage.fill(small, "keyed", round(200_000 * scale))
        keyed.resend_once(filled.topic, 0, filled.ranges[0][1])
        selection = Selection(filled.topic, filled.ranges, keyed=True)
        chosen += [rows.http(rows.KEYED, keyed, selection, count) for count in rows.IN_FLIGHT]
    if _wanted(rows.LARGE_BATCHES, only):
        batches = stage.fill(small, "batches", round(200_000 * scale), batch_bytes=1_000_000, compression="zstd")
        chosen += [rows.http(rows.LARGE_BATCHES, one, batches, 64)]
        chosen += [rows.floor(small, batches.topic, rows.FLOOR_LARGE_BATCHES)]
    chosen += [rows.script(rows.CONSUMER, "consumer", small, usual)]
    if shutil.which("kcat"):
        chosen += [rows.script(rows.KCAT, "kcat", small, usual)]
    if asked.peer:
        chosen += [rows.script(rows.PEER, "peer", small, usual, asked.peer)]
    if any(_wanted(name, only) for name in rows.MANY):
        # A store of its own: the other services' workers would help.
        with_jobs = stack.enter_context(stage.service(small, store="_bench_jobs"))
        chosen += _many(small, with_jobs, scale, asked.job_records, footprint)
    if any(_wanted(name, only) for name in (rows.NEWEST, rows.BY_TIME)):
        chosen += _searches(small, one, scale)
    if any(_wanted(name, only) for name in (rows.CONTENT, rows.CONTENT_LOOP, rows.GROUPS)):
        chosen += _contents(small, one, scale)
    if any(_wanted(name, only) for name in (rows.LARGE_BASE, rows.LARGE_TOPIC, rows.MANY_PARTITIONS)):
        chosen += _large(stack, scale, asked.warm_up)
    if not only:
        _measure_footprint(small, usual, asked.resends, footprint)
    load.http(one.url, 64, asked.warm_up, usual)
    print(f"prepared in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return [row for row in chosen if _wanted(row.name, only) or row.name == rows.FLOOR]


def _wanted(name: str, only: str) -> bool:
    return only.lower() in name.lower()


def _searches(bootstrap: str, service: stage.Service, scale: float) -> list[Row]:
    """Return the rows of searches in a topic of a million records."""
    records = round(1_000_000 * scale)
    first_ms = time.time_ns() // 1_000_000 - 3_600_000
    stage.fill(bootstrap, "searched", records, first_ms=first_ms)
    a_tenth = records // stage.PARTITIONS // 10
    by_time: queries.Question = {
        "topic": "searched",
        "start_time": first_ms + 5 * a_tenth,
        "end_time": first_ms + 6 * a_tenth,
        "limit": 100,
    }
    return [
        rows.search(rows.NEWEST, service, {"topic": "searched", "limit": 100}, 100),
        rows.search(rows.BY_TIME, service, by_time, 100),
    ]


def _contents(bootstrap: str, service: stage.Service, scale: float) -> list[Row]:
    """Return the rows of what looks at each of a million records."""
    records = stage.PARTITIONS * round(1_000_000 * scale / stage.PARTITIONS)
    stage.fill(bootstrap, "orders", records, value_of=stage.order)
    stage.fill(bootstrap, "orders.DLT", records, value_of=stage.order, headers_of=stage.from_spring)
    return [*rows.content(service, bootstrap, "orders", records), rows.groups(service, "orders.DLT", records)]


def _many(
    bootstrap: str, service: stage.Service, scale: float, job_records: int, footprint: dict[str, float]
) -> list[Row]:
    """Return the rows of resends of many records, after one that makes the topic of jobs, or a very large one."""
    bulk = stage.fill(bootstrap, "bulk", round(200_000 * scale))
    stage.create_topics(bootstrap, {"sink": stage.PARTITIONS})
    first = stage.fill(bootstrap, "bulk-first", job_records or round(20_000 * scale))
    print(f"the first job: {jobs.one_job(service, first).rate_per_second}/s", file=sys.stderr)
    footprint[goals.WORKER_MB] = round(service.most_resident_mb_of_worker(), 1)
    pointers = stage.pointers(bulk.topic)
    letters = stage.fill(bootstrap, "dlq.bulk", round(200_000 * scale), value_of=stage.nothing, headers_of=pointers)
    return rows.many(service, bootstrap, bulk, letters, "sink")


def _large(stack: ExitStack, scale: float, warm_up: float) -> list[Row]:
    """Return the rows of a cluster that has much of everything."""
    large = stack.enter_context(stage.broker()).bootstrap
    stage.create_topics(large, {f"other-{number}": 1 for number in range(round(2000 * scale))})
    usual = stage.fill(large, "usual", round(200_000 * scale))
    gigabytes = stage.fill(large, "large", round(50_000 * scale), filler_bytes=round(10e9 * scale))
    partitions = stage.fill(large, "partitions", round(100_000 * scale), partitions=round(1000 * scale))
    service = stack.enter_context(stage.service(large))
    # As warm as the small one, whose rows it is compared with.
    load.http(service.url, 64, warm_up, usual)
    return [
        rows.http(rows.LARGE_BASE, service, usual, 1),
        rows.http(rows.LARGE_TOPIC, service, gigabytes, 1),
        rows.http(rows.MANY_PARTITIONS, service, partitions, 1),
    ]


def _measure_footprint(bootstrap: str, usual: Selection, resends: int, footprint: dict[str, float]) -> None:
    """Measure how long a start takes, and how much memory a process needs."""
    with stage.demo() as demo:
        footprint[goals.START_SECONDS] = round(demo.ready_seconds, 2)
    with stage.service(bootstrap) as service:
        footprint[goals.REST_MB] = round(service.resident_mb(), 1)
        if not resends:
            return
        done = 0
        while done < resends:
            done += load.http(service.url, 64, 10, usual).count
            if done >= _RESENDS_BEFORE and "MB after 50,000 resends" not in footprint:
                footprint["MB after 50,000 resends"] = round(service.resident_mb(), 1)
        footprint[f"MB after {done:,} resends"] = round(service.resident_mb(), 1)
        footprint[goals.GROWTH] = round(service.resident_mb() / footprint["MB after 50,000 resends"], 3)


if __name__ == "__main__":
    main()
