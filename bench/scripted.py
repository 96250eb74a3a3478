"""What people script instead, one record a call.

usage: python -m bench.scripted KIND BOOTSTRAP SECONDS SELECTION [COMMAND]     prints figures as JSON

KIND is `consumer` (a Consumer with default settings for each record, and a Producer), `kcat` (kcat to kcat), or `peer`:
COMMAND is a command line that sends one resend, with {topic}, {partition} and {offset} in it.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from bench.figures import Figures, Selection, figures_of

Once = Callable[[str, int, int], None]


def by_consumer(bootstrap: str) -> Once:
    """Return a function that reads a record with a Consumer made for it, and writes its copy."""
    producer = Producer({"bootstrap.servers": bootstrap})

    def once(topic: str, partition: int, offset: int) -> None:
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "script", "enable.auto.commit": False})
        try:
            consumer.assign([TopicPartition(topic, partition, offset)])
            record = consumer.poll(30)
        finally:
            consumer.close()
        if record is None or record.error() is not None or record.offset() != offset:
            raise RuntimeError(f"{topic}/{partition}@{offset} was not read")
        failed: list[KafkaError | None] = []

        def report(error: KafkaError | None, message: Message) -> None:
            del message
            failed.append(error)

        headers = [*(record.headers() or []), ("consumer_key", b"keyA")]
        producer.produce(
            topic,
            record.value(),
            record.key(),
            partition,
            on_delivery=report,
            timestamp=record.timestamp()[1],
            headers=headers,
        )
        producer.flush(30)
        if failed != [None]:
            raise RuntimeError(f"the copy of {topic}/{partition}@{offset} was not written: {failed}")

    return once


def by_kcat(bootstrap: str) -> Once:
    """Return a function that lets one kcat read a record, and another one write it."""

    def once(topic: str, partition: int, offset: int) -> None:
        where = ["-b", bootstrap, "-t", topic, "-p", str(partition), "-q"]
        read = ["kcat", "-C", *where, "-o", str(offset), "-c", "1", "-e", "-f", "%k\t%s\n"]
        write = ["kcat", "-P", *where, "-K", "\t", "-H", "consumer_key=keyA"]
        _run(f"{shlex.join(read)} | {shlex.join(write)}")

    return once


def by_command(template: str) -> Once:
    """Return a function that runs this command line for a record."""

    def once(topic: str, partition: int, offset: int) -> None:
        places = {"topic": topic, "partition": str(partition), "offset": str(offset)}
        command = template
        for name, value in places.items():
            command = command.replace(f"{{{name}}}", value)
        _run(command)

    return once


def _run(command: str) -> None:
    done = subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stderr or done.stdout}")


def measure(once: Once, seconds: float, selection: Selection) -> Figures:
    """Measure calls one after the other."""
    positions = selection.positions()
    once(selection.topic, *next(positions))
    took = []
    until = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < until:
        once(selection.topic, *next(positions))
        took.append(time.perf_counter() - begun)
    return figures_of(took, sum(took))


if __name__ == "__main__":
    _kind, _bootstrap, _seconds, _selection, *_command = sys.argv[1:]
    _once = by_command(*_command) if _kind == "peer" else {"consumer": by_consumer, "kcat": by_kcat}[_kind](_bootstrap)
    print(measure(_once, float(_seconds), Selection.from_json(_selection)).to_json())
