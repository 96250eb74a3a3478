"""What the measurements need: brokers with filled topics, and services before them."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bench.figures import Selection
from kafka.model.records import Header
from tests.support.brokers import ControlledBroker, free_port, new_broker, wait_until_known

# The options that Kafka's own scripts start a broker with, and a heap that leaves the machine to the others as well.
_JVM = (
    "-Xms1g -Xmx1g -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 "
    "-XX:+ExplicitGCInvokesConcurrent"
)
# The tests' brokers clean up several times a second.
_CALM = {
    "log.cleaner.backoff.ms": "15000",
    "log.retention.check.interval.ms": "300000",
    "log.initial.task.delay.ms": "30000",
}
TOKEN = "bench"  # noqa: S105 it opens what this process started
PROJECT = "bench"
INSTANCE = "default"
PARTITIONS = 8
_START_SECONDS = 60.0
_ROOT = Path(__file__).parents[1]
_FILLER_BYTES = 100_000
_FILLERS = 200
_WORDS = (b"order", b"customer", b"paid", b"shipped", b"invoice", b"amount", b"address", b"item")


@contextmanager
def broker() -> Iterator[ControlledBroker]:
    """Start a broker with its just-in-time compiler, and remove it afterwards."""
    started = new_broker(_CALM, _JVM)
    try:
        started.start()
        wait_until_known(started.bootstrap)
        yield started
    finally:
        started.remove()


def fill(
    bootstrap: str,
    topic: str,
    records: int,
    *,
    partitions: int = PARTITIONS,
    batch_bytes: int = 65536,
    compression: str = "none",
    filler_bytes: int = 0,
    first_ms: int | None = None,
    value_of: Callable[[random.Random], bytes | None] | None = None,
    headers_of: Callable[[int, int], list[Header]] | None = None,
) -> Selection:
    """Make a topic with records of 1 KB and return where they are.

    Args:
        bootstrap: the cluster.
        topic: its name.
        records: how many, over all partitions.
        partitions: how many.
        batch_bytes: how large the batches are before compression.
        compression: of the batches.
        filler_bytes: how much else to write between the records' batches, in records of 100 KB.
        first_ms: timestamp of the first record of each partition (Unix milliseconds), each further one a millisecond
            later; the present for all of them without it.
        value_of: makes a value; some thousands are made, and used again and again.
        headers_of: makes the headers of a record of its partition and its number there.
    """
    create_topics(bootstrap, {topic: partitions})
    producer = _producer(bootstrap, batch_bytes, compression)
    filler_producer = _producer(bootstrap, 1_000_000, "none")
    choose = random.Random(2)
    values = [(value_of or _value)(choose) for _ in range(5000)]
    filler = [choose.randbytes(_FILLER_BYTES) for _ in range(20)]
    fillers = _FILLERS if filler_bytes else 0
    blocks = max(1, filler_bytes // (partitions * _FILLERS * _FILLER_BYTES))
    a_block = -(-records // (partitions * blocks))
    ranges = []
    for block in range(blocks):
        # Apart from each other, so that the records' batches are as in any other topic.
        for number in range(partitions * fillers):
            _produce(filler_producer, topic, number % partitions, choose.choice(filler))
        _flush(filler_producer, topic)
        for number in range(partitions * a_block):
            time_ms = 0 if first_ms is None else first_ms + block * a_block + number % a_block
            partition = number // a_block
            headers = [] if headers_of is None else headers_of(partition, block * a_block + number % a_block)
            _produce(producer, topic, partition, choose.choice(values), time_ms=time_ms, headers=headers)
        _flush(producer, topic)
        end = (block + 1) * (fillers + a_block)
        ranges += [(partition, end - a_block, end) for partition in range(partitions)]
    _check(bootstrap, topic, ranges)
    return Selection(topic, ranges)


def _producer(bootstrap: str, batch_bytes: int, compression: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 200,
            "batch.size": batch_bytes,
            "batch.num.messages": 100_000,
            "message.max.bytes": 2_000_000,
            "queue.buffering.max.kbytes": 256 * 1024,
            "compression.type": compression,
            "acks": "all",
        }
    )


def _flush(producer: Producer, topic: str) -> None:
    if producer.flush(300):
        raise RuntimeError(f"{topic} could not be filled")


def _produce(
    producer: Producer,
    topic: str,
    partition: int,
    value: bytes | None,
    *,
    time_ms: int = 0,
    headers: Sequence[Header] = (),
) -> None:
    while True:
        try:
            producer.produce(topic, value, b"key", partition, timestamp=time_ms, headers=[*headers])
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def order(choose: random.Random) -> bytes:
    """Return an order of about 1,000 bytes as JSON; the payment of one in a hundred has failed."""
    lines = [
        {"sku": f"{choose.getrandbits(32):08x}", "quantity": choose.randrange(9), "price": 9.99} for _ in range(12)
    ]
    status = "FAILED" if choose.randrange(100) == 0 else "PAID"
    content = {"id": choose.getrandbits(60), "payment": {"status": status, "amount": 12.5}, "lines": lines}
    return json.dumps({**content, "note": "x" * 250}).encode()


def nothing(_: random.Random) -> None:
    """Return the value of a dead letter that points to its record."""


def pointers(topic: str) -> Callable[[int, int], list[Header]]:
    """Return what makes the headers of dead letters that point to the records of a topic, one to each."""

    def headers(partition: int, number: int) -> list[Header]:
        return [
            ("__dlq.errors.topic", topic.encode()),
            ("__dlq.errors.partition", b"%d" % partition),
            ("__dlq.errors.offset", b"%d" % number),
            ("__dlq.errors.group", b"workers"),
        ]

    return headers


def from_spring(partition: int, number: int) -> list[Header]:
    """Return the headers of a dead letter of Spring Kafka, of one of fifty groups."""
    return [
        ("kafka_dlt-original-topic", b"orders-%d" % (number % 5)),
        ("kafka_dlt-original-partition", partition.to_bytes(4, "big")),
        ("kafka_dlt-original-offset", number.to_bytes(8, "big")),
        ("kafka_dlt-exception-fqcn", b"org.example.Failure%d" % (number % 10)),
        ("kafka_dlt-original-consumer-group", b"billing"),
        ("kafka_dlt-exception-stacktrace", b"at org.example.Listener" * 20),
    ]


def _value(choose: random.Random) -> bytes:
    """Return 1,000 bytes that compress to about a third, as JSON does."""
    text = b'{"id":"%032x","items":[' % choose.getrandbits(128)
    while len(text) < 1000:
        text += b'{"%b":%d,"%b":"%b"},' % (
            choose.choice(_WORDS),
            choose.getrandbits(32),
            choose.choice(_WORDS),
            choose.choice(_WORDS),
        )
    return text[:1000]


def _check(bootstrap: str, topic: str, ranges: list[tuple[int, int, int]]) -> None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench"})
    try:
        for partition, _, end in ranges[:: max(1, len(ranges) // 16)]:
            watermark = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)[1]
            if watermark < end:
                raise RuntimeError(f"{topic}/{partition} ends at {watermark}, not at {end} or later")
    finally:
        consumer.close()


def create_topics(bootstrap: str, partitions: dict[str, int]) -> None:
    """Create topics of that many partitions each, and return when they are there."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    names = list(partitions)
    for some in (names[begin : begin + 100] for begin in range(0, len(names), 100)):
        made = admin.create_topics([NewTopic(name, partitions[name], 1) for name in some], request_timeout=120)
        for future in made.values():
            future.result()
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench"})
    try:
        deadline = time.monotonic() + _START_SECONDS
        for name in names[-100:]:
            while any(part.leader < 0 for part in consumer.list_topics(name, 10).topics[name].partitions.values()):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{name} has partitions without a leader")
                time.sleep(0.1)
    finally:
        consumer.close()


class Service:
    """A running `kafka-resend serve`, or `demo`.

    Attributes:
        port: where it answers, on loopback.
        pid: its process, the parent where there are several.
        variables: its settings.
        ready_seconds: from its start to the first 200 of /readyz.
    """

    def __init__(self, arguments: list[str], variables: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.variables = variables
        begun = time.perf_counter()
        self._process = _start([*arguments, "--port", str(self.port)], variables, log)
        self.pid = self._process.pid
        self._log = log
        try:
            self._wait_until_ready()
        except BaseException:
            # Whatever ends the measuring, Ctrl-C included: the process must not stay behind.
            self.stop()
            raise
        self.ready_seconds = time.perf_counter() - begun

    @property
    def url(self) -> str:
        """Where a resend is asked for."""
        return f"http://127.0.0.1:{self.port}/v2/{PROJECT}/mqs/instances/{INSTANCE}/messages/action?action_id=resend"

    def resend_once(self, topic: str, partition: int, offset: int) -> None:
        """Resend a record with an Idempotency-Key; the first one makes the store, and waits for its worker."""
        body = {"topic": topic, "partition": partition, "message_offset": offset}
        headers = {"X-Auth-Token": TOKEN, "Content-Type": "application/json", "Idempotency-Key": "first"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", self.url, json.dumps(body), headers)
        status = connection.getresponse().status
        connection.close()
        if status != 200:
            raise RuntimeError(f"the service answered {status}")

    def resident_mb(self) -> float:
        """Return how much memory the process has, in MB of 10^6 bytes."""
        return _memory_mb(self.pid, "VmRSS")

    def most_resident_mb_of_worker(self) -> float:
        """Return the most memory that the worker of jobs beside it has had, in MB of 10^6 bytes."""
        for children in Path(f"/proc/{self.pid}/task").glob("*/children"):
            for pid in map(int, children.read_text("ascii").split()):
                if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    return _memory_mb(pid, "VmHWM")
        raise RuntimeError("there is no worker of jobs")

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self._process.terminate()
        self._process.wait(60)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    pass
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                    if json.load(answer)["status"] == "ready":
                        return
            except (OSError, urllib.error.URLError):
                pass
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the service did not start:\n{self._log.read_text('utf-8')}")
            time.sleep(0.005)


def _start(arguments: list[str], variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start `kafka-resend` with these settings alone."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RESEND_")}
    environment |= {"PYTHONPATH": str(_ROOT), **variables}
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "service", *arguments], env=environment, stdout=file, stderr=subprocess.STDOUT
        )


def _memory_mb(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {pid} has ended")


@contextmanager
def service(bootstrap: str, workers: int = 1, store: str = "_resend_jobs") -> Iterator[Service]:
    """Serve a cluster, with a token and a log as usual, and stop it afterwards."""
    variables = {
        "RESEND_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "RESEND_AUTH__TOKEN_DIGEST": hashlib.sha256(TOKEN.encode()).hexdigest(),
        **{f"RESEND_JOBS__{name}": store for name in ("TOPIC", "GROUP", "TRANSACTIONAL_PREFIX")},
    }
    with tempfile.TemporaryDirectory() as folder:
        running = Service(["serve", "--workers", str(workers)], variables, Path(folder) / "log")
        try:
            yield running
        finally:
            running.stop()


@contextmanager
def worker(variables: dict[str, str]) -> Iterator[None]:
    """Run one more worker of jobs, with the settings of a service, and stop it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        process = _start(["worker"], variables, Path(folder) / "log")
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def demo() -> Iterator[Service]:
    """Serve the embedded broker, as `make run` does."""
    with tempfile.TemporaryDirectory() as folder:
        running = Service(["demo"], {}, Path(folder) / "log")
        try:
            yield running
        finally:
            running.stop()
