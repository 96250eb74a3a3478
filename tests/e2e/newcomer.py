"""The newcomer's two ways, word for word: `make run` and `make up`, each followed by the curl command that it prints.

Not collected by pytest: it needs kcat and curl, and `make up` a Docker engine with compose. From the repository:

    python tests/e2e/newcomer.py run
    python tests/e2e/newcomer.py up
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 180.0
"""How long a start may take, installing the packages included."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def printed_call(output: str) -> str | None:
    """Return the curl command in what a target has printed so far, once all of its lines are there."""
    found = re.search(r"^curl (?:.*\\\n)*.*[^\\]\n", output, re.MULTILINE)
    return found and found[0]


def printed_broker(output: str) -> str | None:
    """Return the broker's address in what a target has printed so far."""
    found = re.search(r"^(?:The broker|Kafka), for .*?(127\.0\.0\.1:\d+)", output, re.MULTILINE)
    return found and found[1]


def read(broker: str, partition: int, offset: int) -> dict[str, Any]:
    """Return the record at this position of topic-test as kcat reads it."""
    at = ["-t", "topic-test", "-p", str(partition), "-o", str(offset)]
    line = subprocess.run(
        ["kcat", "-b", broker, "-C", *at, "-c", "1", "-e", "-q", "-J"], check=True, capture_output=True, timeout=30
    ).stdout
    record: dict[str, Any] = json.loads(line)
    assert offset == record["offset"], f"kcat found no record at offset {offset}, but at {record['offset']}"
    return record


def resend(call: str, broker: str) -> tuple[int, int]:
    """Run the printed curl command and compare the copy with its original.

    Returns:
        The copy's partition and offset.
    """
    answer = subprocess.run(
        ["bash", "-c", call], cwd=REPOSITORY, check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert re.match(r"HTTP/1.1 200 ", answer), answer
    head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
    assert {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"} == json.loads(body)
    told = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.splitlines())}
    partition, offset = int(told["x-resend-partition"]), int(told["x-resend-offset"])

    original, copy = read(broker, 0, 4), read(broker, partition, offset)
    assert original["partition"] == copy["partition"]
    assert original["ts"] == copy["ts"]
    assert original["key"] == copy["key"]
    assert original["payload"] == copy["payload"]
    assert [*original.get("headers", []), "consumer_key", "keyA"] == copy["headers"]
    print(f"200, and kcat finds the copy of topic-test/0@4 at {partition}@{offset}, equal but for its consumer_key")
    return partition, offset


def try_run(folder: Path) -> None:
    """`make run` serves on a broker in memory, its curl command works, and Ctrl-C ends it without a complaint."""
    log = folder / "run.log"
    with log.open("w") as output:
        # A session of its own, so that one signal reaches make and the service alike, as Ctrl-C in a terminal does.
        make = subprocess.Popen(
            ["make", "run", f"PORT={free_port()}"],
            cwd=REPOSITORY,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        started = time.monotonic()
        while (call := printed_call(log.read_text())) is None or (broker := printed_broker(log.read_text())) is None:
            assert make.poll() is None, log.read_text()
            assert time.monotonic() < started + START_SECONDS, log.read_text()
            time.sleep(0.05)
        print(f"make run serves after {time.monotonic() - started:.1f} s")
        resend(call, broker)
        os.killpg(make.pid, signal.SIGINT)
        make.wait(30)
    finally:
        if make.poll() is None:
            os.killpg(make.pid, signal.SIGKILL)
    # make itself ends by the signal, as a shell expects; of the service it would report any exit code but 0.
    assert make.returncode in {0, 128 + signal.SIGINT, -signal.SIGINT}, (make.returncode, log.read_text())
    for complaint in ("***", "Traceback"):
        assert complaint not in log.read_text(), log.read_text()
    print("Ctrl-C ends it without a complaint")


def try_up(folder: Path) -> None:
    """`make up` serves on Apache Kafka with what the containers may do cut down, and `make down` keeps the records."""
    own = {
        "COMPOSE_PROJECT_NAME": os.environ.get("COMPOSE_PROJECT_NAME", f"kafka-resend-try-{os.getpid()}"),
        "ENV_FILE": str(folder / ".env"),
        "PORT": str(free_port()),
        "KAFKA_PORT": str(free_port()),
    }

    def make(*arguments: str) -> str:
        done = subprocess.run(
            ["make", *arguments], cwd=REPOSITORY, env={**os.environ, **own}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        started = time.monotonic()
        output = make("up")
        print(f"make up serves after {time.monotonic() - started:.1f} s")
        call, broker = printed_call(output), printed_broker(output)
        assert call is not None, output
        assert broker is not None, output
        partition, offset = resend(call, broker)
        look_at_containers(own["COMPOSE_PROJECT_NAME"])
        copy = read(broker, partition, offset)
        make("down")
        make("up")
        assert copy == read(broker, partition, offset)
        print("the copy is still there after make down and make up")
    finally:
        make("down", "ARGS=-v")
    left = containers(own["COMPOSE_PROJECT_NAME"])
    assert not left, f"make down leaves containers behind: {left}"


def containers(project: str) -> list[dict[str, Any]]:
    """Return what the engine knows of the project's containers."""
    selected = ["--filter", f"label=com.docker.compose.project={project}"]
    ids = subprocess.run(["docker", "ps", "-aq", *selected], check=True, capture_output=True, text=True).stdout.split()
    if not ids:
        return []
    inspected = subprocess.run(["docker", "inspect", *ids], check=True, capture_output=True).stdout
    found: list[dict[str, Any]] = json.loads(inspected)
    return found


def look_at_containers(project: str) -> None:
    """Check that ports are open on loopback only, and that no container runs as root or may become root."""
    for container in containers(project):
        host, config = container["HostConfig"], container["Config"]
        bound = [binding["HostIp"] for bindings in (host["PortBindings"] or {}).values() for binding in bindings]
        assert {"127.0.0.1"} >= set(bound), bound
        assert config["User"] not in {"", "0", "root"}
        assert ["ALL"] == host["CapDrop"]
        assert ["no-new-privileges:true"] == host["SecurityOpt"]
        if config["Labels"]["com.docker.compose.service"] != "kafka":
            assert host["ReadonlyRootfs"]


if __name__ == "__main__":
    ways = {"run": try_run, "up": try_up}
    if len(sys.argv) != 2 or sys.argv[1] not in ways:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as temporary:
        ways[sys.argv[1]](Path(temporary))
