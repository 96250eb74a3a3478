"""The rows of the table: what is measured, with how many calls in flight, and how."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import bulk, jobs, load, queries
from bench.figures import Figures, Selection
from bench.stage import Service

Measure = Callable[[float], Figures]
"""Measures for that many seconds."""

IN_FLIGHT = (1, 16, 64)

FLOOR = "floor: one thread, no HTTP, none of our code"
FLOOR_LARGE_BATCHES = "floor, 1 MB zstd batches"
WORKER = "worker in process"
HTTP = "HTTP, one process"
HTTP_TWO = "HTTP, two processes"
INVALID = "HTTP, invalid request"
CONSUMER = "script: a fresh Consumer per record"
KCAT = "script: kcat to kcat per record"
HOT = "HTTP, one hot partition"
CONSECUTIVE = "HTTP, consecutive offsets"
LARGE_BATCHES = "HTTP, 1 MB zstd batches"
LARGE_BASE = "HTTP, large cluster: the usual topic"
LARGE_TOPIC = "HTTP, large cluster: topic of many GB"
MANY_PARTITIONS = "HTTP, large cluster: topic of many partitions"
NEWEST = "search: the newest 100 of many records"
BY_TIME = "search: a time range of many records, first page"
CONTENT = "search: by content, all of many records"
CONTENT_LOOP = "loop: by content, consume and json.loads and compiled JMESPath"
GROUPS = "dead letters: grouped by content of headers, all of many"
POINTERS = "job, dead letters that point to 1 KB records"
JOB = "job, 1 KB records"
LOOP = "loop: consume and transactional produce, no job"
PIPE_KCAT = "script: kcat to kcat over a pipe"
PIPE_JAVA = "script: Java console tools over a pipe"
ONE_WORKER = "8 jobs, one worker"
TWO_WORKERS = "8 jobs, two workers"
BESIDE_A_JOB = "HTTP, one process, beside a job"
MANY = (JOB, POINTERS, LOOP, PIPE_KCAT, PIPE_JAVA, ONE_WORKER, TWO_WORKERS, BESIDE_A_JOB)
KEYED = "with an Idempotency-Key: HTTP, one process"
PEER = "peer"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the same thing measured in every turn.

    Attributes:
        name: what is measured.
        in_flight: how many calls at once.
        measure: measures it.
    """

    name: str
    in_flight: int
    measure: Measure


def floor(bootstrap: str, topic: str, name: str = FLOOR) -> Row:
    """Return the row that all others are compared with, or the same on another topic."""

    def measure(seconds: float) -> Figures:
        return _run(str(Path(__file__).with_name("floor.py")), bootstrap, topic, str(seconds))

    return Row(name, 1, measure)


def worker(bootstrap: str, selection: Selection, in_flight: int) -> Row:
    """Return a row of the worker in a process of its own."""

    def measure(seconds: float) -> Figures:
        arguments = ["-m", "bench.inprocess", bootstrap, str(in_flight), str(seconds), selection.to_json()]
        return _run(*arguments)

    return Row(WORKER, in_flight, measure)


def http(name: str, service: Service, selection: Selection, in_flight: int) -> Row:
    """Return a row of a running service."""
    return Row(name, in_flight, lambda seconds: load.http(service.url, in_flight, seconds, selection))


def search(name: str, service: Service, question: queries.Question, found: int) -> Row:
    """Return a row of a search."""
    return Row(name, 1, lambda seconds: queries.search(service, question, found, seconds))


def script(name: str, kind: str, bootstrap: str, selection: Selection, *command: str) -> Row:
    """Return a row of what people script instead, see bench.scripted."""

    def measure(seconds: float) -> Figures:
        arguments = ["-m", "bench.scripted", kind, bootstrap, str(seconds), selection.to_json(), *command]
        return _run(*arguments)

    return Row(name, 1, measure)


def content(service: Service, bootstrap: str, topic: str, records: int) -> list[Row]:
    """Return the rows of a search by content to the end of a topic, and of the loop that it is compared with."""
    question: queries.Question = {
        "topic": topic,
        "asc": "true",
        "limit": 1000,
        "filter": json.dumps({"jmespath": bulk.EXPRESSION}),
    }
    return [
        Row(CONTENT, 1, lambda _: queries.to_the_end(service, "messages", question, records)),
        Row(CONTENT_LOOP, 1, lambda _: _run("-m", "bench.bulk", "expression", bootstrap, topic, str(records), "")),
    ]


def groups(service: Service, topic: str, records: int) -> Row:
    """Return the row of the grouping of a dead-letter topic."""
    return Row(GROUPS, 1, lambda _: queries.to_the_end(service, "dead-letters", {"topic": topic}, records))


def many(service: Service, bootstrap: str, selection: Selection, letters: Selection, sink: str) -> list[Row]:
    """Return the rows of resends of many records; they take as long as they take."""
    records = sum(end - start for _, start, end in selection.ranges)

    def two_workers(seconds: float) -> Figures:
        del seconds
        with jobs.second_worker(service, bootstrap):
            return jobs.job_for_each_partition(service, selection)

    def beside(seconds: float) -> Figures:
        with jobs.busy(service, selection):
            return load.http(service.url, 1, seconds, selection)

    def without_jobs(kind: str) -> Measure:
        return lambda _: _run("-m", "bench.bulk", kind, bootstrap, selection.topic, str(records), sink)

    found = [
        Row(JOB, 1, lambda _: jobs.one_job(service, selection)),
        Row(POINTERS, 1, lambda _: jobs.one_job(service, letters, {"dialect": "share-group"})),
        Row(LOOP, 1, without_jobs("loop")),
        Row(ONE_WORKER, len(selection.ranges), lambda _: jobs.job_for_each_partition(service, selection)),
        Row(TWO_WORKERS, len(selection.ranges), two_workers),
        Row(BESIDE_A_JOB, 1, beside),
    ]
    if shutil.which("kcat"):
        found.append(Row(PIPE_KCAT, 1, without_jobs("kcat")))
    if bulk.java_is_there():
        found.append(Row(PIPE_JAVA, 1, without_jobs("java")))
    return found


def _run(*arguments: str) -> Figures:
    done = subprocess.run([sys.executable, *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr or done.stdout)
    return Figures.from_json(done.stdout)
