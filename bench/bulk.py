"""Many records at once by what is there without this project.

usage: python -m bench.bulk KIND BOOTSTRAP TOPIC RECORDS SINK     prints figures as JSON

KIND is `loop` (consume and transactional produce in one thread, the limit in Python: into TOPIC itself, as a job does),
`expression` (consume, json.loads and a compiled JMESPath expression, the limit of a search by content in Python),
`kcat` or `java` (a console consumer piped into a console producer, into SINK: they would chase their own copies).
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time

import jmespath
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from bench.figures import Figures

JAVA = ("kafka-console-consumer.sh", "kafka-console-producer.sh")
"""Of a Kafka distribution; measured where they are on the PATH."""

EXPRESSION = "payment.status == 'FAILED'"
_RECORDS_A_TRANSACTION = 2000


def loop(bootstrap: str, topic: str, records: int, sink: str) -> None:
    """Copy the first records of each partition in transactions, with a header more, and nothing else."""
    del sink
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-loop",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": "bench-loop",
            "compression.type": "lz4",
            "linger.ms": 5,
            "batch.size": 65536,
        }
    )
    producer.init_transactions()
    partitions = list(consumer.list_topics(topic, 30).topics[topic].partitions)
    end = records // len(partitions)
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    left = end * len(partitions)
    while left:
        found = [message for message in consumer.consume(_RECORDS_A_TRANSACTION, 0.02) if _is_before(message, end)]
        if not found:
            continue
        producer.begin_transaction()
        for message in found:
            _produce(producer, message)
        producer.commit_transaction()
        left -= len(found)
    consumer.close()


def expression(bootstrap: str, topic: str, records: int, sink: str) -> None:
    """Look for the expression of a search by content in the whole topic."""
    del sink
    compiled = jmespath.compile(EXPRESSION)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-expression", "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, 30).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    left = records
    while left:
        for message in consumer.consume(500, 1.0):
            if message.error() is None:
                left -= 1
                compiled.search(json.loads(message.value() or b"null"))
    consumer.close()


def _is_before(message: Message, end: int) -> bool:
    offset = message.offset()
    return message.error() is None and offset is not None and offset < end


def _produce(producer: Producer, message: Message) -> None:
    headers = [*(message.headers() or []), ("consumer_key", b"keyA")]
    while True:
        try:
            producer.produce(
                str(message.topic()),
                message.value(),
                message.key(),
                message.partition() or 0,
                timestamp=message.timestamp()[1],
                headers=headers,
            )
        except BufferError:
            producer.poll(0.1)
        else:
            return


def kcat(bootstrap: str, topic: str, records: int, sink: str) -> None:
    """Pipe one kcat into another; timestamps, partitions and headers are lost."""
    read = ["kcat", "-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-c", str(records), "-q", "-f", "%k\t%s\n"]
    # By default all records of one key would go to one partition.
    write = ["kcat", "-P", "-b", bootstrap, "-t", sink, "-K", "\t", "-X", "partitioner=random"]
    _pipe(read, [*write, "-H", "consumer_key=keyA"])


def java(bootstrap: str, topic: str, records: int, sink: str) -> None:
    """Pipe Kafka's console consumer into its console producer; keys are lost as well."""
    server = ["--bootstrap-server", bootstrap]
    read = [JAVA[0], *server, "--topic", topic, "--from-beginning", "--max-messages", str(records)]
    _pipe(read, [JAVA[1], *server, "--topic", sink])


def _pipe(read: list[str], write: list[str]) -> None:
    command = f"set -o pipefail; {shlex.join(read)} | {shlex.join(write)}"
    done = subprocess.run(["/bin/bash", "-c", command], check=False, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stderr or done.stdout}")


def java_is_there() -> bool:
    """Whether Kafka's console tools can be measured."""
    return all(map(shutil.which, JAVA))


if __name__ == "__main__":
    _kind, _bootstrap, _topic, _records, _sink = sys.argv[1:]
    _begun = time.perf_counter()
    {"loop": loop, "expression": expression, "kcat": kcat, "java": java}[_kind](
        _bootstrap, _topic, int(_records), _sink
    )
    print(Figures.of_many(int(_records), time.perf_counter() - _begun).to_json())
